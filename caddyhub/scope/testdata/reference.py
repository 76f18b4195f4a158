"""Answers, from the installed jupyterhub package, what the Go tests ask.

Reads one JSON object from standard input and writes one to standard output.
"""

import json
import logging
import sys
import types
import warnings

import sqlalchemy.orm
from tornado import web

from jupyterhub import orm, roles, scopes
from jupyterhub._memoize import DoNotCache

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)


def uncached(function):
    """A function of JupyterHub's without the memory around it."""

    def call(*args, **kwargs):
        result = function.__wrapped__(*args, **kwargs)
        return result.result if isinstance(result, DoNotCache) else result

    return call


# JupyterHub remembers intersections by the two sets alone: what it has answered
# without a database, where groups count for nothing, it then answers with one.
scopes._intersect_expanded_scopes = uncached(scopes._intersect_expanded_scopes)


class World:
    """An in-memory database with the users, groups, services and servers."""

    def __init__(self, spec):
        engine = sqlalchemy.create_engine("sqlite://")
        orm.Base.metadata.create_all(engine)
        # What is in memory stays valid: nothing is written after the first commit.
        self.db = sqlalchemy.orm.Session(engine, autoflush=False, expire_on_commit=False)
        self.users = {name: orm.User(name=name) for name in spec["users"]}
        self.groups = {name: orm.Group(name=name) for name in spec["groups"]}
        self.services = {name: orm.Service(name=name) for name in spec["services"]}
        self.servers = {}
        self.clients = {}
        for name, members in spec["groups"].items():
            self.groups[name].users = [self.users[member] for member in members]
        self.db.add_all([*self.users.values(), *self.groups.values(), *self.services.values()])
        for user, name in spec["servers"]:
            spawner = orm.Spawner(name=name, user=self.users[user])
            self.servers[f"{user}/{name}"] = spawner
            self.client(f"server {user}/{name}").spawner = spawner
        for name, service in self.services.items():
            self.client(f"service {name}").service = service
        self.db.commit()

    def client(self, identifier):
        client = orm.OAuthClient(identifier=identifier, secret="")
        self.db.add(client)
        self.clients[identifier] = client
        return client

    def owner(self, spec):
        return self.users.get(spec["user"]) or self.services.get(spec["service"])

    def resource(self, kind, user, name):
        if kind == "server":
            return self.servers[f"{user}/{name}"]
        return {"user": self.users, "group": self.groups, "service": self.services}[kind][name]


def facts():
    return {
        "definitions": {
            name: {
                "anywhere": sorted(scopes._expand_scope(name)),
                "server": sorted(s.partition("!")[0] for s in scopes._expand_scope(name + "!server=a/b")),
            }
            for name in scopes.scope_definitions
        },
        "roles": {role["name"]: role["scopes"] for role in roles.get_default_roles()},
        "self": sorted(scopes._expand_self_scope("ada")),
    }


def accepted(text):
    """Whether a role with that scope could be created and used."""
    try:
        scopes._check_scopes_exist([text])
        expanded = scopes._expand_scope(text)
        if "=" in text:
            scopes.parse_scopes(expanded)
    except (KeyError, ValueError):
        return False
    return True


def decide(world, held, check):
    """The status with which the REST API's decorator answers."""
    kind, user, name = check["kind"], check["user"], check["name"]
    handler = types.SimpleNamespace(
        current_user="somebody",
        expanded_scopes=held,
        parsed_scopes=scopes.parse_scopes(held),
        request=types.SimpleNamespace(path="/"),
        db=world.db,
    )
    arguments = {"server": {"user_name": user, "server_name": name}, "": {}}.get(kind, {f"{kind}_name": name})
    functions = {
        "": lambda self: None,
        "user": lambda self, user_name: None,
        "group": lambda self, group_name: None,
        "service": lambda self, service_name: None,
        "server": lambda self, user_name, server_name: None,
    }
    try:
        scopes.needs_scope(*check["scopes"])(functions[kind])(handler, **arguments)
    except web.HTTPError as error:
        return error.status_code
    return 200


def filtered(world, held, check):
    """Whether the first scope's filter lets a resource into a list."""
    if not check["kind"]:
        return None
    parsed = scopes.parse_scopes(held)
    resource = world.resource(check["kind"], check["user"], check["name"])
    name = check["scopes"][0]
    return name in parsed and scopes.check_scope_filter(parsed[name], resource, check["kind"])


def token(world, case, owner, client):
    """The effective scopes of a token whose owner has one role."""
    role = orm.Role(name="role", scopes=case["held"])
    owner.roles = [role]
    issued = orm.APIToken(scopes=case["scopes"], oauth_client=client)
    if client is None:
        issued.client_id = "jupyterhub"
    kind = "user" if isinstance(owner, orm.User) else "service"
    setattr(issued, kind, owner)
    world.db.add(issued)
    effective = scopes.get_scopes_for(issued)
    setattr(issued, kind, None)
    issued.oauth_client = None
    owner.roles = []
    for made in (role, issued):
        if made in world.db:
            world.db.expunge(made)
    return sorted(scopes.reduce_scopes(effective))


def answer(world, case):
    owner = world.owner(case["owner"])
    client = world.clients.get(case["client"])
    expanded = scopes.expand_scopes(case["scopes"], owner=owner, oauth_client=client)
    held = scopes.expand_scopes(case["held"], owner=owner)
    shared = scopes._intersect_expanded_scopes(expanded, held, db=world.db)
    granted, refused = scopes._resolve_requested_scopes(
        set(case["scopes"]), set(case["held"]), owner, client, world.db
    )
    return {
        "expanded": sorted(expanded),
        "held": sorted(held),
        "intersection": sorted(shared),
        "intersection_without_groups": sorted(scopes._intersect_expanded_scopes(expanded, held)),
        "missing": sorted(expanded - shared),
        "token": token(world, case, owner, client) if owner else [],
        "granted": sorted(scopes.expand_scopes(granted, owner=owner, oauth_client=client)),
        "refused": sorted(refused),
        "decisions": [decide(world, held, check) for check in case["checks"]],
        "filtered": [filtered(world, held, check) for check in case["checks"]],
    }


def main():
    question = json.load(sys.stdin)
    scopes.define_custom_scopes(question["custom"])
    world = World(question["world"])
    json.dump(
        {
            "facts": facts(),
            "accepted": [accepted(text) for text in question["texts"]],
            "answers": [answer(world, case) for case in question["cases"]],
        },
        sys.stdout,
    )


main()
