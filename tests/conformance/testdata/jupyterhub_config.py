# What is in the file that CONFORMANCE_WORLD names, in JupyterHub's words. The
# other side gets the same as a Caddyfile.
import json
import os
import sys

with open(os.environ["CONFORMANCE_WORLD"]) as file:
    world = json.load(file)

c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = world["password"]
c.Authenticator.allow_all = True
c.Authenticator.admin_users = set(world["admins"])
c.Authenticator.enable_auth_state = True
c.CryptKeeper.keys = [bytes(32)]
c.JupyterHub.load_groups = {
    group["name"]: {"users": group["users"], "properties": group["properties"]}
    for group in world["groups"]
}
c.JupyterHub.load_roles = world["roles"]
c.JupyterHub.custom_scopes = world["custom_scopes"]
c.JupyterHub.services = [
    {
        **{key: value for key, value in service.items() if key != "hidden"},
        "display": not service.get("hidden", False),
    }
    for service in world["services"]
]
c.JupyterHub.trust_user_provided_tokens = True
c.JupyterHub.allow_named_servers = True
c.JupyterHub.named_server_limit_per_user = world["named_server_limit_per_user"]
c.JupyterHub.spawner_class = "simple"
c.Spawner.cmd = world["command"]
c.Spawner.http_timeout = world["http_timeout_seconds"]
c.JupyterHub.log_level = "WARN"
# The log of the other side has the requests; here they cost more than their answers.
c.JupyterHub.tornado_settings = {"log_function": lambda handler: None}
c.ConfigurableHTTPProxy.log_level = "error"
