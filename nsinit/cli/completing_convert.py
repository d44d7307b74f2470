"""What Tab offers after `nsinit convert`, for bash, zsh and fish."""

from __future__ import annotations

from typing import Final

from nsinit.cli.convert import VERB
from nsinit.cli.quoting import fish_word
from nsinit.convert.kinds import NAMES

_OPTIONS: Final = (
    *(f"-{param.short}" for param in VERB.params if param.short),
    *(param.flag for param in VERB.params if not param.positional),
    "--help",
)


def bash() -> str:
    """The case of bash's function for the word `convert`."""
    return f"""\
        convert)
            if [[ $before == --from ]]; then offer="{" ".join(NAMES)}"
            elif [[ $word == -* ]]; then offer="{" ".join(_OPTIONS)}"
            else COMPREPLY=($(compgen -f -- "$word")); return; fi
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;"""


def zsh() -> str:
    """The case of zsh's function for the word `convert`."""
    return f"""\
        convert)
            if [[ $words[CURRENT-1] == --from ]]; then compadd -- {" ".join(NAMES)}
            elif [[ $words[CURRENT] == -* ]]; then compadd -- {" ".join(_OPTIONS)}
            else _files; fi
            return ;;"""


def fish() -> list[str]:
    """The lines of fish for the word `convert`."""
    seen = "complete -c nsinit -n '__fish_seen_subcommand_from convert'"
    lines = [f"{seen} -F"]
    for param in VERB.params:
        if not param.positional:
            words = f"-l {param.flag[2:]}" + (f" -s {param.short}" if param.short else "")
            words += f" -x -a '{' '.join(NAMES)}'" if param.choices else ""
            lines.append(f"{seen} {words} -d {fish_word(param.help)}")
    return lines
