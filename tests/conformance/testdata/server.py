"""A single-user server that both hubs can run: it answers every request with
204, and starts in a few milliseconds. Its name says how it behaves.

slow*    begins to listen after some seconds
broken*  ends at once with status 3
"""

import os
import socket
import sys
import time

name = os.environ["JUPYTERHUB_SERVER_NAME"]
if name.startswith("broken"):
    sys.exit(3)
if name.startswith("slow"):
    time.sleep(float(os.environ.get("SLOW_SECONDS", "3")))
address = os.environ["JUPYTERHUB_SERVICE_URL"].split("//", 1)[1].split("/", 1)[0]
host, _, port = address.rpartition(":")
listener = socket.create_server((host, int(port)), backlog=64)
while True:
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(5)
        try:
            connection.recv(65536)
            connection.sendall(
                b"HTTP/1.1 204 No Content\r\nX-JupyterHub-Version: 5.5.1\r\nConnection: close\r\n\r\n"
            )
        except OSError:
            pass
