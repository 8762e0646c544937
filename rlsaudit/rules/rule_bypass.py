"""rule-bypass: a rewrite rule changes rows of a protected table with the rights of the owner of another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.model import Operation, Reach, Severity
from rlsaudit.names import ident, qualified
from rlsaudit.rules.asked import asked_as, holds_on
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation, Rewrite
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case

_EVENTS = {"2": Operation.UPDATE, "3": Operation.INSERT, "4": Operation.DELETE}
_NEVER_FIRES = frozenset({"D", "R"})
_DOES = {Operation.UPDATE: r"\bUPDATE (?:ONLY )?{}", Operation.DELETE: r"\bDELETE FROM (?:ONLY )?{}"}
"""What a rule does to rows that are there already. Rows that it puts in, a log's say, are what rules are there for."""
_SAYS = {Operation.UPDATE: "changes", Operation.DELETE: "deletes"}
_ASKS = re.compile(r"\b(CURRENT_USER|SESSION_USER|current_setting|uid\(|jwt\(|email\()")


@dataclass(frozen=True, slots=True)
class _Deed:
    """What a rule does: on `event`, which `personas` may cause, `operation` on rows of `target` of their choice."""

    rule: Rewrite
    event: Operation
    operation: Operation
    target: Relation
    personas: tuple[Persona, ...]


def check(case: Case) -> Iterator[Found]:
    """Yields tables whose rules let a persona choose rows of a protected one that it does not reach by itself."""
    for relation in case.exposed:
        deeds = [*_deeds(case, relation)] if relation.extension is None else []
        if deeds:
            yield _found(case, relation, deeds)


def _deeds(case: Case, relation: Relation) -> Iterator[_Deed]:
    for rule in case.catalog.rewrites[relation.oid]:
        event = _EVENTS.get(rule.event)
        if rule.name == "_RETURN" or event is None or rule.enabled in _NEVER_FIRES or not _is_chosen(rule):
            continue
        able = [one for one in case.personas if _causes(case, one, relation, rule, event)]
        for operation, target in _does(case, relation, rule):
            gaining = tuple(one for one in able if _gains(case, one, target, operation))
            if gaining:
                yield _Deed(rule, event, operation, target, gaining)


def _is_chosen(rule: Rewrite) -> bool:
    """Whether the client says which rows are meant: by the new row, untied to an old one and to who is asking."""
    text = rule.definition or ""
    return "new." in text and "old." not in text and _ASKS.search(text) is None


def _does(case: Case, relation: Relation, rule: Rewrite) -> Iterator[tuple[Operation, Relation]]:
    """What the rule does to tables whose policies do not bind the owner of its own, with whose rights it runs."""
    for oid in sorted({one.relation for one in rule.columns} - {relation.oid}):
        target = case.catalog.relations.get(oid)
        if target is None or not target.rls or case.access.rls_applies(relation.owner, target):
            continue
        name = re.escape(qualified(case.catalog.schema_name(target), target.name))
        for operation, pattern in _DOES.items():
            granted = case.access.on_any_column(relation.owner, target, operation.value.upper())
            if granted and re.search(pattern.format(name), rule.definition or ""):
                yield operation, target


def _causes(case: Case, persona: Persona, relation: Relation, rule: Rewrite, event: Operation) -> bool:
    role = case.role(persona).oid
    if not case.is_exposed(persona, relation) or not case.access.on_any_column(role, relation, event.value.upper()):
        return False
    # The statement itself is run as well, and fails where no policy lets a row pass.
    return (
        rule.instead or not case.access.rls_applies(role, relation) or bool(case.access.policies(role, relation, event))
    )


def _gains(case: Case, persona: Persona, target: Relation, operation: Operation) -> bool:
    reached = case.addressed(persona, target, operation)
    return reached is not Reach.ALL and case.intended(persona, target, operation) < Reach.ALL


def _found(case: Case, relation: Relation, deeds: list[_Deed]) -> Found:
    identity, first = case.catalog.identity(relation), deeds[0]
    persona, event = first.personas[0], first.event
    owner = ident(case.access.name(relation.owner))
    others = list(dict.fromkeys(case.catalog.identity(one.target) for one in deeds))
    does = [
        f"on {one.event.value} rule {ident(one.rule.name)} {_SAYS[one.operation]} rows of "
        f"{case.catalog.identity(one.target)}"
        for one in deeds
    ]
    who = listed(list(dict.fromkeys(each.name for one in deeds for each in one.personas)))
    return Found(
        finding(
            RULE,
            case.ref(relation),
            Who(persona.name, first.operation.value, Reach.ALL, case.intended(persona, first.target, first.operation)),
            title=f"Whoever writes {identity} gets at rows of {listed(others)} past their policies",
            message=(
                f"{who} may cause it: {listed(does)}, those that the new row names, with the rights of {owner}, whom "
                "their policies do not bind."
            ),
            evidence=asked_as(
                case,
                persona,
                holds_on(case, relation, event.value.upper(), columns=event is not Operation.DELETE),
                f"granted; {' '.join((first.rule.definition or '').split())}",
            ),
            fix="\n".join(dict.fromkeys(f"drop rule {ident(one.rule.name)} on {identity};" for one in deeds)),
            relations=[identity, *others],
        )
    )


_NOTES = """
            create table public.notes (id bigint primary key, user_id uuid, body text);
            alter table public.notes enable row level security;
            create policy own on public.notes to authenticated
              using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
            create table public.edits (id bigint, user_id uuid, body text);
            alter table public.edits enable row level security;
            create policy own on public.edits to authenticated
              using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);"""

RULE = Rule(
    id="rule-bypass",
    severity=Severity.HIGH,
    summary="A rewrite rule changes or deletes rows of a protected table with the rights of another table's owner.",
    why=(
        "What a rule does in the place of a statement, or beside it, is done with the rights of the owner of the table "
        "that the rule is on. The policies of the tables that it touches do not bind that owner, so whoever may insert "
        "one row here, with an id of his own choosing, changes any row there."
    ),
    fix=(
        "Drop the rule. A trigger with its caller's rights does the same and asks the policies; a function with its "
        "owner's rights has to ask who calls."
    ),
    fine=(
        "Rules that only add rows, such as a log, that lead to rows which the statement found by its own policies "
        "(`old.id`), or that ask who calls, are no finding."
    ),
    bad=(
        Example(
            "Whoever proposes an edit makes it",
            f"""{_NOTES}
            create rule apply as on insert to public.edits
              do also update public.notes set body = new.body where id = new.id;
            """,
        ),
        Example(
            "Instead of a row that no policy lets in",
            f"""{_NOTES}
            create table public.removals (id bigint);
            alter table public.removals enable row level security;
            create rule apply as on insert to public.removals do instead delete from public.notes where id = new.id;
            """,
        ),
    ),
    good=(
        Example(
            "A log",
            f"""{_NOTES}
            create table public.log (id bigint, body text);
            alter table public.log enable row level security;
            create rule log as on insert to public.edits do also insert into public.log values (new.id, new.body);
            """,
        ),
        Example(
            "It asks who calls",
            f"""{_NOTES}
            create rule apply as on insert to public.edits
              do also update public.notes set body = new.body where id = new.id and user_id = auth.uid();
            """,
        ),
        Example(
            "Nobody may insert",
            f"""{_NOTES}
            revoke insert on public.edits from anon, authenticated;
            create rule apply as on insert to public.edits
              do also update public.notes set body = new.body where id = new.id;
            """,
        ),
    ),
    check=check,
)
