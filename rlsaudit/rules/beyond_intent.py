"""beyond-intent: reach that exceeds what was meant, and that no other rule has a name for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.access import reads_through
from rlsaudit.model import Operation, Reach, Severity
from rlsaudit.names import ident
from rlsaudit.policy.decide import decide
from rlsaudit.policy.formula import FALSE, And, Atom, AtomKind, Coalesce, Formula, Is, Not, Or, Written
from rlsaudit.rules.build import finding, worst
from rlsaudit.rules.by_chain import found_by_chain
from rlsaudit.rules.child_direct import is_as_open_as_parent
from rlsaudit.rules.flawed import flawed
from rlsaudit.rules.opened import bounds, narrow, rewrite
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed, who_can

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Policy, Relation
    from rlsaudit.model import Cell
    from rlsaudit.rules.case import Case

_CLIENTS_OWN = ("user_metadata", "request.header", "request.cookie")
"""What a client writes into its profile or request at will."""


def check(case: Case) -> Iterator[Found]:
    """Yields what a persona reaches further than intended, where no other finding says why.

    Relations by name, and tables in which it makes rows that let it in elsewhere.
    """
    for relation in case.exposed:
        if relation.extension is not None:
            continue
        cells = [one for one in case.beyond(relation) if _is_unexplained(case, relation, one)]
        if not cells:
            continue
        identity = case.catalog.identity(relation)
        yield Found(
            finding(
                RULE,
                case.ref(relation),
                worst(cells),
                title=f"{identity} is reached further than intended",
                message=f"{who_can(cells)} of {identity}: {_because(case, relation, cells)}{_outside(cells)}",
                evidence=case.evidence(cells, relation),
                fix=_fix(case, relation, cells),
                relations=[identity],
                severity=max(_severity(case, relation, one) for one in cells),
            ),
            case.claims([], cells),
        )
    yield from found_by_chain(case, RULE, _severity_by_chain)


def _is_unexplained(case: Case, relation: Relation, cell: Cell) -> bool:
    if (cell.persona, cell.relation, cell.operation) in case.explained:
        return False
    if case.way(cell, relation).at_least <= cell.intended:
        return False
    persona = case.persona(cell.persona)
    declared = case.intent.declared(cell.persona, cell.relation, cell.operation, role=cell.role)
    if relation.kind not in "rp":
        # A view that is as wide as a table below it is explained by what is said of the table.
        return declared or not _table_tells(case, relation, cell)
    role = case.role(persona)
    if relation.rls and not case.access.rls_applies(role.oid, relation):
        # A role that row-level security does not bind was made so; that it owns the table is told by owner-bypass.
        return declared
    return declared or relation.rls or not is_as_open_as_parent(case, persona, relation, cell.operation)


def _table_tells(case: Case, view: Relation, cell: Cell) -> bool:
    """Whether a table below the view is itself reached further than intended, so that a finding speaks of it."""
    persona = case.persona(cell.persona)
    below = reads_through(case.access, view, case.role(persona).oid)
    cells = (case.cell(persona, one.relation, cell.operation) for one in below)
    return any(one is not None and one.at_least > one.intended for one in cells)


def _severity(case: Case, relation: Relation, cell: Cell) -> Severity:
    asked = _met_by_client(case, relation, cell)
    if any(source in one for one in asked for source in _CLIENTS_OWN):
        return Severity.CRITICAL
    found = _plain_severity(case, relation, cell, case.way(cell, relation).at_least)
    # An address at some domain, a second factor: a condition, though one that an attacker can meet.
    return min(found, Severity.HIGH) if asked else found


def _severity_by_chain(case: Case, relation: Relation, cell: Cell) -> Severity:
    found = _plain_severity(case, relation, cell, cell.at_least)
    # Whoever gets to every row by a row that it makes has taken over a tenant or a role.
    return max(found, Severity.HIGH) if cell.at_least is Reach.ALL else found


def _plain_severity(case: Case, relation: Relation, cell: Cell, reach: Reach) -> Severity:
    way = case.way(cell, relation)
    write = cell.operation is not Operation.SELECT
    if case.intent.declared(cell.persona, cell.relation, cell.operation, role=cell.role):
        return Severity.CRITICAL if write and reach is Reach.ALL else Severity.HIGH
    match cell.operation:
        case Operation.SELECT:
            private = bool(case.sensitive(relation, way.columns))
            return Severity.CRITICAL if reach is Reach.ALL and private else Severity.MEDIUM
        case Operation.INSERT:
            return Severity.HIGH if case.owner_columns(relation) else Severity.MEDIUM
        case _:
            return Severity.CRITICAL if reach is Reach.ALL else Severity.HIGH


def _met_by_client(case: Case, relation: Relation, cell: Cell) -> tuple[str, ...]:
    """The conditions that a client meets by itself to get that far; none where it gets there anyway."""
    way = case.way(cell, relation)
    if not way.chosen:
        return ()
    persona = case.persona(cell.persona)
    role = case.role(persona).oid
    asked = case.predicates.check if cell.operation is Operation.INSERT else case.predicates.using
    formula = asked(persona, role, relation, cell.operation)
    return way.chosen if decide(without_chosen(formula)).at_least < way.at_least else ()


def without_chosen(formula: Formula) -> Formula:
    """The predicate for a client that writes nothing of use."""
    match formula:
        case Atom(AtomKind.CHOSEN):
            return FALSE
        case Not(operand):
            return Not(without_chosen(operand))
        case And(operands) | Or(operands) | Coalesce(operands):
            return replace(formula, operands=tuple(without_chosen(one) for one in operands))
        case Is(operand, value, negated):
            return Is(without_chosen(operand), value, negated)
        case Written(meant):
            return without_chosen(meant)
        case _:
            return formula


def _because(case: Case, relation: Relation, cells: list[Cell]) -> str:
    asked = dict.fromkeys(text for one in cells for text in _met_by_client(case, relation, one))
    if asked:
        own = any(source in one for one in asked for source in _CLIENTS_OWN)
        how = "which the client writes itself" if own else "which a client can bring about by itself"
        return f"it takes {listed(list(asked))}, {how}."
    opening = _opening(case, relation, cells)
    if opening:
        return f"by {listed([_told(one) for one in opening])}.{flawed(case, relation, opening, cells)}"
    return f"{cells[0].because}."


def _outside(cells: list[Cell]) -> str:
    """Which rows are meant and which one passes that is not, where the intent has a condition."""
    told = dict.fromkeys((one.condition, one.outside) for one in cells if one.outside)
    return "".join(f" Meant are rows where {condition}; this one passes as well: {row}." for condition, row in told)


def _told(policy: Policy) -> str:
    text = " ".join((policy.using or policy.check or "").split())
    return f'policy "{policy.name}": {text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"}'


_SHOWN = 120


def _opening(case: Case, relation: Relation, cells: list[Cell]) -> list[Policy]:
    """The policies that open more than intended by themselves."""
    return [
        policy
        for policy in case.catalog.policies[relation.oid]
        if policy.permissive and any(_opens(case, policy, relation, one) for one in cells)
    ]


def _opens(case: Case, policy: Policy, relation: Relation, cell: Cell) -> bool:
    persona = case.persona(cell.persona)
    if policy not in case.access.policies(case.role(persona).oid, relation, cell.operation):
        return False
    found = bounds(case, policy, persona, relation, cell.operation)
    return found is not None and found.at_least > cell.intended


def _fix(case: Case, relation: Relation, cells: list[Cell]) -> str:
    identity = case.catalog.identity(relation)
    opening = _opening(case, relation, cells)
    if opening:
        return "\n".join(_narrower(case, relation, one) for one in opening)
    operations = list(dict.fromkeys(one.operation.value for one in cells))
    personas = [case.persona(name) for name in dict.fromkeys(one.persona for one in cells)]
    holders = dict.fromkeys(name for one in operations for name in case.holders(personas, relation.acl, one.upper()))
    roles = ", ".join(holders) or ", ".join(dict.fromkeys(ident(one.role) for one in personas))
    return f"revoke {', '.join(operations)} on {identity} from {roles};"


def _narrower(case: Case, relation: Relation, policy: Policy) -> str:
    """What the client says of itself, the server can say of it as well: then whom it was meant for keeps it."""
    asked = f"{policy.using} {policy.check}"
    if _USERS_WORD in asked:
        return rewrite(case, relation, policy, lambda text: text.replace(_USERS_WORD, _SERVERS_WORD))
    return narrow(case, relation, policy, within=True)


_USERS_WORD, _SERVERS_WORD = "'user_metadata'", "'app_metadata'"
_MEMBERS = """
            create table public.teams (id uuid primary key default gen_random_uuid(), name text);
            create table public.members (team_id uuid not null references public.teams, user_id uuid not null,
              primary key (team_id, user_id));
            create table public.plans (id bigint primary key, team_id uuid not null references public.teams, body text);
            alter table public.teams enable row level security;
            alter table public.members enable row level security;
            alter table public.plans enable row level security;
            create policy "own memberships" on public.members for select to authenticated
              using (user_id = (select auth.uid()));
            create policy "the team" on public.plans to authenticated
              using (team_id in (select m.team_id from public.members m where m.user_id = (select auth.uid())));"""
_REPORTS = """
            create table public.reports (id bigint primary key, user_id uuid not null, body text, public boolean);
            alter table public.reports enable row level security;
            insert into public.reports values (1, gen_random_uuid(), 'a', true), (2, gen_random_uuid(), 'b', false);"""

RULE = Rule(
    id="beyond-intent",
    severity=Severity.CRITICAL,
    summary="Somebody reaches rows further than was meant, by policies that say so.",
    why=(
        "Every policy may look right by itself. Together, or against what you declared, they let somebody read or "
        "write rows that are not meant for them: a condition on the row's content that strangers' rows meet, a value "
        "that the client writes into its own profile, two policies of which the second undoes the first. Or in two "
        "steps: whoever may put itself into the table of members, or set its own role, passes every policy that asks "
        "for that row."
    ),
    fix=(
        "Compare the matrix with what you mean. Narrow the policy that is named, or make it restrictive. Roles and "
        "tenants belong into app_metadata or a table that users cannot write, never into user_metadata."
    ),
    fine=(
        'Rows that are meant for everybody, `published = true`. Declare them, with `select = "some"`, and the finding '
        "is gone; as long as nothing is declared, reading such rows is a medium finding."
    ),
    bad=(
        Example(
            "A role that users give themselves",
            f"""{_REPORTS}
            create policy "staff" on public.reports for select to authenticated
              using ((select auth.jwt()) -> 'user_metadata' ->> 'role' = 'staff');
            """,
        ),
        Example(
            "A membership that one gives oneself",
            f"""{_MEMBERS}
            create policy "join" on public.members for insert to authenticated
              with check (user_id = (select auth.uid()));
            """,
        ),
        Example(
            "An admin by one's own hand",
            """
            create table public.profiles (id uuid primary key references auth.users, nick text,
              is_admin boolean not null default false);
            create table public.audits (id bigint primary key, body text);
            alter table public.profiles enable row level security;
            alter table public.audits enable row level security;
            create policy "own" on public.profiles for select to authenticated using (id = (select auth.uid()));
            create policy "edit" on public.profiles for update to authenticated using (id = (select auth.uid()));
            create policy "admins" on public.audits to authenticated using (exists (
              select from public.profiles p where p.id = (select auth.uid()) and p.is_admin));
            """,
        ),
        Example(
            "Strangers change what is public",
            f"""{_REPORTS}
            create policy "own" on public.reports for update to authenticated using ((select auth.uid()) = user_id);
            create policy "edit public ones" on public.reports for update to authenticated using (public = true);
            """,
        ),
        Example(
            "The bucket, and nothing else",
            """
            insert into storage.buckets (id, name) values ('contracts', 'contracts');
            create policy "replace" on storage.objects for update to authenticated using (bucket_id = 'contracts');
            """,
        ),
        Example(
            "Published rows: medium, for it may be meant",
            f"""{_REPORTS}
            create policy "published" on public.reports for select using (public);
            """,
        ),
    ),
    good=(
        Example(
            "Own rows",
            f"""{_REPORTS}
            create policy "own" on public.reports to authenticated
              using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
            """,
        ),
        Example(
            "Memberships that somebody else gives",
            _MEMBERS,
        ),
        Example(
            "An admin that the columns' grants keep",
            """
            create table public.profiles (id uuid primary key references auth.users, nick text,
              is_admin boolean not null default false);
            create table public.audits (id bigint primary key, body text);
            alter table public.profiles enable row level security;
            alter table public.audits enable row level security;
            create policy "own" on public.profiles for select to authenticated using (id = (select auth.uid()));
            create policy "edit" on public.profiles for update to authenticated using (id = (select auth.uid()));
            revoke update on public.profiles from anon, authenticated;
            grant update (nick) on public.profiles to authenticated;
            create policy "admins" on public.audits to authenticated using (exists (
              select from public.profiles p where p.id = (select auth.uid()) and p.is_admin));
            """,
        ),
        Example(
            "A role that the server gives",
            f"""{_REPORTS}
            create policy "staff" on public.reports for select to authenticated
              using ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'staff');
            """,
        ),
        Example(
            "Two conditions that must both hold",
            f"""{_REPORTS}
            create policy "published" on public.reports for select to authenticated using (public);
            create policy "own" on public.reports as restrictive for select using ((select auth.uid()) = user_id);
            """,
        ),
        Example(
            "A folder for each user",
            """
            insert into storage.buckets (id, name) values ('portfolio', 'portfolio');
            create policy "own folder" on storage.objects to authenticated
              using (bucket_id = 'portfolio' and (storage.foldername(name))[1] = (select auth.uid())::text)
              with check (bucket_id = 'portfolio' and (storage.foldername(name))[1] = (select auth.uid())::text);
            """,
        ),
    ),
    check=check,
    last=True,
)
