# A hub whose servers are said to run and whose proxy is a dictionary, so that
# nothing but the hub itself is measured. Values come from the environment.
import os

from jupyterhub.proxy import Proxy
from jupyterhub.spawner import Spawner


class RunningSpawner(Spawner):
    """Every server that the database knows runs."""

    async def start(self):
        raise RuntimeError("no server is started here")

    async def poll(self):
        return None

    async def stop(self, now=False):
        pass


class DictionaryProxy(Proxy):
    """Keeps routes in memory and routes nothing."""

    should_start = False

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.routes = {}

    async def add_route(self, routespec, target, data):
        self.routes[routespec] = {"routespec": routespec, "target": target, "data": data}

    async def delete_route(self, routespec):
        self.routes.pop(routespec, None)

    async def get_all_routes(self):
        return dict(self.routes)


c = get_config()  # noqa: F821
c.JupyterHub.db_url = "sqlite:///" + os.environ["BENCH_DATABASE"]
c.JupyterHub.cookie_secret_file = os.environ["BENCH_DATABASE"] + ".secret"
c.JupyterHub.hub_ip = "127.0.0.1"
c.JupyterHub.hub_port = int(os.environ["BENCH_PORT"])
c.JupyterHub.bind_url = "http://127.0.0.1:1/"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = RunningSpawner
c.JupyterHub.proxy_class = DictionaryProxy
c.JupyterHub.cleanup_servers = False
c.JupyterHub.log_level = "WARN"
c.JupyterHub.services = [{"name": "culler", "api_token": os.environ["BENCH_CULLER"]}]
c.JupyterHub.load_roles = [
    {
        "name": "culler",
        "services": ["culler"],
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers", "admin:users"],
    }
]
