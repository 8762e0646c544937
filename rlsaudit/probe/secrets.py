"""Asks for rows that a persona reads whether they hold secrets, by the shapes that those have.

The server compares: what comes back are counts, and no value ever does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rlsaudit.detector import shapes
from rlsaudit.model import Operation, Skipped
from rlsaudit.names import ident, literal
from rlsaudit.probe.outcome import Outcome, Probe
from rlsaudit.probe.select import MOST_ROWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Column
    from rlsaudit.detector import Shape
    from rlsaudit.model import Persona
    from rlsaudit.probe.outcome import Result

_TEXTS = ("text", "character varying", "character(", "json", "jsonb")
"""Beginnings of the types of columns that are looked into, and in arrays of these."""
_MOST_CHARACTERS = 20_000
"""So much of a value is looked at, of an array of all elements together; where there is more, that is said."""


@dataclass(frozen=True, slots=True)
class Held:
    """A column of a relation, by its OID, holds secrets of a kind where the persona reads it. `result` counted them."""

    persona: Persona
    relation: int
    column: str
    kind: str
    result: Result


def held(
    access: Access, results: Iterable[Result], run: Callable[[Sequence[Probe]], tuple[Result, ...]]
) -> tuple[tuple[Held, ...], tuple[Skipped, ...]]:
    """Returns the secrets in rows that personas were seen to read, and where there may be others.

    Args:
        access: What there is.
        results: What probes answered: asked is only where one read rows.
        run: Runs probes.
    """
    read = [one for one in results if one.outcome is Outcome.ROWS and one.rows and one.probe.persona is not None]
    asked = [
        probe
        for one in read
        if one.probe.operation is Operation.SELECT and (probe := _anything(access, one.probe)) is not None
    ]
    ends = [probe for one in asked if (probe := _longer(access, one)) is not None]
    answered = run([*asked, *ends])
    looked, longer = answered[: len(asked)], answered[len(asked) :]
    closer = [
        (one.probe, column, shape)
        for one in looked
        if one.outcome is Outcome.ROWS and one.rows
        for column in _columns(access, one.probe)
        for shape in shapes()
    ]
    answers = run([_probe(access, probe, [column], [shape]) for probe, column, shape in closer])
    found = tuple(
        Held(probe.persona, probe.relation, column.name, shape.kind, answer)
        for (probe, column, shape), answer in zip(closer, answers, strict=True)
        if answer.outcome is Outcome.ROWS and answer.rows and probe.persona is not None
    )
    cut = [replace(one, reason=_BEGINNING) for one in longer if one.rows]
    failed = [one for one in (*longer, *looked, *answers) if one.outcome is not Outcome.ROWS]
    unseen = {
        (one.probe.relation, one.probe.persona.name): one.reason
        for one in (*cut, *failed)
        if one.probe.persona is not None
    }
    names = {oid: access.catalog.identity(access.catalog.relations[oid]) for oid, _ in unseen}
    return found, tuple(
        Skipped(f"secrets in rows of {names[oid]} as {name}", reason) for (oid, name), reason in unseen.items()
    )


_BEGINNING = f"of longer values the first {_MOST_CHARACTERS:,} characters were searched"


def _anything(access: Access, probe: Probe) -> Probe | None:
    """Asks for any secret in any column at once."""
    columns = _columns(access, probe)
    return _probe(access, probe, columns, shapes()) if columns else None


def _columns(access: Access, probe: Probe) -> list[Column]:
    if probe.persona is None:
        return []
    role = access.catalog.roles_by_name[probe.persona.role].oid
    found = access.columns(role, access.catalog.relations[probe.relation], "SELECT")
    return [one for one in found if one.type.startswith(_TEXTS)]


def _longer(access: Access, like: Probe) -> Probe | None:
    """Asks for values that are not looked at to their ends."""
    columns = _columns(access, like)
    lengths = (f"pg_catalog.length({ident(one.name)}::pg_catalog.text)" for one in columns)
    longer = " or ".join(f"{one} operator(pg_catalog.>) {_MOST_CHARACTERS}" for one in lengths)
    return _counting(access, like, columns, longer) if columns else None


def _probe(access: Access, like: Probe, columns: Sequence[Column], wanted: Sequence[Shape]) -> Probe:
    return _counting(access, like, columns, " or ".join(holding((one.name for one in columns), wanted)))


def _counting(access: Access, like: Probe, columns: Sequence[Column], fits: str) -> Probe:
    """Asks how many of the rows that the persona reads a condition is true of."""
    relation = access.catalog.relations[like.relation]
    shown = ", ".join(dict.fromkeys(ident(one.name) for one in columns))
    name = access.catalog.identity(relation)
    before = f"select count(*) from (select {shown} from {name}"
    after = f" limit {MOST_ROWS}) as seen where {fits}"
    sampled = (f"{before} tablesample pg_catalog.system (", f") repeatable (0){after}")
    return Probe(
        like.persona, like.relation, Operation.SELECT, before + after, instead=sampled if relation.kind in "rpm" else ()
    )


def holding(columns: Iterable[str], wanted: Sequence[Shape]) -> Iterator[str]:
    """Yields conditions of which one is true where a column has a secret of such a shape."""
    named = tuple(columns)
    for any_case, operator in ((False, "~"), (True, "~*")):
        patterns = "|".join(f"(?:{one.pattern})" for one in wanted if one.any_case is any_case)
        for column in named if patterns else ():
            value = f"pg_catalog.left({ident(column)}::pg_catalog.text, {_MOST_CHARACTERS})"
            yield f"{value} operator(pg_catalog.{operator}) {literal(patterns).strip()}"
