"""What Tab offers after `nsinit image`, for bash, zsh and fish."""

from __future__ import annotations

from nsinit.cli.image import FAMILY, VERBS

_IMAGES = '$(command "${COMP_WORDS[0]}" image list -q 2>/dev/null)'


def bash() -> str:
    """The case of bash's function for the word `image`."""
    return FAMILY.bash(
        "$COMP_CWORD ${COMP_WORDS[2]}",
        '*" import") [[ $word == -* ]] ||',
        '    { COMPREPLY=($(compgen -f -- "$word")); return; } ;;',
        f'*" inspect"|*" remove") offer="{_IMAGES}" ;;',
    )


def zsh() -> str:
    """The case of zsh's function for the word `image`."""
    cases = "\n".join(
        f"                *-{name}) [[ $words[CURRENT] == -* ]] && compadd -- "
        f"{' '.join(FAMILY.options(name))} || {_zsh_words(name)} ;;"
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
    images = "-a '(nsinit image list -q 2>/dev/null)'"
    return FAMILY.fish({"import": ["-F"], "inspect": [images], "remove": [images]}, {})
