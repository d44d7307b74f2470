"""What Tab offers after `nsinit image`, for bash, zsh and fish."""

from __future__ import annotations

from nsinit.cli.image import VERBS

_IMAGES = '$(command "${COMP_WORDS[0]}" image list -q 2>/dev/null)'


def bash() -> str:
    """The case of bash's function for the word `image`."""
    flags = [
        f'                {name}) offer="{" ".join(_options(name))}" ;;'
        for name in VERBS
        if _options(name)
    ]
    return "\n".join(
        [
            "        image)",
            '            case "$COMP_CWORD ${COMP_WORDS[2]}" in',
            f'                "2 "*) offer="{" ".join(VERBS)} --help" ;;',
            '                *" import") [[ $word == -* ]] ||',
            '                    { COMPREPLY=($(compgen -f -- "$word")); return; } ;;',
            f'                *" inspect"|*" remove") offer="{_IMAGES}" ;;',
            "            esac",
            '            [[ $word != -* || $COMP_CWORD == 2 ]] || case "${COMP_WORDS[2]}" in',
            *flags,
            "            esac",
            '            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;',
        ]
    )


def zsh() -> str:
    """The case of zsh's function for the word `image`."""
    cases = "\n".join(
        f"                *-{name}) [[ $words[CURRENT] == -* ]] && compadd -- "
        f"{' '.join(_options(name))} || {_zsh_words(name)} ;;"
        for name in VERBS
    )
    return f"""\
        image)
            case $CURRENT-$words[3] in
                3-*) compadd -- {" ".join(VERBS)} --help ;;
{cases}
            esac
            return ;;"""


def _zsh_words(name: str) -> str:
    if name == "import":
        return "_files"
    return "compadd -- $(_call_program images $service image list -q 2>/dev/null)"


def fish() -> list[str]:
    """The lines of fish for the word `image`."""
    none = "not __fish_seen_subcommand_from " + " ".join(VERBS)
    lines = [
        f"complete -c nsinit -n '__fish_seen_subcommand_from image; and {none}' -a {name}"
        f" -d '{verb.summary}'"
        for name, verb in VERBS.items()
    ]
    for name, verb in VERBS.items():
        seen = f"'__fish_seen_subcommand_from image; and __fish_seen_subcommand_from {name}'"
        for param in verb.params:
            if not param.positional:
                takes = "" if param.kind == "flag" else " -x"
                lines.append(f"complete -c nsinit -n {seen} -l {param.flag[2:]}{takes}")
        if name == "import":
            lines.append(f"complete -c nsinit -n {seen} -F")
        if name in ("inspect", "remove"):
            lines.append(f"complete -c nsinit -n {seen} -a '(nsinit image list -q 2>/dev/null)'")
    return lines


def _options(name: str) -> list[str]:
    return [param.flag for param in VERBS[name].params if not param.positional] + ["--help"]
