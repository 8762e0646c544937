"""update-check-weak: a policy for UPDATE that lets somebody make its row another's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import Evidence, EvidenceKind, ObjectRef, Operation, Reach, Severity
from rlsaudit.names import ident
from rlsaudit.policy.decide import decide
from rlsaudit.policy.formula import And
from rlsaudit.probe.request import settings, transcript
from rlsaudit.reach.triggers import assigned
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.opened import enclosed
from rlsaudit.rules.rule import Example, Found, Rule, Turn
from rlsaudit.rules.witnessed import changed
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Policy, Relation
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields tables whose rows somebody can change that are its own only, into rows of anybody's."""
    for relation in case.exposed:
        if relation.kind not in "rp" or not relation.rls or relation.extension is not None:
            continue
        found = next((one for each in case.personas if (one := _given_away(case, each, relation))), None)
        if found is not None:
            yield found


def _given_away(case: Case, persona: Persona, relation: Relation) -> Found | None:
    cell = case.cell(persona, relation, Operation.UPDATE)
    role = case.role(persona).oid
    if cell is None or cell.intended is not Reach.OWN or not case.access.rls_applies(role, relation):
        return None
    # A trigger that may refuse leaves nothing certain, and what reaches strangers' rows has a finding of its own.
    if case.way(cell, relation).at_least is not Reach.OWN:
        return None
    check = case.predicates.check(persona, role, relation, Operation.UPDATE)
    written = decide(check)
    if written.at_least <= Reach.OWN or written.chosen:
        return None
    weak = _weak(case, persona, relation)
    owners = _owners(case, persona, relation)
    if not weak or not owners:
        return None
    identity = case.catalog.identity(relation)
    seen = And((check, case.predicates.using(persona, role, relation, Operation.SELECT)))
    # The API sends no UPDATE without a WHERE, and with one the new row has to be one that its writer may read.
    sent = case.platform is Platform.POSTGRES or decide(seen).at_least > Reach.OWN
    ref = ObjectRef("policy", f"{identity}.{ident(weak[0].name)}") if len(weak) == 1 else case.ref(relation)
    return Found(
        finding(
            RULE,
            ref,
            Who(persona.name, "update", written.at_least, cell.intended),
            title=f"Rows of {identity} can be made somebody else's",
            message=(
                f"{persona.name} can change rows of its own in {identity}, and {listed(owners)} in them to whatever it "
                f"likes: {listed([_told(one) for one in weak])} does not ask of the new row what is asked of the old "
                f"one{'' if sent else ', though only by a statement without WHERE, which the API does not send'}."
            ),
            evidence=_evidence(case, persona, relation, owners[0]),
            fix="\n".join(_mirrored(case, relation, one) for one in weak),
            relations=[identity],
            severity=Severity.HIGH if sent else Severity.MEDIUM,
        )
    )


def _evidence(case: Case, persona: Persona, relation: Relation, owner: str) -> Evidence:
    column = next(one for one in case.catalog.columns[relation.oid] if one.name == owner)
    because = "the check lets rows of strangers pass"
    found = changed(case, persona, relation, column, because, away=True)
    if found is not None:
        return found
    sql = f"update {case.catalog.identity(relation)} set {ident(owner)} = default"
    made = settings(case.catalog, case.platform, persona)
    return Evidence(EvidenceKind.PROOF, transcript(made, sql, writes=True), f"not executed: {because}")


def _weak(case: Case, persona: Persona, relation: Relation) -> list[Policy]:
    """The policies whose own check lets rows of strangers pass, as new ones."""
    found = []
    for one in case.access.policies(case.role(persona).oid, relation, Operation.UPDATE):
        if one.permissive and one.check is not None and one.check != one.using:
            bounds = decide(case.predicates.alone(persona, relation, one.check))
            if bounds.at_least > Reach.OWN:
                found.append(one)
    return found


def _owners(case: Case, persona: Persona, relation: Relation) -> list[str]:
    """The columns by which policies tell whose a row is, and that the persona can set."""
    role = case.role(persona).oid
    asked = {
        one.column
        for policy in case.access.policies(role, relation, Operation.UPDATE)
        for one in policy.columns
        if one.relation == relation.oid
    }
    columns = case.access.columns(role, relation, "UPDATE") or case.catalog.columns[relation.oid]
    kept = assigned(case.catalog, relation, Operation.UPDATE)
    if kept is None:
        return []
    named = {*case.owner_columns(relation), *_keys_of_users(case, relation)}
    return [one.name for one in columns if one.number in asked - kept and not one.generated and one.name in named]


def _keys_of_users(case: Case, relation: Relation) -> set[str]:
    names = {one.number: one.name for one in case.catalog.columns[relation.oid]}
    return {
        names[one.columns[0]]
        for one in case.catalog.constraints[relation.oid]
        if one.kind == "f" and one.foreign_relation in case.auth_relations and one.columns[0] in names
    }


def _told(policy: Policy) -> str:
    return f'policy "{policy.name}"'


def _mirrored(case: Case, relation: Relation, policy: Policy) -> str:
    """What is asked of the old row is asked of the new one, beside what its check asks already."""
    asked = enclosed(policy.using or "true")
    check = asked if policy.check == "true" else f"({asked} and {enclosed(policy.check or 'true')})"
    return f"alter policy {ident(policy.name)} on {case.catalog.identity(relation)} with check {check};"


_NOTES = """
            create table public.notes (id bigint primary key, user_id uuid not null, body text);
            alter table public.notes enable row level security;"""

RULE = Rule(
    id="update-check-weak",
    severity=Severity.HIGH,
    summary="A policy for UPDATE asks whose a row is, and not whose it becomes.",
    why=(
        "USING says which rows may be changed, WITH CHECK what they may become. With `with check (true)` users plant "
        "rows in the accounts of others: a note, an order, a document with a link, in the victim's name."
    ),
    fix="Leave WITH CHECK out, and USING counts for the new row too, or ask the same in it.",
    fine=(
        "Where handing a row over is what it is for. Then a function that asks the new owner is better. Declare "
        '`update = "some"` and nothing is found.'
    ),
    bad=(
        Example(
            "A check that is always true, of rows that all may read",
            f"""{_NOTES}
            create policy "read" on public.notes for select to authenticated using (body <> 'secret');
            create policy "edit" on public.notes for update to authenticated
              using (user_id = (select auth.uid())) with check (true);
            """,
        ),
        Example(
            "The other way round than it is asked: medium, for the API sends a WHERE",
            f"""{_NOTES}
            create policy "own" on public.notes for select to authenticated using (user_id = (select auth.uid()));
            create policy "edit" on public.notes for update to authenticated
              using (user_id = (select auth.uid())) with check ((select auth.uid()) is not null);
            """,
        ),
        Example(
            "On plain Postgres",
            """
            create table public.notes (id bigint primary key, tenant_id uuid not null, body text);
            alter table public.notes enable row level security;
            create policy tenant on public.notes using (tenant_id = current_setting('app.tenant')::uuid)
              with check (body <> '');
            grant select, update on public.notes to notes_app;
            """,
            platform=Platform.POSTGRES,
            roles=("notes_app",),
        ),
    ),
    good=(
        Example(
            "Without a check of its own",
            f"""{_NOTES}
            create policy "edit" on public.notes for update to authenticated using (user_id = (select auth.uid()));
            """,
        ),
        Example(
            "The same is asked of the new row",
            f"""{_NOTES}
            create policy "edit" on public.notes for update to authenticated
              using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()) and body <> '');
            """,
        ),
        Example(
            "The owner cannot be set",
            f"""{_NOTES}
            create policy "edit" on public.notes for update to authenticated
              using (user_id = (select auth.uid())) with check (true);
            revoke update on public.notes from anon, authenticated;
            grant update (body) on public.notes to authenticated;
            """,
        ),
        Example(
            "A trigger keeps the owner",
            f"""{_NOTES}
            create function public.keep() returns trigger language plpgsql set search_path = '' as $$
              begin
                new.user_id := old.user_id;
                return new;
              end $$;
            create trigger keep before update on public.notes for each row execute function public.keep();
            create policy "edit" on public.notes for update to authenticated
              using (user_id = (select auth.uid())) with check (true);
            """,
        ),
    ),
    check=check,
    turn=Turn.POLICIES,
)
