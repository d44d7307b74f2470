#!/usr/bin/env python3
"""The shop's own programs: the web application, the worker, and the report; standard library only.

shop.py serve    POST /orders takes an order, GET / says how many there are and how many are done
shop.py work     does the orders that wait in redis, one after the other
shop.py report   counts them, and keeps the result in redis

Orders are rows of PostgreSQL, asked by psql; those to be done wait in a list of redis.
"""

import os
import signal
import socket
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

PORT: Final = int(os.environ.get("SHOP_PORT", "8081"))
REDIS: Final = os.environ["SHOP_REDIS"]
WAIT: Final = 5  # s that the worker lets redis wait for an order
COUNT: Final = "select count(*) || ' orders, ' || count(done) || ' done' from orders"
INSERT: Final = "insert into orders default values returning id"


def ask_redis(*words: str, patience: float = 2.0) -> list[str]:
    """Send one command over a connection of its own; the lines of its answer, without lengths."""
    parts = [f"*{len(words)}"]
    for word in words:
        parts += [f"${len(word.encode())}", word]
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(patience)
        connection.connect(REDIS)
        connection.sendall("\r\n".join([*parts, ""]).encode())
        with connection.makefile(encoding="utf-8", newline="\r\n") as answer:
            return [line[1:] for line in read_answer(answer.readline)]


def read_answer(readline) -> list[str]:  # noqa: ANN001  (of any file)
    """One answer of redis's protocol: a kind and a text for each of its values."""
    line = readline().rstrip("\r\n")
    if not line or line[0] == "-":
        raise ConnectionError(line[1:] or "redis closed the connection")
    if line[0] == "$":
        return [] if line == "$-1" else [f"${readline().rstrip()}"]
    if line[0] == "*":
        return [one for _ in range(int(line[1:])) for one in read_answer(readline)]
    return [line]


def ask_database(query: str) -> str:
    """Let psql ask; how to connect is in the environment (PGHOST, PGUSER)."""
    words = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--command", query]
    done = subprocess.run(words, capture_output=True, text=True, timeout=10, check=False)
    if done.returncode != 0:
        raise OSError(done.stderr.strip() or "psql failed")
    return done.stdout.strip()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        """Answer it."""
        self._reply(lambda: f"{ask_database(COUNT)}; {' '.join(ask_redis('GET', 'report'))}")

    def do_POST(self) -> None:
        """Take an order."""
        self._reply(self._order)

    def _order(self) -> str:
        ask_redis("PING")  # no order is taken that can't be done
        number = ask_database(INSERT)
        ask_redis("LPUSH", "waiting", number)
        return f"order {number}"

    def _reply(self, answer) -> None:  # noqa: ANN001  (what makes the text)
        try:
            status, text = 200, answer()
        except (OSError, subprocess.SubprocessError) as error:
            status, text = 503, f"the shop is closed: {error}"
        body = f"{text}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def serve() -> None:
    """Until TERM."""
    server = ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
    print(f"serving on {PORT}", flush=True)
    server.serve_forever()


def work() -> None:
    """Until TERM; an order that fails waits again."""
    print("waiting for orders", flush=True)
    while True:
        found = ask_redis("BRPOP", "waiting", str(WAIT), patience=2 * WAIT)
        if not found:
            continue
        number = int(found[-1])
        try:
            ask_database(f"update orders set done = now() where id = {number}")  # noqa: S608
        except OSError:
            ask_redis("RPUSH", "waiting", str(number))
            raise
        print(f"order {number} is done", flush=True)


def report() -> None:
    """Once."""
    text = f"as of the last report {ask_database(COUNT)}"
    ask_redis("SET", "report", text)
    print(text)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    {"serve": serve, "work": work, "report": report}[sys.argv[1]]()
