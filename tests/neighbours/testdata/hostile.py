"""A server extension as its user wrote it: it serves the files of a folder below
/hostile/, to everybody who is let through to this server, as the query asks.

    header=NAME:VALUE   sets a header, and may be repeated
    redirect=URL        redirects there, with status=CODE if given
"""

import os
from pathlib import Path

from tornado import web

PAGES = Path(os.path.expanduser("~/hostile"))


class Hostile(web.RequestHandler):
    def check_xsrf_cookie(self):
        pass

    def get(self, name):
        self.set_header("Content-Type", "text/javascript" if name.endswith(".js") else "text/html; charset=utf-8")
        for header in self.get_arguments("header"):
            field, _, value = header.partition(":")
            self.add_header(field, value)
        target = self.get_argument("redirect", None)
        if target:
            self.set_status(int(self.get_argument("status", "302")))
            self.set_header("Location", target)
            return
        # What a visitor sends is told: the server knows it anyway.
        page = (PAGES / os.path.basename(name)).read_text()
        self.write(page.replace("VISITOR_TOKEN", self.request.headers.get("Authorization", "")))

    post = put = get


def _jupyter_server_extension_points():
    return [{"module": "hostile"}]


def _load_jupyter_server_extension(app):
    base = app.web_app.settings["base_url"]
    app.web_app.add_handlers(".*$", [(base + "hostile/(.*)", Hostile)])
