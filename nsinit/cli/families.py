"""Verbs behind a word: `nsinit ns ...`, `nsinit net ...`, `nsinit image ...`.

Each word has a table of verbs and a function for each of them; how they are found, helped, parsed,
completed and how their errors are told is the same for all.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from nsinit.errors import EXIT_OK, NsinitError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nsinit.cli.boxes import Verb
    from nsinit.cli.parsing import Parser


class Family(NamedTuple):
    """A word and its verbs."""

    word: str
    verbs: Mapping[str, Verb]
    more: tuple[str, ...] = ()  # examples after those of the verbs

    def run(self, argv: Sequence[str], functions: Mapping[str, Callable[..., int]]) -> int:
        """Run one of the verbs by its function ("_NAME"); returns the exit code."""
        return tell(lambda: self._run(list(argv), functions))

    def _run(self, argv: list[str], functions: Mapping[str, Callable[..., int]]) -> int:
        name = argv[0] if argv else ""
        if name in ("-h", "--help"):
            print(self.help())
            return EXIT_OK
        if not name:
            verbs = ", ".join(self.verbs)
            hint = f"nsinit {self.word} --help"
            raise UsageError(
                f"cannot do nothing: a verb of {self.word} is missing ({verbs})", hint=hint
            )
        if name not in self.verbs:
            from nsinit.nearest import did_you_mean

            hint = did_you_mean(name, self.verbs) or f"nsinit {self.word} --help"
            raise UsageError(f"there is no verb {name!r} of nsinit {self.word}", hint=hint)
        given = read(f"{self.word} {name}", self.verbs[name], argv[1:])
        return functions[f"_{name}"](**given)

    def help(self) -> str:
        """What `nsinit WORD --help` prints."""
        width = max(map(len, self.verbs))
        lines = [f"  {name:<{width}}  {verb.summary}" for name, verb in self.verbs.items()]
        examples = [verb.examples[0] for verb in self.verbs.values()]
        examples = [f"  {one}" for one in (*examples, *self.more)]
        usage = f"usage: nsinit {self.word} VERB ..."
        return "\n".join([usage, "", *lines, "", "examples:", *examples])

    # --- Completion -------------------------------------------------------------------------------

    def options(self, name: str) -> list[str]:
        """The options of a verb, as they are typed."""
        from nsinit.cli.parsing import chooses_fields

        params = self.verbs[name].params
        flags = [param.flag for param in params if not param.positional]
        wishes = ["--format", "--color"] if chooses_fields(params) else []
        return [*flags, *wishes, "--help"]

    def bash(self, subject: str, *cases: str) -> str:
        """The case of bash's function for the word; the `cases` are for what is no option."""
        flags = [f'{name}) offer="{" ".join(self.options(name))}" ;;' for name in self.verbs]
        inner = [f'"2 "*) offer="{" ".join(self.verbs)} --help" ;;', *cases]
        return "\n".join(
            [
                f"        {self.word})",
                f'            case "{subject}" in',
                *(f"                {line}" for line in inner),
                "            esac",
                '            [[ $word != -* || $COMP_CWORD == 2 ]] || case "${COMP_WORDS[2]}" in',
                *(f"                {line}" for line in flags),
                "            esac",
                '            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;',
            ]
        )

    def fish(self, offers: Mapping[str, Sequence[str]], words: Mapping[str, str]) -> list[str]:
        """The lines of fish: `offers` for verbs, `words` for the options that have a choice."""
        from nsinit.cli.quoting import fish_word

        after = f"__nsinit_word {self.word}; and"
        none = "not __fish_seen_subcommand_from " + " ".join(self.verbs)
        lines = [
            f"complete -c nsinit -n '{after} {none}' -a {name} -d {fish_word(verb.summary)}"
            for name, verb in self.verbs.items()
        ]
        for name, verb in self.verbs.items():
            seen = f"complete -c nsinit -n '{after} __fish_seen_subcommand_from {name}'"
            for param in verb.params:
                if not param.positional:
                    takes = "" if param.kind == "flag" else " -x"
                    takes += f" -a '{words[param.name]}'" if param.name in words else ""
                    lines.append(f"{seen} -l {param.flag[2:]}{takes}")
            lines += [f"{seen} {offer}" for offer in offers.get(name, ())]
        return lines


def read(words: str, verb: Verb, argv: list[str]) -> dict[str, Any]:
    """What was given to a verb that is typed as these words."""
    return parser_of(words, verb).read(argv)


def parser_of(words: str, verb: Verb) -> Parser:
    """Its parser, with its help."""
    from nsinit.cli.parsing import Parser

    return Parser(words, verb.summary, verb.examples, verb.params, verb.codes)


def tell(work: Callable[[], int]) -> int:
    """The exit code of it, with its error told if there is one."""
    from nsinit.cli.output import complain

    try:
        code = _code_of(work)
        sys.stdout.flush()
    except NsinitError as error:
        complain(error)
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return EXIT_OK
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return code


def _code_of(work: Callable[[], int]) -> int:
    try:
        return work()
    except SystemExit as end:  # the help is shown
        return int(end.code or 0)
