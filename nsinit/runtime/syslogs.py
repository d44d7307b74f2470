"""All syslog daemons that services write to. Loaded only by who has one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsinit.kernel import calling
from nsinit.runtime.rfc5424 import Sender, header, messages
from nsinit.runtime.syslog import Syslog

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.model.syslog import SyslogRules
    from nsinit.runtime.console import Sink
    from nsinit.runtime.handover import Keep
    from nsinit.runtime.lines import Block
    from nsinit.runtime.logstate import SyslogState
    from nsinit.runtime.reactor import Reactor
    from nsinit.runtime.stream import Stream
    from nsinit.runtime.tally import Tallies, Tally


class Syslogs:
    """Each address once."""

    def __init__(self, reactor: Reactor, tell: Callable[[str, str], None]) -> None:
        self._reactor = reactor
        self._tell = tell
        self._all: dict[str, Syslog] = {}

    def _at(self, address: str) -> Syslog:
        found = self._all.get(address)
        if found is None:
            found = self._all[address] = Syslog(address, self._reactor, self._tell)
        return found

    def sink(self, rules: SyslogRules, service: str, stream: Stream, tally: Tally) -> Sink:
        """Where blocks of a stream go."""
        daemon = self._at(rules.address)
        is_far = rules.address.startswith(("udp:", "tcp:"))

        def put(block: Block, at: float, joined: bool) -> None:
            host = calling.host_name() if is_far or rules.rfc5424 else ""
            sender = Sender(host, service, stream.name, stream.pid)
            daemon.write(rules, messages(header(rules, sender, at), block, joined=joined), tally)

        return put

    @property
    def dropped(self) -> int:
        """Bytes that none of them took."""
        return sum(one.dropped for one in self._all.values())

    def flush(self) -> bool:
        """Send what waits, as far as it goes; whether all of it is gone."""
        done = [one.flush() for one in self._all.values()]
        return all(done)

    def give_up(self) -> None:
        """Tell what no daemon has taken: init ends."""
        for one in self._all.values():
            if one.unsent:
                text = f"syslog at {one.address} has not taken the last {one.unsent} bytes"
                self._tell("warning", text)
            one.hang_up()

    def export(self, keep: Keep) -> list[SyslogState]:
        """For another init."""
        return [one.export(keep) for one in self._all.values()]

    def adopt(self, states: list[SyslogState], tallies: Tallies) -> None:
        """Go on with another's."""
        for state in states:
            self._at(state.address).adopt(state, tallies)
