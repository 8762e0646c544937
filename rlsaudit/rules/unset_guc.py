"""unset-guc: policies that open where the application did not set whose a request is."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import Evidence, EvidenceKind, ObjectRef, Operation, Reach, Severity
from rlsaudit.names import literal
from rlsaudit.personas import is_unset
from rlsaudit.policy.decide import decide
from rlsaudit.probe.request import settings, transcript
from rlsaudit.rules.blamed import opening_helpers
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.by_cause import found_by_cause
from rlsaudit.rules.cause import Cause
from rlsaudit.rules.reached import mended, on_new_connection, plain_severity, statement, told, unmeant_severity
from rlsaudit.rules.rewritten import altered
from rlsaudit.rules.rule import Example, Found, Rule, Turn
from rlsaudit.rules.witnessed import witnessed
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from rlsaudit.catalog.facts import Function, Policy, Relation
    from rlsaudit.model import Cell, Persona
    from rlsaudit.rules.case import Case
    from rlsaudit.rules.cause import Reached


def check(case: Case) -> Iterator[Found]:
    """Yields what is reached beyond intent where a setting is empty, or, on a new connection, not there at all."""
    told_of = {(one.relation.oid, cell.persona) for one in case.reached(Cause.UNSET) for cell in one.cells}
    yield from found_by_cause(case, RULE, Cause.UNSET, "opens where the application set nothing", _because, _fix)
    grouped: defaultdict[tuple[str, str], list[_Fresh]] = defaultdict(list)
    for relation in case.exposed:
        for persona in case.personas:
            if is_unset(persona) and (relation.oid, persona.name) not in told_of:
                for one in _on_new_connection(case, persona, relation):
                    ref = one.ref(case)
                    grouped[ref.type, ref.identity].append(one)
    for several in grouped.values():
        yield _found(case, several)


@dataclass(frozen=True, slots=True)
class _Fresh:
    """Cells that are open to a persona on a new connection, by policies, and the function at fault where it is one."""

    persona: Persona
    relation: Relation
    cells: tuple[Cell, ...]
    policies: tuple[Policy, ...]
    helper: Function | None

    def ref(self, case: Case) -> ObjectRef:
        if self.helper is not None:
            return ObjectRef("function", case.catalog.function_identity(self.helper))
        return case.ref(self.relation)


def _because(one: Reached) -> str:
    return f"{listed([told(each) for each in one.policies] or ['it'])} passes where the setting is empty"


def _fix(case: Case, one: Reached) -> str:
    return _asking(case, one.relation, one.cells, one.policies)


def _asking(case: Case, relation: Relation, cells: Collection[Cell], policies: Collection[Policy]) -> str:
    """The policies ask besides whether what they read was set, as far as they read it themselves."""
    personas = [case.persona(name) for name in dict.fromkeys(one.persona for one in cells)]
    names = dict.fromkeys(name for one in personas for name in one.settings)
    lines = []
    for each in policies:
        text = f"{each.using or ''} {each.check or ''}"
        read = [literal(name).strip() for name in names if f"{literal(name).strip()}::text" in text]
        if not read:
            return mended(case, relation, cells, policies)
        there = " and ".join(f"nullif(current_setting({name}, true), '') is not null" for name in read)
        lines.append(altered(case, relation, each, there))
    return "\n".join(lines) or mended(case, relation, cells, policies)


def _on_new_connection(case: Case, persona: Persona, relation: Relation) -> Iterator[_Fresh]:
    """What is open before anything was set on a connection: a setting is NULL then, which no probe of ours sees."""
    role = case.role(persona).oid
    if not case.access.rls_applies(role, relation):
        return
    fresh = on_new_connection(persona)
    opened: list[Cell] = []
    for operation in Operation:
        cell = case.cell(persona, relation, operation)
        if cell is None or not case.access.on_any_column(role, relation, operation.value.upper()):
            continue
        if case.way(cell, relation).at_least > cell.intended:
            continue
        asked = case.predicates.check if operation is Operation.INSERT else case.predicates.using
        found = decide(asked(fresh, role, relation, operation))
        if found.at_least > cell.intended and not found.chosen:
            opened.append(replace(cell, at_least=found.at_least))
    if opened:
        policies = tuple(one for one in case.catalog.policies[relation.oid] if _opens(case, one, fresh, relation))
        helpers = opening_helpers(case, policies, opened, fresh)
        yield _Fresh(persona, relation, tuple(opened), policies, helpers[0] if helpers else None)


def _found(case: Case, several: list[_Fresh]) -> Found:
    one = several[0]
    persona, first = one.persona, one.cells[0]
    identities = list(dict.fromkeys(case.catalog.identity(each.relation) for each in several))
    operations = listed([each.operation.value for each in one.cells])
    roles = listed(list(dict.fromkeys(each.persona.role for each in several)))
    ref = one.ref(case)
    subject = ref.identity if one.helper is not None else f"Row-level security of {ref.identity}"
    passing = dict.fromkeys(told(policy) for each in several for policy in each.policies)
    return Found(
        finding(
            RULE,
            ref,
            Who(persona.name, first.operation.value, first.at_least, first.intended),
            title=f"{subject} opens on a connection on which nothing was set yet",
            message=(
                f"{roles} can {operations} rows of strangers of {listed(identities)} where "
                f"{listed(list(persona.settings))} was never set on the connection: "
                f"{listed(list(passing) or ['the policy'])} passes where it is NULL."
            ),
            evidence=_evidence(case, on_new_connection(persona), one.relation, first),
            fix="\n".join(dict.fromkeys(_asking(case, each.relation, each.cells, each.policies) for each in several)),
            relations=identities,
            severity=max(
                unmeant_severity(plain_severity(case, each.relation, cell, cell.at_least), cell.at_least)
                for each in several
                for cell in each.cells
            ),
        ),
        case.claims([], [cell for each in several for cell in each.cells]),
    )


def _evidence(case: Case, fresh: Persona, relation: Relation, cell: Cell) -> Evidence:
    found = witnessed(case, fresh, relation, cell.operation, "on a connection that is new")
    if found is not None:
        return found
    made = settings(case.catalog, case.platform, fresh)
    sql = transcript(made, statement(case, relation, cell), writes=cell.operation is not Operation.SELECT)
    return Evidence(EvidenceKind.PROOF, sql, "not executed: proved for a connection that is new")


def _opens(case: Case, policy: Policy, persona: Persona, relation: Relation) -> bool:
    texts = [text for text in (policy.using, policy.check) if text]
    return policy.permissive and any(
        decide(case.predicates.alone(persona, relation, text)).at_least > Reach.OWN for text in texts
    )


_NOTES = """
            create table public.notes (id bigint primary key, tenant_id uuid not null, email text);
            alter table public.notes enable row level security;
            grant select, update on public.notes to notes_app;"""
_APP = ("notes_app",)

RULE = Rule(
    id="unset-guc",
    severity=Severity.CRITICAL,
    summary="A policy opens where the application did not set whose a request is.",
    why=(
        "The tenant is a setting that the application makes for each request. A job, a health check or a new code path "
        "that forgets it is let in to all tenants by a policy that takes a missing setting for a licence, and so is "
        "whoever gets a connection of its own."
    ),
    fix=(
        "Compare with the setting, and let what is missing be false: `tenant_id = nullif(current_setting('app.tenant', "
        "true), '')::uuid`. Give jobs that see all tenants a role of their own."
    ),
    fine="Where all tenants are meant for a request without one: declare it for the persona `ROLE-unset`.",
    bad=(
        Example(
            "Not set, on a new connection",
            f"""{_NOTES}
            create policy tenant on public.notes using (current_setting('app.tenant', true) is null
              or tenant_id::text = current_setting('app.tenant', true));
            """,
            platform=Platform.POSTGRES,
            roles=_APP,
        ),
        Example(
            "Empty, as it is once it was set",
            f"""{_NOTES}
            create policy tenant on public.notes using (coalesce(current_setting('app.tenant', true), '') = ''
              or tenant_id::text = current_setting('app.tenant', true));
            """,
            platform=Platform.POSTGRES,
            roles=_APP,
        ),
        Example(
            "A default that is the row's own",
            f"""{_NOTES}
            create policy tenant on public.notes for select
              using (tenant_id = coalesce(nullif(current_setting('app.tenant', true), '')::uuid, tenant_id));
            """,
            platform=Platform.POSTGRES,
            roles=_APP,
        ),
    ),
    good=(
        Example(
            "What is missing is NULL",
            f"""{_NOTES}
            create policy tenant on public.notes
              using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
            """,
            platform=Platform.POSTGRES,
            roles=_APP,
        ),
        Example(
            "What is missing is an error",
            f"""{_NOTES}
            create policy tenant on public.notes using (tenant_id = current_setting('app.tenant')::uuid);
            """,
            platform=Platform.POSTGRES,
            roles=_APP,
        ),
        Example(
            "What is empty is nobody's tenant, where tenants have names",
            f"""{_NOTES}
            alter table public.notes alter tenant_id type text;
            create policy tenant on public.notes using (tenant_id = current_setting('app.tenant', true));
            """,
            platform=Platform.POSTGRES,
            roles=_APP,
        ),
        Example(
            "What is missing is nobody's",
            f"""{_NOTES}
            create policy tenant on public.notes
              using (tenant_id::text = coalesce(current_setting('app.tenant', true), 'nobody'));
            """,
            platform=Platform.POSTGRES,
            roles=_APP,
        ),
    ),
    check=check,
    turn=Turn.POLICIES,
)
