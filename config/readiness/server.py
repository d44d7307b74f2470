"""A server that takes its time to be ready, and tells by the way it is asked to.

    server.py fd|log|file|unix|tcp|http|notify|reload [WHERE]

WHERE is a path for `file` and `unix`, a port for `tcp` and `http`. It runs until it is stopped.
"""

import http.server
import os
import pathlib
import signal
import socket
import sys
import time

way = sys.argv[1]
where = sys.argv[2] if len(sys.argv) > 2 else ""
time.sleep(0.3)  # what a real one does here: read its data, open its port, warm its caches


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers /ready, and nothing else."""

    def do_GET(self) -> None:
        """Tell whether this is the path."""
        body = b"fine\n"
        self.send_response(200 if self.path == "/ready" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Not a line for each probe."""


def tell(text: str) -> None:
    """Tell init by sd_notify(3)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to_init:
        to_init.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])


def reload(*_: object) -> None:
    """Read the configuration again, and tell when that began and when it is done."""
    tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
    time.sleep(0.1)
    tell("READY=1\nSTATUS=waiting for more work")


if way == "fd":
    os.write(3, b"\n")
elif way == "log":
    print("listening on port 5432", flush=True)
elif way == "file":
    pathlib.Path(where).write_text("ready\n")
elif way == "unix":
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(where)
    listener.listen()
elif way == "tcp":
    listener = socket.create_server(("127.0.0.1", int(where)))
elif way == "http":
    http.server.ThreadingHTTPServer(("127.0.0.1", int(where)), Handler).serve_forever()
elif way == "notify":
    tell("READY=1\nSTATUS=waiting for work")
elif way == "reload":
    signal.signal(signal.SIGHUP, reload)
    tell("READY=1\nSTATUS=waiting for work")
while True:
    time.sleep(1000)
