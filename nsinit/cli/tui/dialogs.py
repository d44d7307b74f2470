"""What stands before the rest until it is answered: a question, the list of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

HELP: Final = """\
up, down      choose a service
enter, l      its output, as it comes
w             why it is as it is
e             what happens, to all of them
t             its processes
h             hide the lower half

s             start
x             stop
r             restart
p             pause, or go on

/             show only what holds these words; esc: all
o             order by the next column
?             these keys
q             leave; init goes on"""


class Question(ModalScreen[bool]):
    """Something that would be done: y does it, any other answer does not."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("y", "answer(True)", "yes"),
        ("n", "answer(False)", "no"),
        ("escape", "answer(False)", "no"),
        ("q", "answer(False)", "no"),
    ]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """The question and its answers."""
        with Vertical(classes="dialog"):
            yield Static(f"{self._text}\n\ny  yes    n  no", markup=False)

    def action_answer(self, yes: bool) -> None:
        """Close with the answer."""
        self.dismiss(yes)


class Help(ModalScreen[None]):
    """All keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "close", "close"),
        ("question_mark", "close", "close"),
        ("q", "close", "close"),
        ("enter", "close", "close"),
    ]

    def compose(self) -> ComposeResult:
        """The list."""
        with Vertical(classes="dialog wide"):
            yield Static(HELP, markup=False)

    def action_close(self) -> None:
        """Go back."""
        self.dismiss()
