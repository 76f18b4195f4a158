"""Use a token with the tools that come with Python, and take it back."""
import json
import os
import urllib.error
import urllib.request

import requests

api, token = os.environ["HUB_API"], os.environ["TOKEN"]


def status(method, path, token, **more):
    return requests.request(method, api + path, headers={"Authorization": f"token {token}"}, **more)


# urllib capitalises names of headers in its own way.
request = urllib.request.Request(api + "/user", headers={"Authorization": "token " + token})
with urllib.request.urlopen(request) as answer:
    me = json.load(answer)
assert me["kind"] == "user", me

# A session keeps cookies; none must get into the way.
with requests.Session() as session:
    session.headers["Authorization"] = "Bearer " + token
    for _ in range(3):
        assert session.get(api + "/user").json()["name"] == me["name"]

# A token of one's own: shown once, good at once, and gone when it is revoked.
made = status("post", f"/users/{me['name']}/tokens", token, json={"note": "a script", "expires_in": 600})
assert made.status_code == 201, made.text
mine = made.json()
assert status("get", "/user", mine["token"]).json()["name"] == me["name"]
listed = status("get", f"/users/{me['name']}/tokens", token).json()["api_tokens"]
assert mine["id"] in [t["id"] for t in listed], listed
assert all("token" not in t for t in listed), listed
assert status("delete", f"/users/{me['name']}/tokens/{mine['id']}", token).status_code == 204
assert status("get", "/user", mine["token"]).status_code == 403

try:
    urllib.request.urlopen(api + "/user?token=" + token)
except urllib.error.HTTPError as refused:
    assert refused.code == 403, refused
else:
    raise AssertionError("a token in the address opens the API")

print(me["name"])
