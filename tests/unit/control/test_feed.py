"""Rows of a stream, as fast as the client reads and no faster."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nsinit.control.access import Peer
from nsinit.control.eventfeed import EventFeed, Rows
from nsinit.control.feed import LIMIT, TURN, Feed
from nsinit.control.shapes import event_row
from nsinit.runtime import handover
from nsinit.runtime.events import KEPT, Happening, History, Note
from tests.unit.control.test_shapes import VIEW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nsinit.control.carry import Going
    from nsinit.control.reply import Held


class Loop:
    """Calls back when the test says so."""

    def __init__(self) -> None:
        self.soon: list[Callable[[], object]] = []

    def call_soon(self, callback: Callable[[], object]) -> None:
        self.soon.append(callback)

    def turn(self) -> int:
        """One turn; how many callbacks it had."""
        due, self.soon = self.soon, []
        for callback in due:
            callback()
        return len(due)

    def run(self) -> None:
        while self.turn():
            pass


class Client:
    """A reply whose client reads, or does not."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.ready = True
        self.wake: Callable[[], object] = lambda: None

    @property
    def peer(self) -> Peer:
        return Peer(1, 0, 0)

    def take_input(self) -> None:
        raise AssertionError

    def hear(self, hearer: Callable[[bytes], object]) -> None:
        raise AssertionError(hearer)

    def listen(self, *, on: bool) -> None:
        raise AssertionError(on)

    def answer(self, status: int, body: object) -> None:
        raise AssertionError((status, body))

    def answer_text(self, kind: str, text: bytes) -> None:
        raise AssertionError((kind, text))

    def begin_stream(self) -> None:
        self.said.append("begin")

    def send(self, data: bytes) -> None:
        self.said += data.decode().splitlines()

    def end_stream(self) -> None:
        self.said.append("end")

    def on_leave(self, callback: Callable[[], object]) -> None:
        raise AssertionError(callback)

    def is_ready(self) -> bool:
        return self.ready

    def on_ready(self, callback: Callable[[], object]) -> None:
        self.wake = callback

    def carry(self, export: Callable[[], Going], stream: Held | None = None) -> None:
        raise AssertionError((export, stream))

    def drop(self) -> None:
        self.said.append("dropped")


def feed(past: Iterable[str], *, follow: bool) -> tuple[Feed[str], Client, Loop]:
    """A feed of texts, one row each."""
    client, loop = Client(), Loop()
    made = Feed(
        client,
        loop,
        lambda text: text.encode() + b"\n",
        past,
        follow=follow,
    )
    return made, client, loop


def test_stream_ends_when_the_past_is_told() -> None:
    """Nobody wanted to follow."""
    made, client, loop = feed(["a", "b"], follow=False)
    made.begin()
    loop.run()
    assert client.said == ["begin", "a", "b", "end"]


def test_present_comes_after_the_past_when_a_client_follows() -> None:
    """Without a gap, and without an end."""
    made, client, loop = feed(["a"], follow=True)
    made.begin()
    made.offer("b", 1)
    made.offer("c", 1)
    loop.run()
    assert client.said == ["begin", "a", "b", "c"]


def test_others_have_their_turn_when_the_past_is_long() -> None:
    """A bounded amount is rendered at once."""
    made, client, loop = feed(["x" * TURN, "b" * TURN, "c"], follow=False)
    made.begin()
    assert len(client.said) == 2
    loop.turn()
    assert len(client.said) == 3
    loop.run()
    assert client.said[-2:] == ["c", "end"]


def test_rows_wait_when_the_client_does_not_read() -> None:
    """And go on when it does."""
    made, client, loop = feed(["a", "b"], follow=True)
    client.ready = False
    made.begin()
    made.offer("c", 1)
    loop.run()
    assert client.said == ["begin"]
    client.ready = True
    client.wake()
    loop.run()
    assert client.said == ["begin", "a", "b", "c"]


def test_client_is_dropped_when_it_has_stopped_reading() -> None:
    """As soon as more would have to be kept for it than is allowed."""
    made, client, loop = feed([], follow=True)
    client.ready = False
    made.begin()
    made.offer("a", LIMIT)
    assert client.said == ["begin"]
    made.offer("b", 1)
    loop.run()
    assert client.said == ["begin", "dropped"]


def test_rows_are_skipped_and_counted_when_a_reading_client_is_too_slow() -> None:
    """It is told how many bytes."""
    made, client, loop = feed([], follow=True)
    made.begin()
    made.offer("a", LIMIT)
    made.offer("b", 5)
    made.offer("c", 6)
    loop.run()
    made.offer("d", 1)
    loop.run()
    assert [row for row in client.said if "skipped" in row] == ['{"skipped":11}']
    assert [row for row in client.said if "skipped" not in row] == ["begin", "a", "d"]


def test_gap_is_told_where_it_is_when_rows_were_skipped() -> None:
    """After what came before it, before what came later."""
    made, client, loop = feed([], follow=True)
    made.begin()
    made.offer("a", LIMIT)
    made.offer("b", 5)
    loop.run()
    made.offer("c", 1)
    loop.run()
    assert client.said == ["begin", "a", '{"skipped":5}', "c"]


def test_stream_ends_after_what_came_when_it_is_ended() -> None:
    """Not before the client has read all of it."""
    made, client, loop = feed(["a"], follow=True)
    client.ready = False
    made.begin()
    made.offer("b", 1)
    made.end()
    loop.run()
    assert client.said == ["begin"]
    client.ready = True
    client.wake()
    loop.run()
    assert client.said == ["begin", "a", "b", "end"]


def test_nothing_is_sent_when_a_feed_is_held() -> None:
    """What comes meanwhile is kept, more than usual, and sent in order afterwards."""
    made, client, loop = feed(["a"], follow=True)
    made.begin()
    loop.run()
    assert not made.is_behind
    made.hold()
    for index in range(3):
        made.offer(str(index), LIMIT)
    loop.run()
    assert client.said == ["begin", "a"]
    made.let_go()
    loop.run()
    assert client.said == ["begin", "a", "0", "1", "2"]


def test_rest_is_what_was_not_sent_when_it_is_asked_for() -> None:
    """The past and what came, once; the same rows are sent if nothing comes of the exec."""
    made, client, loop = feed(["a", "b"], follow=True)
    client.ready = False
    made.begin()
    made.offer("c", 1)
    assert made.is_behind
    assert made.rest() == b"a\nb\nc\n"
    client.ready = True
    client.wake()
    loop.run()
    assert client.said == ["begin", "a", "b", "c"]


def test_rows_of_another_come_first_when_a_feed_goes_on() -> None:
    """Without a head, which the client has already; nothing before the client is there."""
    made, client, loop = feed([], follow=True)
    made.hold()
    made.offer("c", 1)
    loop.run()
    assert client.said == []
    made.go_on(b"a\nb\n")
    loop.run()
    assert client.said == ["a", "b", "c"]


# --- Events ---------------------------------------------------------------------------------------


def events(
    history: History, since: int, *, follow: bool = True, kinds: str = ""
) -> tuple[EventFeed, Client, Loop]:
    """A feed of the events after a number."""
    client, loop = Client(), Loop()

    def wanted(event: Happening | Note) -> bool:
        return not kinds or event.type in kinds

    made = EventFeed(client, loop, history, wanted, since, follow=follow)
    history.followers.append(made.tell)
    return made, client, loop


def numbers(client: Client) -> list[int]:
    """Of the events that it was told."""
    rows = [json.loads(row) for row in client.said if row.startswith("{")]
    return [row["seq"] for row in rows if row["type"] != "lost"]


def lost(client: Client) -> list[tuple[int | None, int | None]]:
    """From which to which it was told that they are no longer there."""
    rows = [json.loads(row) for row in client.said if row.startswith("{")]
    return [(row["first"], row["last"]) for row in rows if row["type"] == "lost"]


def test_follower_has_every_event_once_when_it_comes_again_with_the_last_number() -> None:
    """What it has missed, and what comes; a filter hides rows, not numbers."""
    history = History()
    for _ in range(5):
        history.note("remark", reason="x")
    made, client, loop = events(history, 2)
    made.begin()
    history.note("remark", "web", 3, reason="y")
    loop.run()
    assert (numbers(client), lost(client)) == ([3, 4, 5, 6], [])
    made, client, loop = events(history, 0, follow=False, kinds="boot")
    made.begin()
    loop.run()
    assert client.said == ["begin", "end"]


def test_gap_is_told_by_its_numbers_when_events_are_forgotten() -> None:
    """Before the first row, and in the midst for who reads too slowly; never to who reads on."""
    history = History()
    for _ in range(KEPT + 10):
        history.note("remark")
    made, client, loop = events(history, 3)
    made.begin()
    loop.run()
    assert lost(client) == [(4, 10)]
    assert numbers(client) == list(range(11, KEPT + 11))
    made.hold()
    for _ in range(KEPT + 5):
        history.note("remark")
    made.let_go()
    loop.run()
    assert lost(client)[1:] == [(KEPT + 11, KEPT + 15)]
    assert numbers(client)[-KEPT:] == list(range(KEPT + 16, 2 * KEPT + 16))


def test_follower_is_dropped_when_it_does_not_read_until_events_are_forgotten() -> None:
    """Until then it costs nothing but a number."""
    history = History()
    made, client, loop = events(history, 0)
    made.begin()
    client.ready = False
    for _ in range(KEPT):
        history.note("remark")
    loop.run()
    assert client.said == ["begin"]
    history.note("remark")
    assert client.said == ["begin", "dropped"]


def test_all_is_told_when_the_number_is_of_another_init() -> None:
    """A client that has come over a restart of the container must not wait for ever."""
    history = History()
    history.note("boot", version="1")
    made, client, loop = events(history, 7, follow=False)
    made.begin()
    loop.run()
    assert (lost(client), numbers(client)) == ([(None, None)], [1])


def test_history_goes_on_when_an_old_init_has_handed_it_over() -> None:
    """Its changes had no type; after one that can't be read, only what is whole counts."""
    change = Happening(3, 1.5, "running", VIEW)
    old = handover.pack(tuple(change)[:4])
    note = handover.pack((4, 2.0, "remark", "web", 1, {"reason": "r\udcff"}, ("web",)))
    history = History()
    history.adopt(handover.HistoryState(4, [handover.pack((2, "?")), old, note]))
    assert list(history.recent) == [
        change, Note(4, 2.0, "remark", "web", 1, {"reason": "r\udcff"}, ("web",)),
    ]  # fmt: skip
    strange = handover.pack((5, 2.0, "unheard-of", "web", 1, {}, None))
    later = handover.pack((6, 2.0, "boot", "", 0, {}, ()))
    history = History()
    history.adopt(handover.HistoryState(6, [old, note, strange, later]))
    assert (history.number, [event.number for event in history.recent]) == (6, [6])
    again = History()
    again.adopt(history.export())
    assert again.recent == history.recent


def test_event_is_rendered_once_when_many_follow() -> None:
    """All who are at about the same place get the same bytes."""
    history = History()
    rows, made = Rows(), []
    for number in range(300):
        history.note("remark", "web", 1, reason=str(number))
        made.append(rows(history.recent[-1]))
        assert rows(history.recent[-1]) is made[-1]
    assert made == [event_row(event) for event in history.recent]
    assert [event.number for event in history.after(297, 64)] == [298, 299, 300]
    assert [event.number for event in history.after(0, 2)] == [1, 2]
    assert history.after(300, 64) == []
