"""Writes users and running servers into a JupyterHub database.

Reads JSON from standard input: {"database": path, "users": number,
"port": number, "tokens": [token of the first user, of the second, ...]}.
Users with a token have a running default server at that port.
"""

import json
import sys
from datetime import datetime, timedelta

from jupyterhub import orm, roles

wish = json.load(sys.stdin)
db = orm.new_session_factory("sqlite:///" + wish["database"])()
for role in roles.get_default_roles():
    roles.create_role(db, role, commit=False)
db.commit()
member = orm.Role.find(db, "user")
now = datetime.utcnow()
users = []
for i in range(wish["users"]):
    user = orm.User(name=f"user{i:05}", last_activity=now - timedelta(minutes=i % 600))
    user.roles.append(member)
    users.append(user)
db.add_all(users)
db.add(orm.OAuthClient(identifier="jupyterhub", secret="", redirect_uri=""))
db.commit()
for user, token in zip(users, wish["tokens"]):
    server = orm.Server(proto="http", ip="127.0.0.1", port=wish["port"], base_url=f"/user/{user.name}/")
    spawner = orm.Spawner(
        user=user, name="", server=server, state={"pid": 1}, started=now, last_activity=now, user_options={},
    )
    client = orm.OAuthClient(identifier=f"jupyterhub-user-{user.name}", secret="", redirect_uri=f"/user/{user.name}/oauth_callback")
    granted = orm.APIToken(user=user, note="for the benchmark", scopes=["inherit"], client_id="jupyterhub")
    granted.token = token
    spawner.oauth_client = client
    db.add_all([server, spawner, client, granted])
db.commit()
