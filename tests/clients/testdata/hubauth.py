"""Ask the hub who has a token, as a service does that is made with HubAuth."""
import json
import os

from jupyterhub.services.auth import HubAuth

auth = HubAuth(cache_max_age=60)
access = {"access:services!service=announcement"}


def ask(token):
    return auth.user_for_token(token, sync=True)


users = {name: ask(os.environ[name.upper()]) for name in ("ada", "bob")}
# From the cache it is the same.
assert ask(os.environ["ADA"]) == users["ada"]

print(json.dumps({
    **users,
    "service": ask(os.environ["JUPYTERHUB_API_TOKEN"]),
    "admitted": {name: bool(auth.check_scopes(access, user)) for name, user in users.items()},
    "unknown": [ask("0" * 32), ask("x"), ask("../../users")],
}))
