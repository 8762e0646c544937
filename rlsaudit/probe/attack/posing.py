"""Functions that set who is asking, called first: whose rows does the persona reach then that it did not before?

Who sends several statements in one transaction goes on in it. Of a client of the API each request is a transaction of
its own: what a function sets for its session is still there in the next one on the same connection, for which the API
sets its own settings anew.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from rlsaudit.catalog.platform import Platform, platform_of
from rlsaudit.model import Operation
from rlsaudit.names import literal
from rlsaudit.personas import speaks_sql
from rlsaudit.policy.effects import reason_not_to_call
from rlsaudit.policy.poses import named_in, poses_of
from rlsaudit.probe.attack.arguments import written_call
from rlsaudit.probe.attack.chains import Chained, Step
from rlsaudit.probe.attack.targets import targets_of
from rlsaudit.probe.outcome import Outcome, Probe
from rlsaudit.probe.request import SET_BY_API, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Function, Relation
    from rlsaudit.model import Persona
    from rlsaudit.probe.attack.arguments import Arguments
    from rlsaudit.probe.attack.plan import Attacks
    from rlsaudit.probe.outcome import Result

    Run: TypeAlias = Callable[[Sequence[Probe]], tuple[Result, ...]]
    Key: TypeAlias = tuple[str, int, Operation]

_MOST_TRIED = 3_000
"""So many statements are tried for each persona."""


class Posing:
    """The search for one persona, as somebody to whom nothing belongs.

    Args:
        access: The facts.
        attacks: The attempts on the database.
        arguments: What functions may be called with.
        persona: Whose requests these are.
        run: Runs probes and returns their results.
    """

    def __init__(self, access: Access, attacks: Attacks, arguments: Arguments, persona: Persona, run: Run) -> None:
        self._access = access
        self._catalog = access.catalog
        self._attacks = attacks
        self._arguments = arguments
        self._persona = persona
        self._run = run
        self._platform = platform_of(self._catalog)
        self._by_requests = self._platform is Platform.SUPABASE and not speaks_sql(access, persona.role)
        self.cut = False

    def found(self, relations: Sequence[Relation], schemas: Collection[str]) -> Mapping[Key, Chained]:
        """Returns for each cell of `relations` that a call opens one that does; `schemas` can be addressed."""
        called = dict(self._going_through(schemas))
        chains = list(called)
        targets = list(targets_of(self._attacks, self._persona, relations)) if chains else []
        tried = [(chain, target) for chain in chains for target in targets]
        self.cut = len(tried) > _MOST_TRIED
        tried = tried[:_MOST_TRIED]
        before = {self._key(one): _rows(result) for one, result in zip(targets, self._run(targets), strict=True)}
        probes = [replace(target, first=chain) for chain, target in tried]
        found: dict[Key, Chained] = {}
        for (chain, target), probe, result in zip(tried, probes, self._run(probes), strict=True):
            if _rows(result) > before[self._key(target)]:
                steps = tuple(Step(0, one, ()) for one in chain)
                found.setdefault(self._key(target), Chained(steps, probe, called[chain]))
        return found

    def _key(self, target: Probe) -> Key:
        return self._persona.name, target.relation, target.operation

    def _going_through(self, schemas: Collection[str]) -> Iterator[tuple[tuple[str, ...], int]]:
        """Yields calls that do not fail, each with what comes before the next statement, and the function's OID."""
        calls = [
            (f"select count(called) from {written_call(self._catalog, function, given.values)} as called", function.oid)
            for function in self._posing(schemas)
            for given in self._arguments.of(function)
        ]
        probes = [Probe(self._persona, 0, Operation.SELECT, one) for one, _ in calls]
        for (call, oid), result in zip(calls, self._run(probes), strict=True):
            if result.outcome is Outcome.ROWS:
                yield ((call, self._next_request()) if self._by_requests else (call,)), oid

    def _posing(self, schemas: Collection[str]) -> Iterator[Function]:
        """Yields the functions that the persona can call and that set what then goes on to count."""
        role = self._catalog.roles_by_name[self._persona.role].oid
        named = named_in(self._catalog)
        for one in self._catalog.snapshot.functions:
            served = self._catalog.schemas[one.schema].name in schemas
            if one.kind != "f" or one.extension is not None or not served or not self._access.execute(role, one):
                continue
            poses = [each for each in poses_of(one, named) if each.chosen]
            if self._by_requests:
                poses = [each for each in poses if not each.local and each.setting not in SET_BY_API]
            if poses and not reason_not_to_call(self._catalog, one, throwaway=True):
                yield one

    def _next_request(self) -> str:
        """What the API sets for another request of the same persona."""
        made = settings(self._catalog, self._platform, self._persona)
        calls = (
            f"pg_catalog.set_config({literal(name).strip()}, {literal(value).strip()}, true)"
            for name, value in made.items()
        )
        return f"select {', '.join(calls)}"


def _rows(result: Result) -> int:
    return result.rows if result.outcome is Outcome.ROWS else 0
