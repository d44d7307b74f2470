"""A web server that makes no socket of its own: it takes those that it is given."""

import os
import selectors
import socket

given = int(os.environ["LISTEN_FDS"])
if os.environ["LISTEN_PID"] != str(os.getpid()):
    raise SystemExit("the sockets are meant for somebody else")
BODY = b"hello from a socket that nsinit keeps\n"

with selectors.DefaultSelector() as waiting:
    for fd in range(3, 3 + given):
        waiting.register(socket.socket(fileno=fd), selectors.EVENT_READ)
    while True:
        for key, _ in waiting.select():
            connection, _ = key.fileobj.accept()
            with connection:
                connection.recv(4096)
                head = f"HTTP/1.0 200 OK\r\nContent-Length: {len(BODY)}\r\n\r\n"
                connection.sendall(head.encode() + BODY)
