#!/usr/bin/env python3
"""A small portal: it has accounts of its own, and a button that opens a notebook.

It needs nothing but Python. What a portal of your own has to do is in three
places: call() uses the hub's REST API with a service token, open_notebook()
makes a one-time token and sends the browser to the hub with it, and redeem()
tells the hub, once, whose token it was.
"""

import hashlib
import hmac
import html
import json
import os
import secrets
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HUB_URL = os.environ.get("HUB_URL", "http://localhost:8000")
PORT = int(os.environ.get("PORTAL_PORT", "9000"))
PORTAL_TOKEN = os.environ["PORTAL_TOKEN"]  # of the service "portal" at the hub
HUB_TOKEN = os.environ["HUB_TOKEN"]  # of the hub at this portal
PASSWORD = os.environ["PORTAL_PASSWORD"]  # of every account here

SERVER = "named"  # the server that the button opens
TOKEN_LIFETIME = 30  # seconds, to follow a link
MAX_BODY = 16 * 1024


class Tokens:
    """One-time tokens: only hashes are kept, and each is given out once."""

    def __init__(self):
        self.lock = threading.Lock()
        self.by_hash = {}

    def make(self, user, server):
        token = secrets.token_urlsafe(32)
        with self.lock:
            now = time.monotonic()
            self.by_hash = {k: v for k, v in self.by_hash.items() if v[2] > now - 3600}
            self.by_hash[self.hash(token)] = (user, server, now + TOKEN_LIFETIME)
        return token

    def take(self, token):
        """(user, server) of a token, None if there is none, False if it was too late."""
        with self.lock:
            found = self.by_hash.pop(self.hash(token), None)
        if found is None:
            return None
        user, server, expires = found
        return (user, server) if time.monotonic() < expires else False

    @staticmethod
    def hash(token):
        return hashlib.sha256(token.encode()).hexdigest()


tokens = Tokens()
sessions = {}  # by the value of the cookie: who is logged in at the portal


def call(method, path):
    """Call the hub's REST API; the status tells what came of it."""
    request = urllib.request.Request(
        f"{HUB_URL}/hub/api{path}", method=method, headers={"Authorization": f"token {PORTAL_TOKEN}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status
    except urllib.error.HTTPError as error:
        with error:
            return error.status


class Portal(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "portal", ""

    def do_GET(self):
        if self.path != "/":
            return self.answer(404, "There is nothing here.")
        user = self.user()
        if not user:
            return self.page(
                "Portal",
                '<form method="post" action="/login">'
                '<p><label>Name <input name="name" autofocus required></label>'
                '<p><label>Password <input name="password" type="password" required></label>'
                '<p><button id="login">Log in</button></form>',
            )
        return self.page(
            f"Hello {html.escape(user)}",
            '<form method="post" action="/open"><button id="open">Open my notebook</button></form>',
        )

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            self.close_connection = True
            return self.answer(413, "Too long.")
        body = self.rfile.read(length)
        if self.path == "/redeem":
            return self.redeem(body)
        # A page of another site must not press our buttons.
        if self.headers.get("Origin") not in (None, f"http://{self.headers.get('Host')}"):
            return self.answer(403, "This form was not ours.")
        if self.path == "/login":
            return self.log_in(urllib.parse.parse_qs(body.decode(errors="replace")))
        if self.path == "/open":
            return self.open_notebook()
        return self.answer(404, "There is nothing here.")

    def log_in(self, form):
        name, password = (form.get(field, [""])[0] for field in ("name", "password"))
        if not name.isalnum() or not hmac.compare_digest(password.encode(), PASSWORD.encode()):
            return self.answer(403, "Wrong name or password.")
        value = secrets.token_urlsafe(32)
        sessions[value] = name.lower()
        return self.redirect("/", f"portal={value}; Path=/; HttpOnly; SameSite=Lax")

    def open_notebook(self):
        user = self.user()
        if not user:
            return self.redirect("/")
        status = call("POST", f"/users/{user}")
        if status not in (201, 409):  # made, or there already
            return self.answer(502, f"The hub did not make the user: {status}")
        status = call("POST", f"/users/{user}/servers/{SERVER}")
        if status not in (201, 202, 400):  # runs, starts, or was running
            return self.answer(502, f"The hub did not start the server: {status}")
        token = tokens.make(user, SERVER)
        return self.redirect(f"{HUB_URL}/hub/login?login_token={token}")

    def redeem(self, body):
        """The hub asks whose token it is."""
        if not hmac.compare_digest(self.headers.get("Authorization", "").encode(), f"Bearer {HUB_TOKEN}".encode()):
            return self.json(401, {"message": "only the hub may ask"})
        try:
            token = json.loads(body)["token"]
            found = tokens.take(token)
        except (ValueError, KeyError, TypeError, AttributeError):
            return self.json(404, {"message": "invalid token"})
        if found is None:
            return self.json(404, {"message": "invalid token"})
        if not found:
            return self.json(400, {"message": "token expired"})
        user, server = found
        return self.json(200, {"name": user, "server": server})

    def user(self):
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get("portal")
        return sessions.get(cookie.value) if cookie else None

    def page(self, title, body):
        text = f"<!DOCTYPE html><html lang=en><meta charset=utf-8><title>{title}</title><h1>{title}</h1>{body}"
        self.send(200, "text/html; charset=utf-8", text)

    def answer(self, status, text):
        self.send(status, "text/plain; charset=utf-8", text + "\n")

    def json(self, status, value):
        self.send(status, "application/json", json.dumps(value))

    def redirect(self, location, cookie=None):
        headers = {"Location": location}
        if cookie:
            headers["Set-Cookie"] = cookie
        self.send(303, "text/plain", "", headers)

    def send(self, status, kind, text, headers=None):
        data = text.encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "same-origin")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format, *args):
        pass  # addresses can have secrets


if __name__ == "__main__":
    print(f"portal: http://127.0.0.1:{PORT}/", file=sys.stderr, flush=True)
    ThreadingHTTPServer(("127.0.0.1", PORT), Portal).serve_forever()
