"""The nearest known spelling of a mistyped word. Imports nothing."""

from __future__ import annotations

TYPE_CHECKING = False  # as `typing` has it
if TYPE_CHECKING:
    from collections.abc import Collection

_LONGEST = 60  # of a word that is worth comparing
_MANY = 300  # words that are compared, about 20 us each
_PREFIX = 3  # letters after which the beginning of a word is a hint at it


def did_you_mean(word: str, known: Collection[str]) -> str:
    """A hint such as 'did you mean "restart"?', or nothing when no known word is near."""
    if len(word) > _LONGEST:
        return ""
    allowed = max(1, (len(word) + 1) // 3) if len(word) > 1 else 0
    # Another length is that many slips at least: with the rest, a wrong word took init 10 ms.
    compared = [other for other in known if abs(len(other) - len(word)) <= allowed]
    if len(compared) > _MANY:  # most slips are not in the first letter
        compared = [other for other in compared if other[:1] == word[:1]][:_MANY]
    count, near = min(((slips(word, other), other) for other in compared), default=(0, ""))
    if (not near or count > allowed) and len(word) >= _PREFIX:
        longer = [other for other in known if other.startswith(word)]
        count, near = (0, longer[0]) if len(longer) == 1 else (count, near)
    return f'did you mean "{near}"?' if near and count <= allowed else ""


def slips(word: str, other: str) -> int:
    """How many letters are missing, too many, wrong or swapped with their neighbour."""
    rows: list[list[int]] = [list(range(len(other) + 1))]
    for i, a in enumerate(word, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(rows[-1][j] + 1, row[j - 1] + 1, rows[-1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and word[i - 2] == b:
                cost = min(cost, rows[-2][j - 2] + 1)
            row.append(cost)
        rows.append(row)
    return rows[-1][-1]
