"""What somebody gets by a function that lets its caller ask as others: at rows of which relations, by which requests.

A request of the API is one statement in a transaction of its own. What a function sets in it counts for what the
function does next, and where something else keeps it: the request asks for related rows of what the function returns,
a GraphQL document has several statements, the function runs before every request, or the setting stays in the pooled
session. Whoever sends SQL of their own needs no function for that: `set_config` is everybody's. So what a role may set
as which an application sends SQL is a fact about the application, and no fault of the database's.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from rlsaudit.access.views import reads_through
from rlsaudit.catalog.platform import API_LOGIN, Platform
from rlsaudit.model import Operation, Reach
from rlsaudit.personas import speaks_sql
from rlsaudit.policy.answers import doing_of
from rlsaudit.policy.poses import named_in, poses_of
from rlsaudit.probe.request import SET_BY_API
from rlsaudit.reach.indirect import TELLS_NOTHING
from rlsaudit.reach.meant import columns_meant, relation_meant
from rlsaudit.rules.settings_read import CLAIMS, SettingsRead

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rlsaudit.catalog.facts import Function, Relation
    from rlsaudit.model import Persona
    from rlsaudit.policy.poses import Pose
    from rlsaudit.rules.case import Case

_ROLE = "role"
_BEFORE = "pgrst.db_pre_request"
_GRAPHQL = "pg_graphql"
_RESOLVES = ("graphql_public", "graphql")


class Use(enum.Enum):
    """What makes use of what was set."""

    ITSELF = "the function itself"
    BEFORE = "every request, before which it runs"
    RELATED = "the same request, which may ask for rows related to those that it returns"
    GRAPHQL = "the mutations behind it in a GraphQL document"
    STAYS = "the next requests on the connection, for which it stays set"
    NEXT = "what the application sends next"


@dataclass(frozen=True, slots=True)
class Posed:
    """A persona gets at rows of others with an operation on a relation, by a function that sets `pose`."""

    persona: Persona
    function: Function
    pose: Pose
    use: Use
    relation: Relation
    operation: Operation
    intended: Reach


def posed(case: Case) -> Iterator[Posed]:
    """Yields what functions that let their callers ask as others open beyond intent."""
    for persona in case.personas:
        by_api = case.platform is Platform.SUPABASE and not speaks_sql(case.access, persona.role)
        if not by_api and (case.platform is Platform.SUPABASE or not persona.settings):
            continue
        look = _Look(case, persona, by_api=by_api)
        for function in case.indirect.callable_by(persona):
            identity = case.catalog.function_identity(function)
            meant = case.intent.function_allowed(identity, persona.name, role=persona.role)
            # The API has no request for a procedure.
            served = function.kind == "f" or not by_api
            if served and not meant and not case.is_platforms(case.catalog.schemas[function.schema].name):
                yield from look.at(function)
        for function in before_requests(case) if by_api else ():
            yield from look.before_requests(function)


def before_requests(case: Case) -> Iterator[Function]:
    """The function that the API calls before every request, as the request's role."""
    authenticator = case.catalog.roles_by_name.get(API_LOGIN)
    for one in case.catalog.snapshot.role_settings:
        if authenticator and one.role == authenticator.oid and one.name == _BEFORE and one.value:
            yield from named_in(case.catalog)(tuple(part.strip('"') for part in one.value.split(".")))


class _Look:
    """What functions open to one persona, who sends requests to the API, or else statements by an application."""

    def __init__(self, case: Case, persona: Persona, *, by_api: bool) -> None:
        self._case = case
        self._catalog = case.catalog
        self._persona = persona
        self._by_api = by_api
        self._role = case.role(persona).oid
        self._named = named_in(case.catalog)
        self._asked = SettingsRead(case)

    def at(self, function: Function) -> Iterator[Posed]:
        """What a call of the function opens."""
        for pose in poses_of(function, self._named):
            if not self._becomes_others(function, pose):
                continue
            found = [one for one in self._itself(function, pose) if self._is_beyond(*one)]
            use = Use.ITSELF
            if not found:
                for use, reached in self._afterwards(function, pose):
                    kept = SET_BY_API if use is Use.STAYS else frozenset[str]()
                    found = [
                        one for one in reached
                        if self._is_asked(pose, self._role, *one, without=kept) and self._is_beyond(*one)
                    ]  # fmt: skip
                    if found:
                        break
            yield from (self._posed(function, pose, use, *one) for one in found)

    def _afterwards(self, function: Function, pose: Pose) -> Iterator[tuple[Use, Iterator[tuple[Relation, Operation]]]]:
        """What may come after a call, with what that could reach."""
        if not self._by_api:
            yield Use.NEXT, self._all_exposed()
            return
        yield Use.RELATED, self._related(function)
        yield Use.GRAPHQL, self._by_graphql(function)
        if not pose.local:
            yield Use.STAYS, self._all_exposed()

    def before_requests(self, function: Function) -> Iterator[Posed]:
        """What the function opens that runs before every request of the persona's."""
        for pose in poses_of(function, self._named):
            if pose.chosen and self._becomes_others(function, pose):
                for one in self._all_exposed():
                    if self._is_asked(pose, self._role, *one) and self._is_beyond(*one):
                        yield self._posed(function, pose, Use.BEFORE, *one)

    def _posed(self, function: Function, pose: Pose, use: Use, relation: Relation, operation: Operation) -> Posed:
        intended = self._case.intended(self._persona, relation, operation)
        return Posed(self._persona, function, pose, use, relation, operation, intended)

    def _becomes_others(self, function: Function, pose: Pose) -> bool:
        """Whether somebody else may ask once it is set. A function that runs as its owner cannot change the role."""
        if not self._by_api:
            return pose.chosen and any(map(pose.sets, self._persona.settings))
        if pose.setting != _ROLE:
            return pose.chosen
        known = self._catalog.roles_by_name.get(pose.value or "")
        return not function.security_definer and (pose.chosen or (known is not None and known.bypass_rls))

    def _itself(self, function: Function, pose: Pose) -> Iterator[tuple[Relation, Operation]]:
        """What the rest of the function touches where it matters who asks."""
        role = function.owner if function.security_definer else self._role
        doing = doing_of(function, partial(columns_meant, self._catalog, function))
        shown = None if doing is None else {table for read in doing.reads for table, _ in read.shown}
        reads = pose.reads if shown is None else pose.reads & shown
        yield from self._touched(function, pose, role, reads, pose.writes, asks=pose.asks)
        for name in pose.calls:
            for called in self._named(name):
                if self._case.is_platforms(self._catalog.schemas[called.schema].name):
                    continue
                body = self._case.indirect.body(called)
                as_whom = called.owner if called.security_definer else role
                yield from self._touched(called, pose, as_whom, body.reads, body.writes, asks=body.asks_identity)

    def _touched(
        self,
        function: Function,
        pose: Pose,
        role: int,
        reads: Iterable[tuple[str, ...]],
        writes: Iterable[tuple[str, tuple[str, ...]]],
        *,
        asks: bool,
    ) -> Iterator[tuple[Relation, Operation]]:
        read = reads if function.returns not in TELLS_NOTHING else ()
        for operation, name in (*((Operation.SELECT, one) for one in read), *writes):
            named = relation_meant(self._catalog, function, name)
            for relation, as_whom in self._below(named, role) if named is not None else ():
                done = Operation(operation)
                if not self._case.access.rls_applies(as_whom, relation):
                    touched = asks and pose.setting != _ROLE
                else:
                    touched = self._is_asked(pose, as_whom, relation, done)
                if touched:
                    yield relation, done

    def _below(self, relation: Relation, role: int) -> Iterator[tuple[Relation, int]]:
        if relation.kind in "vm":
            found = reads_through(self._case.access, relation, role)
            yield from ((one.relation, one.role) for one in found if one.granted and not one.stored)
        elif relation.kind in "rp":
            yield relation, role

    def _all_exposed(self) -> Iterator[tuple[Relation, Operation]]:
        for relation in self._case.exposure[self._persona.name]:
            if relation.kind in "rp":
                yield from ((relation, one) for one in Operation)

    def _related(self, function: Function) -> Iterator[tuple[Relation, Operation]]:
        """The relations that foreign keys tie to the rows that a function returns."""
        name = function.returns.removeprefix("SETOF ")
        returned = next((one for one in self._catalog.snapshot.relations if self._catalog.identity(one) == name), None)
        if returned is None:
            return
        for one in self._catalog.snapshot.constraints:
            if one.kind == "f" and returned.oid in {one.relation, one.foreign_relation}:
                other = one.foreign_relation if one.relation == returned.oid else one.relation
                if self._case.is_exposed(self._persona, self._catalog.relations[other]):
                    yield self._catalog.relations[other], Operation.SELECT

    def _by_graphql(self, function: Function) -> Iterator[tuple[Relation, Operation]]:
        """What a document may write behind a call: functions that are mutations are called in their order."""
        snapshot, access = self._catalog.snapshot, self._case.access
        resolves = any(access.execute(self._role, one) for one in self._catalog.functions_by_name[_RESOLVES])
        there = resolves and any(one.name == _GRAPHQL for one in snapshot.extensions)
        named = all(one.name for one in function.parameters)
        if there and named and function.volatility == "v" and function.returns != "void":
            yield from (one for one in self._all_exposed() if one[1] is not Operation.SELECT)

    def _is_asked(
        self, pose: Pose, role: int, relation: Relation, operation: Operation, *, without: frozenset[str] = frozenset()
    ) -> bool:
        """Whether row-level security asks the role for what was set, and lets anybody pass at all."""
        access = self._case.access
        if not access.on_any_column(role, relation, operation.name) or not access.rls_applies(role, relation):
            return False
        if pose.setting == _ROLE:
            return not without
        asked = [one for one in access.policies(role, relation, operation) if one.permissive]
        return any(self._opens(pose, self._asked.of(one) - self._asked.keys(one, relation) - without) for one in asked)

    @staticmethod
    def _opens(pose: Pose, names: frozenset[str]) -> bool:
        """Whether a policy that asks for these settings may let others pass for what was set.

        One that asks who calls as well is narrowed by a setting of the project's own: to a tenant of the caller's.
        """
        claims = {one for one in names if one.startswith(CLAIMS)}
        return any(map(pose.sets, names)) and (not claims or any(map(pose.sets, claims)))

    def _is_beyond(self, relation: Relation, operation: Operation) -> bool:
        direct = self._case.addressed(self._persona, relation, operation)
        return self._case.intended(self._persona, relation, operation) < Reach.SOME and direct is not Reach.ALL
