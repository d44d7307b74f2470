"""Several instances of one service: `replicas = 3` makes NAME@1, NAME@2 and NAME@3. Pure.

`{{index}}` in any text of the service is the number of the instance. Whoever depends on NAME
depends on all of its instances.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import structs

from nsinit.model.decode import decode
from nsinit.model.report import Report
from nsinit.model.spec import Service
from nsinit.model.types import Names, Needs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nsinit.model.report import Source

SIGN = "@"  # no service's own name has it
_INDEX = "{{index}}"


def base_of(name: str) -> str:
    """The service that an instance belongs to; "" if it is none."""
    base, sign, _ = name.rpartition(SIGN)
    return base if sign else ""


def fill(value: object, index: int) -> object:
    """A table, with the number of an instance filled in."""
    if isinstance(value, str):
        return value.replace(_INDEX, str(index))
    if isinstance(value, dict):
        return {key: fill(item, index) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, index) for item in value]
    return value


def expand(
    services: dict[str, Service],
    tables: Mapping[str, Any],
    counts: Mapping[str, int],
    sources: Sequence[Source],
) -> dict[str, Service]:
    """Services with their instances in place; `counts` goes before what the file says."""
    names = {
        name: [f"{name}{SIGN}{index + 1}" for index in range(counts.get(name, spec.replicas))]
        for name, spec in services.items()
        if spec.replicas is not None
    }
    made: dict[str, Service] = {}
    for name, spec in services.items():
        if name not in names:
            made[name] = spec
            continue
        for index, instance in enumerate(names[name], 1):
            table = fill(tables[name], index)
            made[instance] = decode(table, Service, ("services", name), Report(sources))
    if not names:
        return made
    return {name: _rewire(spec, names) for name, spec in made.items()}


def _rewire(spec: Service, names: Mapping[str, list[str]]) -> Service:
    def many(written: Names) -> Names:
        return Names([one for name in written for one in names.get(name, [name])])

    needs = {one: how for name, how in spec.depends_on.items() for one in names.get(name, [name])}
    return structs.replace(
        spec,
        depends_on=Needs(needs),
        wants=many(spec.wants),
        after=many(spec.after),
        before=many(spec.before),
    )
