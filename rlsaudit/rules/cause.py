"""Why cells go beyond intent where policies open them: the most telling cause of each, so that one rule tells of it."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rlsaudit.catalog.facts import PUBLIC
from rlsaudit.catalog.platform import Platform
from rlsaudit.model import ObjectRef, Operation, Reach, Severity
from rlsaudit.names import ident
from rlsaudit.personas import built_in, is_unset
from rlsaudit.policy.decide import decide
from rlsaudit.policy.flaws import Kind, is_guard
from rlsaudit.policy.formula import And
from rlsaudit.rules.blamed import ignoring, is_given_the_row, mentioning, opening_helpers
from rlsaudit.rules.opened import askers, asks_who, bounds, opened
from rlsaudit.rules.opened import severity as opened_severity
from rlsaudit.rules.reached import (
    is_unexplained,
    met_by_client,
    opening,
    owns,
    severity,
    unmeant_severity,
    writes_itself,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from rlsaudit.catalog.facts import Function, Policy, Relation
    from rlsaudit.model import Cell
    from rlsaudit.rules.case import Case
    from rlsaudit.rules.opened import Opened


class Cause(enum.Enum):
    """What explains best that policies let somebody further than intended. The first that fits is the one."""

    UNSET = enum.auto()
    """The application did not say whose a request is."""
    DELETED = enum.auto()
    """The intent leaves out what is marked as deleted, and the policies do not."""
    USER_METADATA = enum.auto()
    """A client writes it into its own profile."""
    REQUEST = enum.auto()
    """A client writes it into a header or a cookie of its request."""
    E_MAIL = enum.auto()
    """An address that nobody has to own."""
    MFA = enum.auto()
    """It takes no second factor, which the intent asks for."""
    ANONYMOUS = enum.auto()
    """Somebody without an account gets what is meant for those who have one."""
    PUBLIC = enum.auto()
    """The policy is for everybody, and what it opens is meant for those who are signed in."""
    INVITE = enum.auto()
    """Tokens of invitations are shown, and whoever has one is invited."""
    NULL = enum.auto()
    """Visitors have no id, and NULL lets them pass where users do not."""
    NO_OWNER = enum.auto()
    """A row without an owner is everybody's."""
    HELPER = enum.auto()
    """A function of the project's lets pass whoever asks, or does not look at what the policy gives it."""
    ROW_INDEPENDENT = enum.auto()
    """It asks who somebody is, and nothing of the row."""
    BUCKET = enum.auto()
    """It asks in which bucket a file is, and not whose it is."""
    COMMAND = enum.auto()
    """The policy's name says another command than it is for."""
    UNRESTRICTED = enum.auto()
    """A restrictive policy would keep it closed, and is for another command."""
    FOR_ALL = enum.auto()
    """A policy for all commands, by whose condition one reads, is for writing as well."""
    INSERT = enum.auto()
    """A policy for INSERT does not ask whose the row is."""
    SIGNED_IN = enum.auto()
    """It is true of every row for whoever is signed in."""
    TRUE = enum.auto()
    """It is true of every row."""
    EITHER = enum.auto()
    """Permissive policies that were to hold together, and of which one is enough."""
    OTHER = enum.auto()
    """None of these."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Cells of a relation beyond intent for one cause, with the policies that open them and what a client brings.

    `floors` are restrictive policies for other commands that would keep the cells closed. `helper` is the function that
    is at fault, where the policies do no more than to ask it.
    """

    cause: Cause
    relation: Relation
    policies: tuple[Policy, ...]
    cells: tuple[Cell, ...]
    severity: Severity
    asked: tuple[str, ...] = ()
    floors: tuple[Policy, ...] = ()
    helper: Function | None = None

    def ref(self, case: Case) -> ObjectRef:
        """What a finding is about: the function or the policy at fault, or the relation where that is no single one."""
        if self.helper is not None:
            return ObjectRef("function", case.catalog.function_identity(self.helper))
        if len(self.policies) != 1:
            return case.ref(self.relation)
        identity = case.catalog.identity(self.relation)
        return ObjectRef("policy", f"{identity}.{ident(self.policies[0].name)}")


_SAID_BY_HELPERS = {
    Cause.UNSET: re.compile("current_setting", re.IGNORECASE),
    Cause.USER_METADATA: re.compile("user_metadata|raw_user_meta_data"),
    Cause.REQUEST: re.compile(r"request\.(headers|cookies)"),
    Cause.E_MAIL: re.compile("email"),
    Cause.NULL: None,
}
"""Causes that lie in a function where the policy only asks it, with the words by which its body is known."""
_TRUE = frozenset({Cause.COMMAND, Cause.FOR_ALL, Cause.INSERT, Cause.TRUE})
_SHAPES = _TRUE | {Cause.ROW_INDEPENDENT, Cause.SIGNED_IN, Cause.EITHER, Cause.OTHER}
"""Causes that are none where it is a function that lets everybody pass."""
_WRITES = frozenset({Operation.INSERT, Operation.UPDATE, Operation.DELETE})
_COMMANDS = {"r": Operation.SELECT, "a": Operation.INSERT, "w": Operation.UPDATE, "d": Operation.DELETE}
_SAYS = {
    Operation.SELECT: re.compile(r"\b(select|read|view|viewable|visible|see|list|show)\b", re.IGNORECASE),
    Operation.INSERT: re.compile(r"\b(insert|create|add|upload|post|submit|write)\b", re.IGNORECASE),
    Operation.UPDATE: re.compile(r"\b(update|edit|change|modify|replace|write)\b", re.IGNORECASE),
    Operation.DELETE: re.compile(r"\b(delete|remove|destroy|write)\b", re.IGNORECASE),
}
"""What the name of a policy says that it is for."""
_ANYTHING = re.compile(
    r"\b(all(?!( signed.in| authenticated)? (users?|visitors|roles|members))|manages?|everything|anything|full|crud)\b",
    re.IGNORECASE,
)
_INVITATION = re.compile(r"(^|_)(invit(e|es|ation|ations)|join_codes?)(_|$)", re.IGNORECASE)
_TOKEN = re.compile(r"(^|_)(token|code|secret|key|hash)$", re.IGNORECASE)
_MARK = r"\b(is_)?((soft_)?deleted|archived|removed|trashed|discarded)(_at|_on|_by)?\b"
IS_MARK = re.compile(_MARK, re.IGNORECASE)
_IS_DELETED = re.compile(rf"{_MARK}\"? = (?!null|false)", re.IGNORECASE)
_OF_A_FILE = frozenset({"owner", "owner_id", "name", "path_tokens", "user_metadata"})


def causes(case: Case) -> Iterator[Reached]:
    """Yields what policies open beyond intent: each policy that is true of every row, and what else is reached."""
    for relation in case.exposed:
        if relation.extension is not None:
            continue
        told = set[tuple[str, Operation]]()
        found: list[Reached] = []
        for one in opened(case, relation):
            told |= {(cell.persona, cell.operation) for cell in one.cells}
            cause = _of_opened(case, relation, one)
            cause, helper = _blamed(case, relation, (one.policy,), one.cells, cause, opened=True)
            worst = opened_severity(case, relation, one.cells, askers(case, one.policy))
            if helper is not None and cause is Cause.HELPER and is_given_the_row(case, [one.policy], helper):
                # Nobody asks that of what is meant for all.
                worst = max(worst, Severity.HIGH)
            found.append(
                Reached(
                    cause,
                    relation,
                    (one.policy,),
                    one.cells,
                    _graver(case, relation, worst, cause, one.cells),
                    helper=helper,
                )
            )
        left = [
            one
            for one in case.beyond(relation)
            if (one.persona, one.operation) not in told and is_unexplained(case, relation, one)
        ]
        for cell in left:
            policies = opening(case, relation, [cell])
            asked = met_by_client(case, relation, cell)
            cause = _of_cell(case, relation, cell, policies, asked)
            worst = _graver(case, relation, severity(case, relation, cell), cause, [cell])
            if cause is Cause.NULL and not _is_of_nobody(case, relation, cell, policies):
                worst = max(worst, Severity.HIGH)
            floors = _floors(case, relation, cell) if cause is Cause.UNRESTRICTED else ()
            cause, helper = _blamed(case, relation, policies, (cell,), cause, opened=False)
            found.append(Reached(cause, relation, policies, (cell,), worst, asked, floors, helper))
        yield from _together(case, found)


def _together(case: Case, found: Collection[Reached]) -> Iterator[Reached]:
    """One for each cause and object; what has no name of its own is told together, relation by relation."""
    grouped: dict[tuple[Cause, str], Reached] = {}
    for one in found:
        key = (one.cause, "" if one.cause is Cause.OTHER else one.ref(case).identity)
        known = grouped.get(key)
        grouped[key] = one if known is None else _both(known, one)
    yield from grouped.values()


def _both(one: Reached, other: Reached) -> Reached:
    return replace(
        one,
        policies=tuple(dict.fromkeys((*one.policies, *other.policies))),
        cells=tuple(dict.fromkeys((*one.cells, *other.cells))),
        severity=max(one.severity, other.severity),
        asked=tuple(dict.fromkeys((*one.asked, *other.asked))),
        floors=tuple(dict.fromkeys((*one.floors, *other.floors))),
    )


def _blamed(
    case: Case,
    relation: Relation,
    policies: tuple[Policy, ...],
    cells: tuple[Cell, ...],
    cause: Cause,
    *,
    opened: bool,
) -> tuple[Cause, Function | None]:
    """The cause, and the function that is at fault in the place of the policies, where it is one.

    `opened` is whether the policies are true of every row.
    """
    if cause not in _SAID_BY_HELPERS and cause not in _SHAPES:
        return cause, None
    for one in opening_helpers(case, policies, cells):
        if cause in _SAID_BY_HELPERS:
            words = _SAID_BY_HELPERS[cause]
            return cause, one if words is None else mentioning(case, one, words)
        given = is_given_the_row(case, policies, one)
        # Whether somebody is signed in may be asked of a function that answers just that.
        lets_pass = opened and (cause in _TRUE or (cause is Cause.SIGNED_IN and given))
        if lets_pass or (given and ignoring(case, relation, policies, one) is not None):
            return Cause.HELPER, one
    return cause, None


def _graver(case: Case, relation: Relation, found: Severity, cause: Cause, cells: Collection[Cell]) -> Severity:
    """How bad it is for its cause.

    A value that the client writes closes nothing. That there is no id, or no setting, was to open nothing: nobody
    says who may by what NULL happens to make true.
    """
    if cause in {Cause.USER_METADATA, Cause.REQUEST}:
        return Severity.CRITICAL
    if cause in {Cause.NULL, Cause.UNSET}:
        reach = max(case.way(one, relation).at_least for one in cells)
        return unmeant_severity(found, reach)
    return found


def _by_client(case: Case, relation: Relation, policies: Collection[Policy], asked: Collection[str]) -> Cause | None:
    """The cause where a client writes what is asked for into its profile or request, also for a helper to read."""
    if asked and not writes_itself(asked):
        return None
    known = asked or [one.because for one in case.flaws.trusting(relation, policies)]
    if not known:
        return None
    return Cause.USER_METADATA if any("user_metadata" in one for one in known) else Cause.REQUEST


def _by_request(
    case: Case, relation: Relation, policies: Collection[Policy], cells: Collection[Cell], asked: Collection[str]
) -> Cause | None:
    """The cause where the request or the intent says so, whatever the policies look like."""
    if _is_only_unset(case, relation, cells):
        return Cause.UNSET
    if all(map(_is_deleted, cells)):
        return Cause.DELETED
    return _by_client(case, relation, policies, asked)


def _of_opened(case: Case, relation: Relation, one: Opened) -> Cause:
    """The cause where a policy is true of every row."""
    policy, cells = one.policy, one.cells
    if (known := _by_request(case, relation, [policy], cells, ())) is not None:
        return known
    if (meant := _for_somebody_else(case, relation, [policy], cells)) is not None:
        return meant
    if _shows_invitations(case, relation, cells):
        return Cause.INVITE
    kinds = _kinds(case, relation, [policy], cells)
    for kind, cause in ((Kind.NULL_OPENS, Cause.NULL), (Kind.ROW_INDEPENDENT, Cause.ROW_INDEPENDENT)):
        if kind in kinds:
            return cause
    if _is_for_visitors_alone(case, relation, one):
        return Cause.NULL
    if one.signed_in:
        return Cause.SIGNED_IN
    if _is_for_something_else(policy, cells):
        return Cause.COMMAND
    writes = any(cell.operation in _WRITES for cell in cells)
    if policy.command == "*" and writes:
        return Cause.FOR_ALL
    return Cause.INSERT if policy.command == "a" else Cause.TRUE


def _is_for_visitors_alone(case: Case, relation: Relation, one: Opened) -> bool:
    """Whether what asks who calls lets those pass who are nobody, and nobody else is known to be let."""
    personas = {cell.persona for cell in one.cells}
    if not asks_who(case, one.policy) or any("sub" in case.persona(name).claims for name in personas):
        return False
    others = [
        case.cell(persona, relation, cell.operation)
        for cell in one.cells
        for persona in case.personas
        if "sub" in persona.claims
        and one.policy in case.access.policies(case.role(persona).oid, relation, cell.operation)
    ]
    return bool(others) and all(other is None or other.at_least is not Reach.ALL for other in others)


def _of_cell(case: Case, relation: Relation, cell: Cell, policies: tuple[Policy, ...], asked: tuple[str, ...]) -> Cause:
    """The cause of a single cell."""
    if (known := _by_request(case, relation, policies, [cell], asked)) is not None:
        return known
    if any("email" in one.lower() for one in asked):
        return Cause.E_MAIL
    if asked or owns(case, relation, cell) or relation.kind not in "rp":
        return Cause.OTHER
    if (meant := _for_somebody_else(case, relation, policies, [cell])) is not None:
        return meant
    if cell.at_least <= Reach.OWN:
        # Rows of one's own are what policies are for: that they are not meant is all that is wrong.
        return Cause.OTHER
    if policies and (flaw := _flaw(case, relation, cell, policies)) is not None:
        return flaw
    return Cause.EITHER if _was_to_limit(case, relation, cell, policies) else Cause.OTHER


def _flaw(case: Case, relation: Relation, cell: Cell, policies: tuple[Policy, ...]) -> Cause | None:
    """What is wrong with the policies that open a cell."""
    kinds = _kinds(case, relation, policies, [cell])
    visitor = "sub" not in case.persona(cell.persona).claims
    writes = cell.operation in _WRITES
    told: tuple[tuple[Cause, Callable[[], bool]], ...] = (
        (Cause.INVITE, lambda: _shows_invitations(case, relation, [cell])),
        (Cause.NULL, lambda: visitor and Kind.NULL_OPENS in kinds),
        (Cause.NO_OWNER, lambda: all(_is_without_owner(case, relation, one, cell) for one in policies)),
        (Cause.ROW_INDEPENDENT, lambda: Kind.ROW_INDEPENDENT in kinds),
        (Cause.BUCKET, lambda: all(_asks_for_bucket(case, relation, one) for one in policies)),
        (Cause.COMMAND, lambda: all(_is_for_something_else(one, [cell]) for one in policies)),
        (Cause.UNRESTRICTED, lambda: bool(_floors(case, relation, cell))),
        (Cause.FOR_ALL, lambda: writes and all(one.command == "*" for one in policies)),
        (Cause.INSERT, lambda: cell.operation is Operation.INSERT),
    )
    return next((cause for cause, is_so in told if is_so()), None)


def _is_only_unset(case: Case, relation: Relation, cells: Collection[Cell]) -> bool:
    """Whether a role gets that far only where nothing was set of what policies read."""
    for cell in cells:
        persona = case.persona(cell.persona)
        others = [one for one in case.personas if one.role == persona.role and not is_unset(one)]
        known = [case.cell(one, relation, cell.operation) for one in others]
        if not is_unset(persona) or any(one is not None and one.at_least >= cell.at_least for one in known):
            return False
    return True


def _is_deleted(cell: Cell) -> bool:
    """Whether the intent's condition, which a row that is reached does not meet, asks for a mark of deletion."""
    return bool(IS_MARK.search(cell.condition or "") and _IS_DELETED.search(cell.outside or ""))


def _kinds(case: Case, relation: Relation, policies: Collection[Policy], cells: Collection[Cell]) -> frozenset[Kind]:
    found = case.flaws.opening(relation, policies)
    return frozenset(one.kind for one in found if any(one.about(cell.persona, cell.operation) for cell in cells))


def _for_somebody_else(
    case: Case, relation: Relation, policies: Collection[Policy], cells: Collection[Cell]
) -> Cause | None:
    """The cause where the intent gives so much to another persona: with a second factor, an account, or signed in."""
    found = {_meant_for(case, relation, policies, one) for one in cells}
    return found.pop() if len(found) == 1 else None


def _meant_for(case: Case, relation: Relation, policies: Collection[Policy], cell: Cell) -> Cause | None:
    persona = case.persona(cell.persona)

    def means(name: str) -> bool:
        other = built_in(name)
        return other is not None and case.intended(other, relation, cell.operation) >= cell.at_least

    # A row that a condition leaves out is meant for nobody of the role.
    if case.platform is not Platform.SUPABASE or cell.outside:
        return None
    if persona.role == "authenticated" and persona.claims.get("is_anonymous") is True and means("authenticated"):
        return Cause.ANONYMOUS
    if persona.role == "authenticated" and persona.claims.get("aal") == "aal1" and means("aal2"):
        return Cause.MFA
    to_all = bool(policies) and all(PUBLIC in one.roles for one in policies)
    return Cause.PUBLIC if persona.role == "anon" and to_all and means("authenticated") else None


def _shows_invitations(case: Case, relation: Relation, cells: Collection[Cell]) -> bool:
    """Whether tokens can be read in a table that is named after invitations."""
    if not _INVITATION.search(relation.name):
        return False
    reads = [one for one in cells if one.operation is Operation.SELECT]
    names = {one.name for one in case.catalog.columns[relation.oid]}
    return any(_TOKEN.search(name) for one in reads for name in (names if one.columns is None else one.columns))


def _is_without_owner(case: Case, relation: Relation, policy: Policy, cell: Cell) -> bool:
    missing = case.flaws.by_missing(relation, policy, cell.persona)
    return not missing.isdisjoint(case.owner_columns(relation))


def _is_of_nobody(case: Case, relation: Relation, cell: Cell, policies: tuple[Policy, ...]) -> bool:
    """Whether the policies would open no more than intended of rows that have an owner."""
    # Any id that is compared with the caller's is an owner's here, whatever the column is called.
    ids = (one.name for one in case.catalog.columns[relation.oid] if one.type == "uuid" and not one.not_null)
    owners = [ident(one) for one in dict.fromkeys((*case.owner_columns(relation), *ids))]
    persona = case.persona(cell.persona)
    for one in policies if owners else ():
        text = (one.check or one.using) if cell.operation is Operation.INSERT else one.using
        owned = " and ".join([f"({text})", *(f"{name} is not null" for name in owners)])
        if text is not None and decide(case.predicates.alone(persona, relation, owned)).at_least > cell.intended:
            return False
    return bool(policies and owners)


def _asks_for_bucket(case: Case, relation: Relation, policy: Policy) -> bool:
    """Whether a policy on the table of files asks for the bucket and for nothing that tells whose a file is."""
    if case.catalog.identity(relation) != "storage.objects":
        return False
    names = {one.number: one.name for one in case.catalog.columns[relation.oid]}
    asked = {names[one.column] for one in policy.columns if one.relation == relation.oid and one.column in names}
    return "bucket_id" in asked and asked.isdisjoint(_OF_A_FILE)


def _is_for_something_else(policy: Policy, cells: Collection[Cell]) -> bool:
    """Whether a policy's name says which command it is for, and what it opens is another."""
    if _ANYTHING.search(policy.name):
        return False
    said = {operation for operation, words in _SAYS.items() if words.search(policy.name.replace("_", " "))}
    found = {one.operation for one in cells}
    # That a policy for reading lets everybody read is not what is wrong with it.
    beyond = found - said if found & _WRITES else set[Operation]()
    return bool(said) and bool(beyond & (_WRITES if said == {Operation.SELECT} else frozenset(Operation)))


def _floors(case: Case, relation: Relation, cell: Cell) -> tuple[Policy, ...]:
    """Restrictive policies for other commands, of which one would be enough to keep the cell within intent."""
    persona = case.persona(cell.persona)
    role = case.role(persona).oid
    asked = case.predicates.check if cell.operation is Operation.INSERT else case.predicates.using
    applying = case.access.policies(role, relation, cell.operation)
    inherited = case.access.roles.inherited(role)
    found = []
    for one in case.catalog.policies[relation.oid]:
        text = (one.check or one.using) if cell.operation is Operation.INSERT else (one.using or one.check)
        if one.permissive or one in applying or text is None:
            continue
        if PUBLIC not in one.roles and inherited.isdisjoint(one.roles):
            continue
        limited = And((asked(persona, role, relation, cell.operation), case.predicates.alone(persona, relation, text)))
        if decide(limited).at_most <= cell.intended:
            found.append(one)
    return tuple(found)


def _was_to_limit(case: Case, relation: Relation, cell: Cell, policies: tuple[Policy, ...]) -> bool:
    """Whether policies add up to more than each was to allow.

    No policy opens the cell by itself, or what opens it says only what must not be, beside one that ties the row to
    somebody.
    """
    persona = case.persona(cell.persona)
    applying = [one for one in case.access.policies(case.role(persona).oid, relation, cell.operation) if one.permissive]
    if len(applying) < len(policies) + 1:
        return False
    others = [bounds(case, one, persona, relation, cell.operation) for one in applying if one not in policies]
    tied = any(one is not None and one.at_most is Reach.OWN for one in others)
    if not policies:
        return len(applying) > 1
    writes = cell.operation in {Operation.UPDATE, Operation.DELETE}
    return tied and (writes or all(is_guard(one.using or one.check or "") for one in policies))
