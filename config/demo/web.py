"""A service: gives out jobs over HTTP, and tells nsinit when it is ready to."""

import http.server
import os
import pathlib
import socket
import sqlite3

PATH = pathlib.Path(os.environ["DEMO_DIR"]) / "demo.sqlite"


class Handler(http.server.BaseHTTPRequestHandler):
    """GET / takes the next job."""

    def do_GET(self) -> None:
        """Answer with the number of a job, or nothing when all are done."""
        with sqlite3.connect(PATH) as db:
            row = db.execute("SELECT min(id) FROM job WHERE NOT done").fetchone()
            db.execute("UPDATE job SET done = 1 WHERE id = ?", row)
        body = f"{row[0] or ''}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


def notify(text: str) -> None:
    """sd_notify(3): a datagram to the socket that the supervisor names."""
    path = os.environ.get("NOTIFY_SOCKET")
    if path:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(text.encode(), path)


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["DEMO_PORT"])), Handler)
print(f"listening on port {server.server_port}")
notify("READY=1")
server.serve_forever()
