"""The manual pages: from the tables of programs, verbs and options, and from the key reference."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from nsinit.cli import single_help
from nsinit.cli.boxes import VERBS as BOXES
from nsinit.cli.programs import MODULES
from nsinit.cli.run_help import GROUPS, rows
from nsinit.cli.run_options import OWN
from nsinit.control.commands import COMMANDS, VERBS
from nsinit.reference.codes import CODES
from nsinit.reference.entries import foreign, heading, tables
from scripts.documents import texts
from scripts.documents.roff import Page, bold, plain, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nsinit.cli.boxes import Verb
    from nsinit.control.row import Command, Param
    from nsinit.reference.entries import Entry

_TITLE: Final = "nsinit manual"
_MORE: Final = "exit codes:"


def nsinit() -> str:
    """The page of the program, and of all that stands behind it."""
    page = Page("nsinit", 1, _TITLE)
    _name(page, "nsinit", "init for containers and sandboxes")
    page.section("synopsis")
    usages = ["run [OPTIONS] [FILE] [-- COMMAND]", "[OPTIONS] -- COMMAND [ARG...]", "ctl VERB ..."]
    usages += [_usage(verb.name, verb.params) for verb in BOXES.values()]
    usages += [row.usage for row in MODULES.values()]
    page.raw("\n.br\n".join(f"{bold('nsinit')} {words(usage)}" for usage in usages))
    page.section("description")
    page.text(*texts.NSINIT)
    page.section("run")
    page.text(*texts.RUN)
    page.terms(
        (
            ", ".join([bold(f"-{short}")] * bool(short) + [_flag(f"--{name}", value)]),
            _sentence(what),
        )
        for name, short, value, what in OWN
    )
    page.text("The rest are keys of `[sandbox]`, told of in nsinit-sandbox(7).")
    page.section("single command")
    page.lines(single_help.help_text("nsinit").split("\n"))
    page.section("sandboxes")
    for verb in BOXES.values():
        _verb(page, verb.name, verb)
    for word in MODULES:
        module = import_module(f"nsinit.cli.{word}")
        if hasattr(module, "FAMILY"):
            page.section(word)
            for verb in module.FAMILY.verbs.values():
                _verb(page, f"{word} {verb.name}", verb)
        else:
            page.section(word)
            _verb(page, word, module.VERB, titled=False)
    _environment(page, texts.ENVIRONMENT)
    _codes(page, *CODES)
    page.section("files")
    page.terms((bold(path), what) for path, what in texts.FILES)
    page.section("signals")
    page.terms((bold(signal), what) for signal, what in texts.SIGNALS)
    page.section("examples")
    page.lines(texts.EXAMPLES)
    _see(page, "nsinit-ctl(1)", "nsinit.toml(5)", "nsinit-sandbox(7)")
    return str(page)


def nsinit_ctl() -> str:
    """nsinit-ctl(1): the verbs for a running init."""
    page = Page("nsinit-ctl", 1, _TITLE)
    _name(page, "nsinit-ctl", "ask a running nsinit, and tell it what to do")
    page.section("synopsis")
    page.raw(f"{bold('nsinit ctl')} {words('[-s NAME] [--socket PATH] VERB [OPTIONS] [NAME ...]')}")
    page.section("description")
    page.text(*texts.CTL)
    page.section("options")
    page.terms((words(flag), what) for flag, what in texts.CTL_OPTIONS)
    page.section("verbs")
    for row in VERBS.values():
        _command(page, row)
    page.section("for programs")
    page.text("These have no verb, and are asked for by HTTP on the control socket.")
    page.terms(
        (bold(f"{row.method} {row.path}"), _sentence(row.summary))
        for row in COMMANDS
        if not row.is_verb
    )
    _environment(page, texts.ENVIRONMENT[:3])
    _codes(page, *list(CODES)[2:4])
    _see(page, "nsinit(1)", "nsinit.toml(5)")
    return str(page)


def nsinit_toml() -> str:
    """nsinit.toml(5): the key reference."""
    page = Page("nsinit.toml", 5, _TITLE)
    _name(page, "nsinit.toml", "configuration of nsinit")
    page.section("description")
    page.text(*texts.TOML)
    for table in tables():
        page.section(table.title)
        if where := ", ".join(f"`{heading(path)}`" for path in table.paths if path):
            page.text(f"{where}")
        for title, entries in table.groups:
            if title:
                page.part(title[0].upper() + title[1:])
            page.terms(map(_term, entries))
    page.section("supervisord's names")
    page.text("These keys of a service are understood too.")
    page.terms((bold(there), f"`{here}`") for there, here in foreign())
    page.section("example")
    page.lines(texts.TOML_EXAMPLE)
    _codes(page, "nsinit check")
    _see(page, "nsinit(1)", "nsinit-ctl(1)", "nsinit-sandbox(7)")
    return str(page)


def nsinit_sandbox() -> str:
    """nsinit-sandbox(7): what a sandbox is, with its options."""
    page = Page("nsinit-sandbox", 7, _TITLE)
    _name(page, "nsinit-sandbox", "namespaces, files, network and limits around services")
    page.section("description")
    page.text(*texts.SANDBOX)
    for title, paragraphs in texts.SANDBOX_PARTS.items():
        page.section(title)
        page.text(*paragraphs)
    page.section("options of nsinit run")
    page.text(*texts.SANDBOX_OPTIONS)
    for title in GROUPS:
        page.part(title[0].upper() + title[1:])
        page.terms((words(typed), _sentence(what)) for typed, what in rows(title))
    page.section("examples")
    page.lines(texts.SANDBOX_EXAMPLES)
    _codes(page, *list(CODES)[:3])
    _see(page, "nsinit(1)", "nsinit.toml(5)", "namespaces(7)", "capabilities(7)", "cgroups(7)")
    return str(page)


PAGES: Final = {
    "nsinit.1": nsinit,
    "nsinit-ctl.1": nsinit_ctl,
    "nsinit.toml.5": nsinit_toml,
    "nsinit-sandbox.7": nsinit_sandbox,
}


def _name(page: Page, name: str, what: str) -> None:
    page.section("name")
    page.raw(f"{plain(name)} \\- {plain(what)}")


def _usage(name: str, params: Sequence[Param]) -> str:
    """As argparse would have it, in short."""
    made = [name]
    if any(not param.positional for param in params):
        made.append("[OPTIONS]")
    for param in params:
        if param.positional:
            word = {"names": "NAME", "words": "COMMAND"}.get(param.kind, param.name.upper())
            word += " ..." if param.kind in ("names", "words") else ""
            word = f"-- {word}" if param.kind == "words" else word
            must = param.required or (param.kind == "name" and param.default is None)
            made.append(word if must or param.kind == "signal" else f"[{word}]")
    return " ".join(made)


def _verb(page: Page, name: str, verb: Verb, *, titled: bool = True) -> None:
    if titled:
        page.part(f"nsinit {name}")
    page.raw(f"{bold('nsinit')} {words(_usage(name, verb.params))}")
    page.text(_sentence(verb.summary))
    page.terms(map(_param, verb.params))
    more, _, codes = verb.codes.partition(_MORE)
    for block in more.strip().split("\n\n"):
        lines = block.split("\n")
        if any(line.startswith("  ") for line in lines):
            page.lines(lines)
        elif block:
            page.text(" ".join(lines))
    if codes:
        page.text(f"Exit codes: {' '.join(codes.split()).replace(' ·', ';')}.")
    page.lines(verb.examples)


def _command(page: Page, row: Command) -> None:
    page.part(row.name)
    params = (*row.params, *row.options)
    page.raw(f"{bold('nsinit ctl')} {words(_usage(row.name, params))}")
    page.text(f"{_sentence(row.summary)} Needs {row.access} access; `{row.method} {row.path}`.")
    page.terms(map(_param, params))
    page.lines(row.examples)


def _param(param: Param) -> tuple[str, str]:
    what = _sentence(param.help)
    if param.kind == "seconds" and param.default:
        what += f" The default is {param.default:g} s."
    if param.positional:
        return words(
            {"names": "NAME ...", "words": "COMMAND ..."}.get(param.kind, param.name.upper())
        ), what
    value = "" if param.kind == "flag" else "|".join(param.choices) or (
        "TEXT" if param.kind == "text" else "TIME" if param.kind == "seconds" else "NUMBER"
    )  # fmt: skip
    short = [bold(f"-{param.short}")] if param.short else []
    return ", ".join([*short, _flag(param.flag, value)]), what


def _flag(flag: str, value: str) -> str:
    return f"{bold(flag)} {words(value)}" if value else bold(flag)


def _sentence(text: str) -> str:
    """With what a sentence begins and ends with."""
    made = text[0].upper() + text[1:] if text[1:2].islower() or text[1:2] == " " else text
    return made if made.endswith((".", ")")) else f"{made}."


def _term(entry: Entry) -> tuple[str, str]:
    text = f"{entry.text} Takes: {entry.value}."
    if entry.default:
        text += f" Default: {entry.default}."
    return bold(entry.name), f"{text} Such as `{entry.line}`."


def _environment(page: Page, rows: Sequence[tuple[str, str]]) -> None:
    page.section("environment")
    page.terms((bold(name), what) for name, what in rows)


def _codes(page: Page, *names: str) -> None:
    page.section("exit status")
    for name in names:
        page.text(f"`{name}`:")
        page.terms((bold(code), _sentence(what)) for code, what in CODES[name])


def _see(page: Page, *names: str) -> None:
    page.section("see also")
    page.text(", ".join(names))
