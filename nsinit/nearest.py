"""The nearest known spelling of a mistyped word. Imports nothing."""

from __future__ import annotations

TYPE_CHECKING = False  # as `typing` has it
if TYPE_CHECKING:
    from collections.abc import Collection

_LONGEST = 60  # of a word that is worth comparing
_MANY = 300  # words that are compared, 20 us each at the most
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
    count, near = allowed + 1, ""
    for other in compared:
        count, near = min((count, near), (slips(word, other, count), other))
    if not near and len(word) >= _PREFIX:
        longer = [other for other in known if other.startswith(word)]
        near = longer[0] if len(longer) == 1 else ""
    return f'did you mean "{near}"?' if near else ""


def slips(word: str, other: str, most: int = _LONGEST) -> int:
    """How many letters are missing, too many, wrong or swapped with their neighbour.

    Over `most` it may be less than it really is: nobody wants to know, and it is told much sooner.
    """
    # So many letters are in one of them only.
    if len({*word}.difference(other)) > most or len({*other}.difference(word)) > most:
        return most + 1
    word, other = _without_ends(word, other)
    far = most + 1
    rows: list[list[int]] = [[far], [*range(len(other) + 1)]]
    for i, a in enumerate(word, 1):
        row = [far] * (len(other) + 1)
        row[0] = i
        # Further from the diagonal it is over `most` in any case.
        for j in range(max(i - most, 1), min(i + most, len(other)) + 1):
            b = other[j - 1]
            cost = min(rows[-1][j] + 1, row[j - 1] + 1, rows[-1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and word[i - 2] == b:
                cost = min(cost, rows[-2][j - 2] + 1)
            row[j] = cost
        if min(row) > most and min(rows[-1]) > most:
            return far
        rows = [rows[-1], row]
    return rows[-1][-1]


def _without_ends(word: str, other: str) -> tuple[str, str]:
    """The two without what they begin and end with alike, where there are no slips."""
    same, shorter = 0, min(len(word), len(other))
    while same < shorter and word[same] == other[same]:
        same += 1
    word, other, shorter = word[same:], other[same:], shorter - same
    same = 0
    while same < shorter and word[-1 - same] == other[-1 - same]:
        same += 1
    return word[: len(word) - same], other[: len(other) - same]
