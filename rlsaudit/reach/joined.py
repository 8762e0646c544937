"""Views that combine tables: how far they lead into each, by what its rows have to be like to come out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rlsaudit.access.views import is_invoker, reads_through
from rlsaudit.model import Operation, Reach
from rlsaudit.policy.body import body_of
from rlsaudit.policy.decide import Bounds, decide_rows
from rlsaudit.policy.expr import And, Or, is_larger
from rlsaudit.policy.read import read_view
from rlsaudit.reach.refused import may_fail

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Persona
    from rlsaudit.policy.decide import RowsDecider
    from rlsaudit.policy.flaws import Circles
    from rlsaudit.policy.read import ShownRows, ShownView
    from rlsaudit.reach.predicates import Predicates

_MOST_NODES = 300
"""How much is asked of the rows of all tables of one view together."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A view as one persona asks it, by way of the role `caller`."""

    persona: Persona
    caller: int
    view: Relation


class Joined:
    """Views of one snapshot that are more than a filter over one table."""

    def __init__(self, access: Access, predicates: Predicates, decider: RowsDecider = decide_rows) -> None:
        self._decide_rows = decider
        self._access = access
        self._catalog = access.catalog
        self._predicates = predicates
        self._shown: dict[tuple[str, int, int], ShownView | None] = {}

    def into(self, persona: Persona, caller: int, view: Relation, base: Relation) -> Bounds | None:
        """Returns how far a query on the view leads into a table that it reads; None where that is not known."""
        asked = _Asked(persona, caller, view)
        shown = self._of(asked)
        if shown is None or self._shows_more(shown):
            return None
        found = [one for way in shown.ways for one in way if one.relation == base.oid]
        conditions = tuple(dict.fromkeys(one.condition for one in found))
        if not conditions:
            return None
        together = conditions[0] if len(conditions) == 1 else Or(conditions)
        bounds = self._decide_rows(together, persona, self._predicates, base.oid)
        sure = [one for one in found if one.exact and self._readable(asked, one)]
        if bounds.at_least is Reach.NONE or len(sure) == len(found):
            return bounds
        return replace(bounds, at_least=Reach.NONE, because=f"{bounds.because}; not each of its rows shows by itself")

    def over(self, persona: Persona, caller: int, view: Relation) -> Bounds | None:
        """Returns how far the persona gets over the rows of the view itself; None where that is not known.

        A row of the view is as much a stranger's as the row of a table that goes into it.
        """
        asked = _Asked(persona, caller, view)
        shown = self._of(asked)
        # Of sums there is a row where there is none to sum up.
        if shown is None or self._shows_more(shown) or not all(one.exact for way in shown.ways for one in way):
            return None
        ways = [self._along(asked, way) for way in shown.ways]
        if not all(ways):
            return None
        at_most = max(one.at_most for way in ways for one in way)
        at_least = max(_combined([one.at_least for one in way]) for way in ways)
        deciding = next(one for way in ways for one in way if one.at_most is at_most)
        return Bounds(at_least, at_most, deciding.because, given=any(one.given for way in ways for one in way))

    def _along(self, asked: _Asked, way: Iterable[ShownRows]) -> Sequence[Bounds]:
        """How far one way through the view leads into the tables whose rows it shows."""
        return [
            self._decide_rows(one.condition, asked.persona, self._predicates, one.relation) for one in way if one.used
        ]

    def _of(self, asked: _Asked) -> ShownView | None:
        view = asked.view
        key = (asked.persona.name, asked.caller, view.oid)
        if key not in self._shown:
            rights = asked.caller if is_invoker(view) else view.owner
            names = tuple(one.name for one in self._catalog.columns[view.oid])
            scope = replace(self._predicates.scope(asked.persona, view, rights), relation="", columns={}, table=0)
            followed = view.kind == "v" and not any(
                one.stored or one.relation.kind not in "rp" for one in reads_through(self._access, view, asked.caller)
            )
            shown = read_view(view, names, scope) if followed else None
            self._shown[key] = shown if shown is not None and _is_small(shown) else None
        return self._shown[key]

    def _shows_more(self, shown: ShownView) -> bool:
        """Whether there may be rows in what comes out that are in none of its ways."""
        if shown.looks:
            return True
        called = [one for name in shown.calls for one in self._catalog.functions_by_name[_full(name)]]
        bodies = [body_of(one) for one in called if one.extension is None and (one.language not in {"c", "internal"})]
        return any(one.reads or one.writes or one.dynamic or not one.understood or one.calls for one in bodies)

    def _readable(self, asked: _Asked, one: ShownRows) -> bool:
        """Whether the caller may pick a column that is the table's own."""
        granted = {each.name for each in self._access.columns(asked.caller, asked.view, "SELECT")}
        return not granted.isdisjoint(one.outputs)


def fails_below(access: Access, circles: Circles, caller: int, view: Relation) -> str:
    """Returns why the policies below a view may make a query on it fail; empty where they surely do not."""
    for read in reads_through(access, view, caller):
        if not read.stored and access.rls_applies(read.role, read.relation):
            why = may_fail(access, circles, read.role, caller, read.relation, Operation.SELECT)
            if why:
                return why
    return ""


def _is_small(shown: ShownView) -> bool:
    """Whether it does not take too long to decide what each table's rows have to be like."""
    conditions = tuple(one.condition for way in shown.ways for one in way)
    return not is_larger(And(conditions), _MOST_NODES)


def _combined(reaches: Sequence[Reach]) -> Reach:
    """How far rows go that are made of rows which go so far: to all only where each does."""
    most = max(reaches)
    return Reach.SOME if most is Reach.ALL and min(reaches) is not Reach.ALL else most


def _full(name: tuple[str, ...]) -> tuple[str, str]:
    return (name[-2], name[-1]) if len(name) > 1 else ("pg_catalog", name[-1])
