"""The screen: a table of services above, what is asked about one of them below.

Changes of state come by the stream of events; what is used is measured every few seconds by init.
When init does not answer, the screen says so and asks again until it does.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar, Final

from rich.text import Text
from textual import on, work
from textual.app import App
from textual.widgets import DataTable, Footer, Input, RichLog, Static

from nsinit.cli.output import printable
from nsinit.cli.tui import text
from nsinit.cli.tui.dialogs import Help, Question
from nsinit.cli.tui.rows import COLUMNS, SORTS, Row, chosen, rows, summary
from nsinit.control.commands import BY_NAME
from nsinit.errors import ControlError

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from nsinit.aclient import AsyncClient

_AGAIN: Final = 1.0  # s until an init that does not answer is asked again
_LINES: Final = 200  # of the past that are shown of a service's output
_KEPT: Final = 5000  # lines of the lower half
_DOING: Final = {"start": "starting", "stop": "stopping", "restart": "restarting"}


class Top(App[None]):
    """One init."""

    CSS = """
    #head { height: 1; background: $primary-background; color: $text; }
    #trouble { height: 1; background: $error; color: $text; display: none; }
    #filter { display: none; height: 1; border: none; padding: 0; }
    DataTable { height: 1fr; }
    #below { height: 1fr; border-top: solid $primary; display: none; }
    Question, Help { align: center middle; }
    .dialog { width: auto; max-width: 90%; height: auto; border: solid $primary; padding: 1 2; }
    .dialog Static { width: auto; }
    """
    TITLE = "nsinit top"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        ("q", "quit", "leave"),
        ("l", "below('logs')", "output"),
        ("w", "below('why')", "why"),
        ("e", "below('events')", "events"),
        ("t", "below('tree')", "processes"),
        ("h", "hide", "hide"),
        ("s", "do('start')", "start"),
        ("x", "do('stop')", "stop"),
        ("r", "do('restart')", "restart"),
        ("p", "pause", "pause"),
        ("slash", "filter", "filter"),
        ("o", "order", "order"),
        ("question_mark", "help", "keys"),
        ("escape", "all", ""),
    ]

    def __init__(self, init: AsyncClient, delay: float, *, title: str = "") -> None:
        super().__init__()
        self._init = init
        self._delay = delay
        self._name = title
        self._rows: list[Row] = []
        self._top: dict[str, Any] | None = None
        self._words = ""
        self._order = SORTS[0]
        self._shown = ""  # in the lower half: what, and of whom
        self._whom = ""
        self._dirty = asyncio.Event()

    # --- The parts --------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Static("asking init", id="head", markup=False)
        yield Static("", id="trouble", markup=False)
        yield DataTable(cursor_type="row", zebra_stripes=True)
        yield RichLog(id="below", max_lines=_KEPT, wrap=True, markup=False, highlight=False)
        yield Input(id="filter", placeholder="only what holds these words", compact=True)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Begin to ask."""
        for column in COLUMNS:
            self._table.add_column(column, key=column)
        self._table.focus()
        self._follow_usage()
        self._follow_changes()
        self._follow_status()

    @property
    def _table(self) -> DataTable[Text]:
        return self.query_one(DataTable)

    @property
    def _below(self) -> RichLog:
        return self.query_one("#below", RichLog)

    # --- Asking -----------------------------------------------------------------------------------

    @work(group="usage")
    async def _follow_usage(self) -> None:
        """What services use, measured over the delay by init."""
        while True:
            try:
                self._top = dict(await self._init.top(interval=self._delay))
            except ControlError as error:
                self._trouble(error)
                await asyncio.sleep(_AGAIN)
            self._dirty.set()

    @work(group="changes")
    async def _follow_changes(self) -> None:
        """Each change is a reason to look again."""
        while True:
            try:
                async with self._init.events(follow=True) as told:
                    async for row in told:
                        self._dirty.set()
                        if self._shown == "events":
                            self._below.write(text.event_row(row))
            except ControlError as error:
                self._trouble(error)
            await asyncio.sleep(_AGAIN)

    @work(group="status")
    async def _follow_status(self) -> None:
        """How services are, whenever something has changed; not more often than ten times a s."""
        while True:
            self._dirty.clear()
            try:
                status = await self._init.status()
            except ControlError as error:
                self._trouble(error)
                await asyncio.sleep(_AGAIN)
                continue
            self._trouble(None)
            self._rows = rows(status, self._top)
            self._refresh_table()
            await asyncio.sleep(0.1)
            await self._dirty.wait()

    def _trouble(self, error: ControlError | None) -> None:
        line = self.query_one("#trouble", Static)
        line.display = error is not None
        if error is not None:
            line.update(f"{error.message}; asking again")

    # --- The table --------------------------------------------------------------------------------

    def _refresh_table(self) -> None:
        """Show the rows, with the cursor on the service that it was on."""
        table = self._table
        found = chosen(self._rows, self._words, self._order)
        names = [row.name for row in found]
        here = [str(key.value) for key in table.rows]
        if names != here:
            current, scroll = self._current, table.scroll_y
            table.clear()
            for row in found:
                table.add_row(*_cells(row), key=row.name)
            if current in names:
                table.move_cursor(row=names.index(current), scroll=False)
                table.scroll_y = scroll
        else:
            for row in found:
                for column, cell in zip(COLUMNS, _cells(row), strict=True):
                    if table.get_cell(row.name, column) != cell:
                        table.update_cell(row.name, column, cell, update_width=True)
        order = "" if self._order == SORTS[0] else f"   by {self._order}"
        words = f"   only {self._words!r}" if self._words else ""
        name = f"{self._name}   " if self._name else ""
        self.query_one("#head", Static).update(f"{name}{summary(self._rows)}{order}{words}")

    @property
    def _current(self) -> str:
        """The name of the service that the cursor is on."""
        table = self._table
        if not table.row_count:
            return ""
        return str(table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value)

    @on(DataTable.RowSelected)
    def _selected(self) -> None:
        self.action_below("logs")

    @on(DataTable.RowHighlighted)
    def _moved(self) -> None:
        """What is shown below is about the service that the cursor is on."""
        if self._whom and self._current not in ("", self._whom):
            self.action_below(self._shown)

    def action_order(self) -> None:
        """Order by the next column."""
        self._order = SORTS[(SORTS.index(self._order) + 1) % len(SORTS)]
        self._refresh_table()

    def action_filter(self) -> None:
        """Type words."""
        line = self.query_one("#filter", Input)
        line.display = True
        self.screen.set_focus(line)  # at once: the next key is a letter of it

    @on(Input.Changed)
    def _typed(self, typed: Input.Changed) -> None:
        self._words = typed.value
        self._refresh_table()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.query_one("#filter", Input).display = bool(self._words)
        self.screen.set_focus(self._table)

    def action_all(self) -> None:
        """Show all again, and the table alone."""
        line = self.query_one("#filter", Input)
        if line.display:
            line.value, line.display = "", False
            self.screen.set_focus(self._table)
        else:
            self.action_hide()

    # --- The lower half ---------------------------------------------------------------------------

    def action_below(self, what: str) -> None:
        """Show something about the current service."""
        whom = "" if what == "events" else self._current
        if what != "events" and not whom:
            return
        self._shown, self._whom = what, whom
        below = self._below
        below.clear()
        below.display = True
        below.border_title = Text(what if not whom else f"{what} of {whom}")
        self._fill(what, whom)

    def action_hide(self) -> None:
        """Show the table alone."""
        self._shown = self._whom = ""
        self.workers.cancel_group(self, "below")
        self._below.display = False

    @work(group="below", exclusive=True)
    async def _fill(self, what: str, whom: str) -> None:
        try:
            if what == "logs":
                await self._fill_with_output(whom)
            elif what == "events":
                async with self._init.events() as told:
                    async for row in told:
                        self._below.write(text.event_row(row))
            else:
                await self._fill_with_answer(what, whom)
        except ControlError as error:
            self._below.write(Text(error.message, "red"))

    async def _fill_with_output(self, whom: str) -> None:
        async with self._init.logs(names=[whom], lines=_LINES, follow=True) as told:
            async for row in told:
                self._below.write(text.log_row(row))
        self._below.write(Text("init sends no more", "yellow"))

    async def _fill_with_answer(self, what: str, whom: str) -> None:
        (found,) = (await self._init.call(BY_NAME[what], {"names": [whom]}))["services"]
        if what == "tree":
            for process in found["processes"]:
                words = f"{process['pid']:>8} {process['role']:<6} {process['command']}"
                self._below.write(Text(printable(words)))
            return
        for sentence in found["sentences"]:
            self._below.write(Text(printable(sentence)))
        for link in found["chain"]:
            self._below.write(Text(printable(f"  because {link['name']} {link['text']}")))
        for row in found["output"]:
            self._below.write(text.log_row(row))

    # --- What can be done -------------------------------------------------------------------------

    def action_do(self, verb: str) -> None:
        """Start the current service, or stop or restart it after a question."""
        name = self._current
        if not name:
            return
        if verb == "start":
            self._do(verb, name)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self._do(verb, name)

        self.push_screen(Question(f"{verb} {name}?"), answered)

    def action_pause(self) -> None:
        """Freeze the current service, or let it go on."""
        row = next((row for row in self._rows if row.name == self._current), None)
        if row is not None:
            self._do("unpause" if "paused" in row.marks else "pause", row.name)

    @work(group="doing")
    async def _do(self, verb: str, name: str) -> None:
        more = {"no_wait": True} if verb in ("start", "stop", "restart") else {}
        try:
            answer = await self._init.call(BY_NAME[verb], {"names": [name], **more})
        except ControlError as error:
            self.notify(
                error.message, title=f"cannot {verb} {name}", severity="error", markup=False
            )
            return
        for row in answer["results"]:
            if not row["ok"]:
                title = f"cannot {verb} {row['name']}"
                self.notify(row["reason"], title=title, severity="error", markup=False)
            else:
                self.notify(f"{_DOING.get(verb, f'{verb}d')} {row['name']}", markup=False)
        self._dirty.set()

    def action_help(self) -> None:
        """All keys."""
        self.push_screen(Help())


def _cells(row: Row) -> list[Text]:
    name, state, *others = row.cells()
    return [Text(printable(name)), text.state(state), *(Text(printable(o)) for o in others)]
