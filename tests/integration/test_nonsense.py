"""Nonsense to every socket of a real init for a while: it goes on, and nothing stays behind."""

from __future__ import annotations

import os
import socket

from scripts.fuzzing.live import attack
from tests.support.growth import at_rest
from tests.support.live import DEADLINE, eventually, shared


def test_init_is_as_before_when_it_was_sent_nonsense() -> None:
    """By every socket that it has; who asks properly is answered meanwhile."""
    told = attack(4000, 30.0, 20, "subreaper")
    assert not told.wrong
    assert all(told.sent.values()), told.sent


def test_client_is_let_go_when_it_goes_after_it_ended_what_it_says() -> None:
    """Of a stream in which nothing happens: its connection was kept for as long as that."""
    with shared('[services.a]\ncommand = "sleep 1000"\nmin_uptime = 0\n', a="running") as init:

        def descriptors() -> int:
            return len(os.listdir(f"/proc/{init.pid}/fd"))

        before = at_rest(init).fds
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(DEADLINE)
            client.connect(str(init.socket))
            client.sendall(b"GET /v1/events?follow=true HTTP/1.1\r\nHost: a\r\n\r\n")
            assert client.recv(1 << 16).startswith(b"HTTP/1.1 200")
            client.shutdown(socket.SHUT_WR)
            eventually(lambda: descriptors() > before, "it is there")
            assert init.client.version()
        eventually(lambda: descriptors() == before, "it is gone")
