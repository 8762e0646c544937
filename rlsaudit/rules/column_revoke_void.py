"""column-revoke-void: columns are granted one by one, to a role that holds the privilege on the whole table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.catalog.facts import PUBLIC
from rlsaudit.catalog.platform import Platform
from rlsaudit.model import Operation, Reach, Severity
from rlsaudit.names import ident
from rlsaudit.rules.asked import asked_as, holds_on
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Cell, Persona
    from rlsaudit.rules.case import Case
    from rlsaudit.rules.rule import CellKey

_OPERATIONS = (Operation.SELECT, Operation.UPDATE, Operation.INSERT)
_DOES = {Operation.SELECT: "read", Operation.UPDATE: "change", Operation.INSERT: "set"}


@dataclass(frozen=True, slots=True)
class _Void:
    """A grant of some columns, `granted`, that keeps the persona from none of the `others`."""

    persona: Persona
    cell: Cell
    granted: tuple[str, ...]
    others: tuple[str, ...]


def check(case: Case) -> Iterator[Found]:
    """Yields tables of which columns are granted in vain, where a persona reaches rows."""
    for relation in case.exposed:
        # Where row-level security is off, or cannot be, rows are told to be open, whatever the columns.
        if relation.kind not in "rpv" or relation.extension is not None or (relation.kind != "v" and not relation.rls):
            continue
        if case.is_platforms(case.catalog.schema_name(relation)):
            continue
        void = [one for persona in case.personas for one in _void(case, persona, relation)]
        if void:
            yield _found(case, relation, void)


def _void(case: Case, persona: Persona, relation: Relation) -> Iterator[_Void]:
    role = case.role(persona).oid
    columns = [one for one in case.catalog.columns[relation.oid] if not one.generated]
    for operation in _OPERATIONS:
        cell = case.cell(persona, relation, operation)
        privilege = operation.value.upper()
        if cell is None or cell.at_least is Reach.NONE or not case.access.on_table(role, relation, privilege):
            continue
        mine = case.access.roles.inherited(role)
        granted = [
            one.name
            for one in columns
            if any(grant.privilege == privilege and grant.grantee in mine for grant in one.acl)
        ]
        others = [one.name for one in columns if one.name not in granted]
        if granted and others:
            yield _Void(persona, cell, tuple(granted), tuple(others))


def _found(case: Case, relation: Relation, void: list[_Void]) -> Found:
    identity = case.catalog.identity(relation)
    first = max(void, key=lambda one: _severity(case, relation, one))
    operations = list(dict.fromkeys(one.cell.operation for one in void))
    privilege = first.cell.operation.value.upper()
    said = [
        f"{_DOES[operation]} {listed(list(dict.fromkeys(name for one in group for name in one.others)))}"
        for operation in operations
        if (group := [one for one in void if one.cell.operation is operation])
    ]
    return Found(
        finding(
            RULE,
            case.ref(relation),
            Who(
                first.persona.name,
                operations[0].value if len(operations) == 1 else "all",
                first.cell.at_least,
                first.cell.intended,
            ),
            title=f"Grants of columns keep nobody from the other columns of {identity}",
            message=(
                f"{listed(list(dict.fromkeys(one.persona.name for one in void)))} may {listed(said)} as well: columns "
                f"of {identity} are granted one by one, and the privilege on the whole table is still there."
            ),
            evidence=asked_as(case, first.persona, holds_on(case, relation, privilege), "granted on the whole table"),
            fix="\n".join(line for one in operations for line in _fix(case, relation, one, void)),
            relations=[identity],
            severity=max(_severity(case, relation, one) for one in void),
        ),
        frozenset(
            key for one in void if one.cell.operation is Operation.UPDATE for key in _led_by(case, relation, one)
        ),
    )


def _severity(case: Case, relation: Relation, void: _Void) -> Severity:
    if void.cell.operation is Operation.UPDATE:
        return Severity.HIGH
    shows = void.cell.operation is Operation.SELECT and void.cell.at_least >= Reach.SOME
    return Severity.HIGH if shows and case.sensitive(relation, void.others, void.cell) else Severity.MEDIUM


def _led_by(case: Case, relation: Relation, void: _Void) -> Iterator[CellKey]:
    """The cells that a chain opens which begins by changing the other columns."""
    if void.cell.operation is not Operation.UPDATE:
        return
    for (name, oid, operation), steps in case.matrix.steps.items():
        cell = case.cell(void.persona, case.catalog.relations[oid], operation)
        first = steps[0] if steps else None
        if name != void.persona.name or first is None or first.relation != relation.oid or first.inserts:
            continue
        if first.function:
            continue
        if cell is not None and cell.at_least <= cell.intended and set(first.columns) & set(void.others):
            yield name, cell.relation, operation


def _fix(case: Case, relation: Relation, operation: Operation, void: list[_Void]) -> Iterator[str]:
    """To revoke a privilege on a table takes those on its columns away as well, so they are granted again."""
    identity, verb = case.catalog.identity(relation), operation.value
    personas = [one.persona for one in void if one.cell.operation is operation]
    holders = case.holders(personas, relation.acl, verb.upper())
    yield f"revoke {verb} on {identity} from {', '.join(holders)};"
    again: dict[str, list[str]] = {}
    for column in case.catalog.columns[relation.oid]:
        for grant in column.acl:
            if grant.privilege == verb.upper():
                again.setdefault(_grantee(case, grant.grantee), []).append(ident(column.name))
    for grantee, columns in again.items():
        if grantee in holders:
            yield f"grant {verb} ({', '.join(columns)}) on {identity} to {grantee};"


def _grantee(case: Case, oid: int) -> str:
    return "public" if oid == PUBLIC else ident(case.access.name(oid))


_PROFILES = """
            create table public.profiles (id uuid primary key, nick text, phone text, plan text default 'free');
            alter table public.profiles enable row level security;"""
_READABLE = """
            create policy "signed in" on public.profiles for select to authenticated using (nick is not null);"""
_OWN = """
            create policy own on public.profiles to authenticated
              using ((select auth.uid()) = id) with check ((select auth.uid()) = id);"""

RULE = Rule(
    id="column-revoke-void",
    severity=Severity.HIGH,
    summary="Columns are granted one by one to a role that holds the privilege on the whole table anyway.",
    why=(
        "A privilege on a table is one on all of its columns, now and later. To grant some columns takes nothing away, "
        "and neither does revoking one: Postgres runs `revoke select (phone) …` without a word, and nothing changes "
        "while the grant on the table is there. Whoever looks at the migration believes that the other columns are "
        "kept back; by default privileges they are not. A REVOKE of columns alone leaves no trace in the catalog, so "
        "only the columns that were granted tell."
    ),
    fix="Revoke the privilege on the table first, then grant the columns. New columns are closed from then on.",
    fine=(
        "Where the grants of columns are left over, and every column may be reached. Take them away, so that nobody is "
        "misled."
    ),
    bad=(
        Example(
            "What users may change of their own row",
            f"""{_PROFILES}{_OWN}
            grant update (nick) on public.profiles to authenticated;
            """,
        ),
        Example(
            "What others may see",
            f"""{_PROFILES}{_READABLE}
            grant select (id, nick) on public.profiles to authenticated;
            """,
        ),
        Example(
            "On plain Postgres, through PUBLIC",
            """
            create table public.staff (id bigint primary key, login name, phone text, salary numeric);
            alter table public.staff enable row level security;
            create policy named on public.staff for select using (login is not null);
            grant select on public.staff to public;
            grant select (id, login) on public.staff to desk_app;
            """,
            platform=Platform.POSTGRES,
            roles=("desk_app",),
            also=("beyond-intent",),
        ),
    ),
    good=(
        Example(
            "The table is revoked first",
            f"""{_PROFILES}{_OWN}
            revoke update on public.profiles from anon, authenticated;
            grant update (nick) on public.profiles to authenticated;
            """,
        ),
        Example("No column is granted by itself", _PROFILES + _OWN),
        Example(
            "Every column is granted by itself",
            f"""{_PROFILES}{_OWN}
            grant update (id, nick, phone, plan) on public.profiles to authenticated;
            """,
        ),
        Example(
            "Granted, though no policy lets anybody change a row",
            f"""{_PROFILES}
            create policy own on public.profiles for select to authenticated using ((select auth.uid()) = id);
            grant update (nick) on public.profiles to authenticated;
            """,
        ),
    ),
    check=check,
)
