"""The handlers of what has happened: events, ends of runs, and who asked for what."""

from __future__ import annotations

from fnmatch import filter as fitting
from typing import TYPE_CHECKING, Any, Final

from nsinit.control.carry import Going
from nsinit.control.commands import BY_NAME
from nsinit.control.desk import Desk
from nsinit.control.eventfeed import EventFeed, Rows
from nsinit.control.feed import Feed
from nsinit.control.routes import Refusal
from nsinit.control.select import matches, select
from nsinit.control.shapes import death_row
from nsinit.kernel import seam
from nsinit.nearest import did_you_mean
from nsinit.runtime.events import TYPES, Happening
from nsinit.units import format_signal

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.control.reply import Reply
    from nsinit.runtime.events import Note

    Event = Happening | Note

_NAMES_MAX: Final = 100  # in the row of a request
_WORD_MAX: Final = 200  # characters of each


class Past(Desk):
    """What anybody may ask who may read."""

    clients_dropped: int
    _event_rows: Rows

    # --- Requests ---------------------------------------------------------------------------------

    def _note_request(self, name: str, params: dict[str, Any], reply: Reply) -> dict[str, Any]:
        """Write down who wants what changed; what is added to it in this turn is told too."""
        if BY_NAME[name].access == "read":
            return {}
        words = params.get("names") or ([params["name"]] if params.get("name") else [])
        bare = [word.partition("=")[0] if name == "scale" else word for word in words]
        about: tuple[str, ...] | None = None
        if bare:
            try:
                about = tuple(select(bare, self._plan.services))
            except Refusal:
                about = ()
        if about is not None and len(about) > _NAMES_MAX:
            about = None
        number = params.get("signal")
        fields: dict[str, Any] = {
            "verb": name,
            "names": [word[:_WORD_MAX] for word in words[:_NAMES_MAX]],
            "by_uid": reply.peer.uid,
            "by_pid": reply.peer.pid or None,
            "signal": format_signal(number) if number else None,
        }
        one = about[0] if about is not None and len(about) == 1 else ""
        run = self._state.services[one].run if one else 0
        self._init.history.note_all("request", about, one, run, fields)
        return fields

    def drop_client(self) -> None:
        """One has read too slowly, or was one too many."""
        self.clients_dropped += 1
        self._driver.chronicle.dropped("clients", 1, self.clients_dropped)

    # --- Events -----------------------------------------------------------------------------------

    def do_events(self, params: dict[str, Any], reply: Reply) -> None:
        """What has happened, and goes on to happen."""
        history, since = self._init.history, params["since_seq"]
        self._event_feed(params, reply, history.oldest - 1 if since is None else since).begin()

    def _event_feed(self, params: dict[str, Any], reply: Reply, since: int) -> EventFeed:
        history, wanted = self._init.history, self._wanted(params)
        follow = bool(params["follow"])
        feed = EventFeed(
            reply, self._turns, history, wanted, since, follow=follow, row=self._event_rows
        )
        if follow:
            history.followers.append(feed.tell)
            reply.on_leave(lambda: history.followers.remove(feed.tell))
        reply.carry(lambda: Going(kind="stream", rows=feed.rest(), seq=feed.seen), feed)
        return feed

    def _events_go_on(self, params: dict[str, Any], going: Going, reply: Reply) -> EventFeed:
        """Go on with a client of the init before this one."""
        since = self._init.history.number if going.seq is None else going.seq
        try:
            feed = self._event_feed(params, reply, since)
        except Refusal:  # what it asks for is no more
            feed = self._event_feed({**params, "names": going.names, "type": None}, reply, since)
        feed.hold()
        return feed

    def _wanted(self, params: dict[str, Any]) -> Callable[[Event], bool]:
        """Which events a client wants; Refusal if it asks for what there is not."""
        kinds = _kinds(params.get("type"))
        if not params["names"]:
            return lambda event: kinds is None or event.type in kinds
        names, plan = self._past_names(params["names"]), self._plan

        def fits(event: Event) -> bool:
            nonlocal plan
            if self._plan is not plan:  # an update may have brought more that are meant
                plan = self._plan
                names.update(matches(params["names"], plan.services, strict=False))
            if kinds is not None and event.type not in kinds:
                return False
            if isinstance(event, Happening):
                return event.service.name in names
            return event.names is None or not names.isdisjoint(event.names)

        return fits

    def _past_names(self, patterns: list[str]) -> set[str]:
        """Services that are meant, also such as are no more."""
        gone = self._gone().difference(self._plan.services)
        return matches(patterns, self._plan.services, lambda one: set(fitting(gone, one)))

    def _gone(self) -> set[str]:
        recent = self._init.history.recent
        known = {e.service.name for e in recent if isinstance(e, Happening)}
        return known.union(self._init.history.deaths.names)

    # --- Ends -------------------------------------------------------------------------------------

    def do_history(self, params: dict[str, Any], reply: Reply) -> None:
        """How the last runs of services have ended."""
        deaths, services = self._init.history.deaths, self._plan.services
        chosen = self._past_names(params["names"]) if params["names"] else set(deaths.names)
        names = [name for name in services if name in chosen]
        names += sorted(chosen - set(names))
        rows = []
        for name in names:
            row: dict[str, Any] = {"name": name, "state": None, "run": None, "since": None}
            if (s := self._state.services.get(name)) is not None:
                row["state"], row["run"] = s.state, s.run
                if s.since_at:
                    row["since"] = round(seam.wall() - (seam.monotonic() - s.since_at), 3)
            row["deaths"] = [death_row(one) for one in deaths.of(name)[: params["limit"]]]
            rows.append(row)
        reply.answer(200, {"services": rows})

    # --- The flight recorder ----------------------------------------------------------------------

    def do_record(self, _: dict[str, Any], reply: Reply) -> None:
        """What the core was told of late, for `scripts/replay`."""
        flight = self._driver.flight
        if flight is None:
            raise Refusal(
                409, "no-recorder", "this init has no flight recorder", 'init.recorder = "1M"'
            )
        Feed(reply, self._turns, bytes, flight.pieces(seam.monotonic()), follow=False).begin()


def _kinds(text: str | None) -> frozenset[str] | None:
    """The types that a client names."""
    if text is None:
        return None
    words = [word.strip() for word in text.split(",")]
    for word in words:
        if word not in TYPES:
            hint = did_you_mean(word, TYPES) or f"the types are {', '.join(TYPES)}"
            raise Refusal(400, "bad-parameter", f"type: there are no events {word[:100]!r}", hint)
    return frozenset(words)
