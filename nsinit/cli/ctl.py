"""`nsinit ctl VERB`: ask a running init, and show what it says.

The parser is built from one row of the command table. Imports neither asyncio nor msgspec nor h11:
an operator waits for this.
"""

from __future__ import annotations

import os

from nsinit import errors
from nsinit.cli import show
from nsinit.cli.output import Wishes, as_json, complain, is_watched, say
from nsinit.cli.parsing import JSON, Parser
from nsinit.client import Client
from nsinit.control.commands import VERBS, Command
from nsinit.control.row import QUIET, Param
from nsinit.errors import ControlError, NsinitError, TimedOutError, UsageError
from nsinit.nearest import did_you_mean

TYPE_CHECKING = False  # as `typing` has it
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final

_HELP: Final = """\
usage: nsinit ctl [-s NAME] [--socket PATH] VERB ...

Asks a running init. Without -s it is $NSINIT_SOCKET, or the only init that is running.

verbs:
{verbs}

options:
  -s NAME         the sandbox of that name
  --socket PATH   the control socket at that path
  --json          JSON instead of text, with every verb
  --format WHAT   fields of the JSON: name,state,pid; or a text: '{{name}} is {{state}}'
  --color WHEN    auto, always or never; also NO_COLOR and FORCE_COLOR

examples:
  nsinit ctl status
  nsinit ctl restart web
  nsinit ctl logs -f web
  nsinit ctl -s shop status --json

exit codes: 0 done · 1 failed · 2 usage · 3 not running (status NAME, health) · 4 unknown service,
or no init answers · 77 not allowed · 124 waited too long; of exec those of its command, of
attach to a terminal those of the run
`nsinit ctl VERB --help` tells more of a verb."""


# Those that take long; see nsinit.cli.progress.
WAITS: Final = ("start", "stop", "restart", "reload", "wait", "shutdown")
_HEALTH: Final = {"healthy": errors.EXIT_OK, "not-running": errors.EXIT_NOT_RUNNING}


def main(argv: Sequence[str]) -> int:
    """Run one verb; returns the exit code."""
    try:
        return _run(list(argv))
    except NsinitError as error:
        complain(error, _why_silent(error))
        return error.exit_code
    except BrokenPipeError:  # `nsinit ctl logs | head`: nobody reads the rest
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except KeyboardInterrupt:
        return 130
    except SystemExit:  # the help is shown
        return errors.EXIT_OK


def _run(argv: list[str]) -> int:
    name, path, rest = _common(argv)
    if not rest:
        hint = "nsinit ctl status, or nsinit ctl --help for all of them"
        raise UsageError("cannot ask for nothing: a verb is missing", hint=hint)
    if rest[0] in ("-h", "--help", "help"):
        verbs = "\n".join(f"  {row.name:<10} {row.summary}" for row in VERBS.values())
        say(_HELP.format(verbs=verbs))
        return errors.EXIT_OK
    command = VERBS.get(rest[0])
    if command is None:
        raise UsageError(f"there is no verb {rest[0]!r}", hint=did_you_mean(rest[0], VERBS))
    given = parser(command).read(rest[1:])
    as_text = not given.pop("json")
    given = {key: value for key, value in given.items() if value not in (None, [])}
    picture = _picture(command, given, as_text=as_text)
    # A program that shuts init down hears that it begins.
    quiet = bool(given.pop("quiet", False)) or (command.name == "shutdown" and not as_text)
    client = _client(command, path, name, quiet=quiet)
    if command.name in ("exec", "enter"):
        from nsinit.cli.execute import run

        return run(client, command.name, given, as_text=as_text)
    if command.name == "attach":
        return _attach(client, command, given, as_text=as_text)
    if command.stream:
        return _follow(client, command, given, as_text=as_text)
    try:
        answer = client.call(command, given)
    except ControlError as error:
        if not as_text and error.answer is not None and not Wishes.format:
            say(as_json(error.answer))
        raise
    if command.text:
        answer = {"text": answer}
    if picture:
        from nsinit.cli.charts import CHARTS

        say(CHARTS[command.name, picture](answer))
    elif not as_text:
        say(as_json(answer))
    else:
        show.SHOW[command.name](answer)
    return _exit_code(command, given, answer)


def _client(command: Command, path: str | None, name: str, *, quiet: bool) -> Client:
    """Who asks; for what takes long, on a terminal, one who tells how far it is."""
    if command.name in WAITS and is_watched(quiet=quiet):
        from nsinit.cli.progress import Watching

        return Watching(path, name=name)
    return Client(path, name=name)


def _picture(command: Command, given: dict[str, Any], *, as_text: bool) -> str:
    """The kind of picture that is wanted instead of text, if any; init knows nothing of it."""
    if command.name not in ("blame", "graph"):
        return ""
    chosen = [option.name for option in command.options if given.pop(option.name, False)]
    if len(chosen) > 1 or (chosen and not as_text):
        told = [f"--{name}" for name in (*chosen, *(() if as_text else ("json",)))]
        raise UsageError(f"cannot show {' and '.join(told)} at once")
    return chosen[0] if chosen else ""


def _why_silent(error: NsinitError) -> str:
    if error.hint or not isinstance(error, TimedOutError):
        return ""
    from nsinit.cli.silence import why_silent  # loads more than an answer should wait for

    return why_silent(error)


def _common(argv: list[str]) -> tuple[str, str | None, list[str]]:
    """The options before the verb: which init."""
    name, path = "", None
    while argv and argv[0].startswith("-") and argv[0] not in ("-h", "--help"):
        option = argv.pop(0)
        if option not in ("-s", "--socket") or not argv:
            raise UsageError(f"cannot use the option {option!r} here", hint="nsinit ctl --help")
        if option == "-s":
            name = argv.pop(0)
        else:
            path = argv.pop(0)
    return name, path, argv


def parser(command: Command) -> Parser:
    """The parser of a verb, with its help."""
    words = "ctl " + command.name
    return Parser(words, command.summary, command.examples, params_of(command))


def params_of(command: Command) -> tuple[Param, ...]:
    """All that can be typed behind a verb."""
    quiet = (QUIET,) if command.name in WAITS else ()
    return (*command.params, *command.options, *quiet, JSON)


def _follow(client: Client, command: Command, given: dict[str, Any], *, as_text: bool) -> int:
    """Print rows as they come."""
    if command.name == "logs":
        from nsinit.cli.logs import run

        run(client, command, given, as_text=as_text)
    elif command.name == "record" and "out" in given:
        from nsinit.cli.recording import save

        return save(client.call(command, {}), given["out"])
    else:
        for row in client.call(command, given):
            say(show.STREAM[command.name](row) if as_text else as_json(row))
    endless = command.name == "attach" or (given.get("follow") and "until" not in given)
    if endless and client.is_answered():
        raise ControlError("init ended the stream: it was read too slowly")
    return errors.EXIT_OK


def _attach(client: Client, command: Command, given: dict[str, Any], *, as_text: bool) -> int:
    """Be the terminal of a service that has one; of others show the lines."""
    from nsinit.cli.attach import KEYS, parse_keys, run

    keys = parse_keys(given.pop("detach_keys", KEYS))
    if as_text and len(given["names"]) == 1:
        try:
            return run(client, given, keys)
        except ControlError as error:
            if not _is_about_lines(error):
                raise
            if not given.get("no_stdin") and "not-one" not in str(error.answer):
                complain(f"no input: {error.message}", error.hint)
    given.pop("no_stdin", None)
    return _follow(client, command, given, as_text=as_text)


def _is_about_lines(error: ControlError) -> bool:
    """Whether somebody without a terminal was meant, or several."""
    told = error.answer.get("error") if isinstance(error.answer, dict) else None
    code = told.get("code") if isinstance(told, dict) else None
    return code in ("no-terminal", "not-one")


def _exit_code(command: Command, given: dict[str, Any], answer: dict[str, Any]) -> int:
    if command.name == "status" and given.get("names"):
        codes = {_status_code(s) for s in answer["services"]}
        worst_first = (errors.EXIT_FAILED, errors.EXIT_NOT_RUNNING)
        return next((code for code in worst_first if code in codes), errors.EXIT_OK)
    if command.name == "health":
        return _HEALTH.get(answer["health"], errors.EXIT_FAILED)
    results = answer.get("results", [])
    return errors.EXIT_OK if all(row["ok"] for row in results) else errors.EXIT_FAILED


def _status_code(service: dict[str, Any]) -> int:
    """The codes of systemctl status: 0 as it should be, 3 not running; and 1 failed."""
    if service["state"] == "failed":
        return errors.EXIT_FAILED
    fine = service["state"] == "running" or (
        service["type"] == "oneshot" and service["state"] == "exited"
    )
    return errors.EXIT_OK if fine else errors.EXIT_NOT_RUNNING
