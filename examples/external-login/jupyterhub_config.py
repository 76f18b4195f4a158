"""The same login service in front of JupyterHub, with the settings of the report."""

import json
import os
import urllib.error
import urllib.request

from jupyterhub.auth import Authenticator
from tornado import web

c = get_config()  # noqa

SERVICE = os.environ.get("LOGIN_SERVICE", "http://localhost:9000")
COOKIE = "org-id-token"


def ask(token):
    """Return who the service says it is, or None."""
    request = urllib.request.Request(f"{SERVICE}/verify", headers={"Cookie": f"{COOKIE}={token}"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)
    except urllib.error.HTTPError:
        return None


class CookieAuthenticator(Authenticator):
    """Log in by the cookie of the service."""

    def found(self, handler):
        token = handler.get_cookie(COOKIE)
        answer = ask(token) if token else None
        return answer and {"name": answer["name"], "auth_state": {"token": answer["token"]}}

    async def authenticate(self, handler, data):
        found = self.found(handler)
        if not found:
            raise web.HTTPError(403, "log in at the login service first")
        return found

    async def refresh_user(self, user, handler=None):
        return self.found(handler) or False

    def login_url(self, base_url):
        return base_url.rstrip("/") + "/login"


c.JupyterHub.authenticator_class = CookieAuthenticator
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.oauth_token_expires_in = 1
c.JupyterHub.cookie_max_age_days = 0.2
c.Authenticator.allow_all = True
c.Authenticator.auto_login = True
c.Authenticator.enable_auth_state = True
c.Authenticator.refresh_pre_spawn = True
c.Authenticator.auth_refresh_age = 3600 * 4
c.Spawner.oauth_client_allowed_scopes = ["self"]
os.environ.setdefault("JUPYTERHUB_CRYPT_KEY", os.urandom(32).hex())
