"""Make a class of users, run their servers for a while, and clean up."""
import json
import os
import time

import requests

api, hub = os.environ["HUB_API"], os.environ["HUB_API"].removesuffix("/hub/api")
session = requests.Session()
session.headers["Authorization"] = "token " + os.environ["TOKEN"]


def call(method, path, *expected, **more):
    answer = session.request(method, api + path, timeout=120, **more)
    assert answer.status_code in expected, (method, path, answer.status_code, answer.text)
    return answer


def follow(path):
    """The events of a start, up to the last one."""
    events = []
    with session.get(api + path, stream=True, timeout=120) as stream:
        stream.raise_for_status()
        assert stream.headers["Content-Type"].startswith("text/event-stream"), stream.headers
        for line in stream.iter_lines():
            if line.startswith(b"data:"):
                events.append(json.loads(line.split(b":", 1)[1]))
                if events[-1].get("ready") or events[-1].get("failed"):
                    return events
    raise AssertionError(f"the stream ended early: {events}")


def visit(name):
    """An administrator looks at a user's server, by way of the hub."""
    answer = session.get(f"{hub}/user/{name}/api/status", timeout=60)
    assert answer.status_code == 200 and "started" in answer.json(), answer.text


students = ["student-1", "student-2"]
made = call("post", "/users", 201, json={"usernames": students}).json()
assert sorted(user["name"] for user in made) == students, made
call("post", "/users", 409, json={"usernames": students})
call("post", "/groups/class", 201)
group = call("post", "/groups/class/users", 200, json={"users": students}).json()
assert sorted(group["users"]) == students, group

for name in students:
    call("post", f"/users/{name}/server", 201, 202, json={"size": "large"})
for name in students:
    last = follow(f"/users/{name}/server/progress")[-1]
    assert last["ready"] and last["progress"] == 100 and last["url"] == f"/user/{name}/", last
    visit(name)
ready = call("get", "/users?state=ready&limit=50", 200, headers={"Accept": "application/jupyterhub-pagination+json"}).json()
assert [user["name"] for user in ready["items"]] == students, ready
assert ready["_pagination"]["total"] == 2, ready["_pagination"]

model = call("get", "/users/student-1", 200).json()
assert model["groups"] == ["class"] and model["server"] == "/user/student-1/", model
assert model["servers"][""]["user_options"] == {"size": "large"}, model
call("post", "/users/student-1/server", 400)

# A server with a name, options that are refused, and those of the last time.
refused = call("post", "/users/student-1/servers/lab", 400, json={"size": "huge"}).json()
assert refused["message"].startswith("Invalid user options"), refused
call("post", "/users/student-1/servers/lab", 201, 202, json={"size": "small", "note": [1, None]})
assert follow("/users/student-1/servers/lab/progress")[-1]["ready"]
call("delete", "/users/student-1/servers/lab", 202, 204)
while call("get", "/users/student-1?include_stopped_servers", 200).json()["servers"]["lab"]["pending"]:
    time.sleep(0.1)
call("post", "/users/student-1/servers/lab", 201, 202)
follow("/users/student-1/servers/lab/progress")
lab = call("get", "/users/student-1", 200).json()["servers"]["lab"]
assert lab["user_options"] == {"size": "small", "note": [1, None]}, lab
call("delete", "/users/student-1/servers/lab", 202, 204, json={"remove": True})

for name in students:
    call("delete", f"/users/{name}/server", 202, 204)
    call("delete", f"/users/{name}", 204)
call("delete", "/groups/class", 204)
call("get", "/users/student-1", 404)
print("done")
