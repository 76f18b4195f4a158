"""A service that tells who is before it, by JupyterHub's own classes.

It is configured by nothing but the variables that JupyterHub gives to services.
"""

import asyncio
import json
import os
import sys
from urllib.parse import urlparse

from jupyterhub.services.auth import (
    HubAuth,
    HubAuthenticated,
    HubOAuth,
    HubOAuthCallbackHandler,
    HubOAuthenticated,
)
from jupyterhub.utils import url_path_join
from tornado import web, websocket


class WhoAmI(HubOAuthenticated, web.RequestHandler):
    """The visitor, as the hub describes them."""

    @web.authenticated
    def get(self):
        self.write(json.dumps(self.get_current_user()))


class ByCookie(WhoAmI):
    """The same by the service's own login alone, whatever stands in a header."""

    def prepare(self):
        self.request.headers.pop("Authorization", None)
        return super().prepare()


class ByToken(HubAuthenticated, web.RequestHandler):
    """The same for clients with a token; nobody is sent to a login page."""

    def initialize(self):
        # Not the instance that all share, which may send to a login page.
        self.hub_auth = HubAuth(cache_max_age=1)

    @web.authenticated
    def get(self):
        self.write(json.dumps(self.get_current_user()))


class Write(WhoAmI):
    """What takes a scope of the operator's own."""

    hub_scopes = {"custom:whoami:write"}


class Echo(HubOAuthenticated, websocket.WebSocketHandler):
    """A WebSocket that says back what it hears, and to whom."""

    @web.authenticated
    async def get(self, *args, **kwargs):
        await super().get(*args, **kwargs)

    def on_message(self, message):
        self.write_message(f"{self.get_current_user()['name']}: {message}")


class Environment(HubOAuthenticated, web.RequestHandler):
    """The variables of the process, and which one it is."""

    @web.authenticated
    def get(self):
        self.write(json.dumps({"pid": os.getpid(), "environ": dict(os.environ)}))


class Crash(HubOAuthenticated, web.RequestHandler):
    """The end of the process."""

    @web.authenticated
    def get(self):
        os._exit(3)


async def main():
    prefix = os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "/")
    # What was asked before must not hide what is true now.
    HubOAuth.instance(cache_max_age=1)
    pages = {
        "": WhoAmI,
        "cookie": ByCookie,
        "token": ByToken,
        "write": Write,
        "echo": Echo,
        "environment": Environment,
        "crash": Crash,
        "oauth_callback": HubOAuthCallbackHandler,
    }
    app = web.Application(
        [(url_path_join(prefix, name), page) for name, page in pages.items()],
        cookie_secret=os.urandom(32),
    )
    url = urlparse(os.environ["JUPYTERHUB_SERVICE_URL"])
    app.listen(url.port, url.hostname)
    print("whoami listens; its token is", os.environ["JUPYTERHUB_API_TOKEN"], flush=True)
    print("and it complains", file=sys.stderr, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
