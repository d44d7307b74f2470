"""Tells one client the time, and ends."""

import socket
import time

with socket.socket(fileno=3) as listener:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(time.strftime("it is %H:%M:%S\n").encode())
