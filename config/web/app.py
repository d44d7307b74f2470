#!/usr/bin/env python3
"""A web application that counts visits in redis; the standard library is all that it needs.

`GET /` counts one and says how many there were, `GET /health` asks whether redis answers. Both
answer 503 when it does not. The places come from the environment: WEB_APP_PORT and WEB_REDIS.
"""

import os
import signal
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

PORT: Final = int(os.environ.get("WEB_APP_PORT", "8081"))
REDIS: Final = os.environ.get("WEB_REDIS", "/tmp/nsinit-web/redis.sock")  # noqa: S108  (an example)
REDIS_TIMEOUT: Final = 2.0


def ask_redis(*words: bytes) -> bytes:
    """Send one command to redis and return the first line of its answer, as RESP has it.

    Each command has a connection of its own, so there is none to mend when redis was restarted.
    """
    parts = [b"*%d" % len(words)]
    for word in words:
        parts += [b"$%d" % len(word), word]
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(REDIS_TIMEOUT)
        connection.connect(REDIS)
        connection.sendall(b"\r\n".join(parts) + b"\r\n")
        with connection.makefile("rb") as answer:
            line = answer.readline()
    if not line.endswith(b"\r\n"):
        raise ConnectionResetError("redis closed the connection")
    if line.startswith(b"-"):
        raise ConnectionError(line[1:].decode(errors="replace").strip())
    return line[1:-2]


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        """Answer it."""
        try:
            status, text = self._answer()
        except OSError as error:
            status, text = 503, f"redis does not answer: {error}"
        body = f"{text}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer(self) -> tuple[int, str]:
        if self.path == "/":
            return 200, f"visits: {int(ask_redis(b'INCR', b'visits'))}"
        if self.path == "/health":
            return 200, ask_redis(b"PING").decode()
        return 404, "there is nothing here"


class Server(ThreadingHTTPServer):
    """Answers every request in a thread of its own, none of which delays the end."""

    daemon_threads = True


def notify(state: str) -> None:
    """Tell whoever started us how we are; what sd_notify(3) does."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path:
        return
    if path.startswith("@"):  # an abstract socket
        path = "\0" + path[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
        connection.sendto(state.encode(), path)


def main() -> None:
    """Serve until told to stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Server(("127.0.0.1", PORT), Handler) as server:
        # The socket listens from here on: what comes before serve_forever waits in its queue.
        notify("READY=1")
        print(f"listening on port {PORT}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
