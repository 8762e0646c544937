"""owner-bypass: a role that clients have owns tables, and so their policies do not bind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import ObjectRef, Severity
from rlsaudit.names import ident, remark
from rlsaudit.rules.build import finding, worst
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed, who_can

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Cell
    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields for each owner the tables that personas reach further than intended for the sake of owning them."""
    owned: dict[int, list[tuple[Relation, list[Cell]]]] = {}
    for relation in case.exposed:
        cells = [one for one in case.beyond(relation) if _owns(case, relation, one)]
        if cells and relation.extension is None:
            owned.setdefault(relation.owner, []).append((relation, cells))
    for owner, tables in owned.items():
        yield _found(case, owner, tables)


def _owns(case: Case, relation: Relation, cell: Cell) -> bool:
    """Whether row-level security is on and does not bind the role of a cell's persona, because it owns the table."""
    role = case.role(case.persona(cell.persona))
    bound = case.access.rls_applies(role.oid, relation)
    return relation.kind in "rp" and relation.rls and not bound and not (role.bypass_rls or role.superuser)


def _is_declared(case: Case, cell: Cell) -> bool:
    """Whether the owner of the database said how far the persona may get here."""
    return case.intent.declared(cell.persona, cell.relation, cell.operation, role=cell.role)


def _forced(case: Case, relation: Relation) -> str:
    """Where no policy lets anybody in, to force it would shut its owner out: that is left to do by hand."""
    forced = f"alter table {case.catalog.identity(relation)} force row level security;"
    if any(one.permissive for one in case.catalog.policies[relation.oid]):
        return forced
    return remark("Once a policy says who may:", forced)


def _found(case: Case, owner: int, tables: list[tuple[Relation, list[Cell]]]) -> Found:
    relations = [relation for relation, _ in tables]
    identities = [case.catalog.identity(one) for one in relations]
    first, cells = tables[0]
    # What can be read shows best what is open.
    read = (one for one in tables if case.read_evidence(case.persona(one[1][0].persona), one[0]) is not None)
    of, some = next(read, (first, cells))
    personas = list(dict.fromkeys(one.persona for _, group in tables for one in group))
    name = ident(case.access.name(owner))
    more = f"{len(tables)} tables" if len(tables) > _MOST_NAMED else listed(identities)
    return Found(
        finding(
            RULE,
            ObjectRef("role", name),
            worst(cells),
            title=f"Policies do not bind {name}, which owns the tables",
            message=(
                f"{who_can(cells)} of {identities[0]}: row-level security is not forced on owners. "
                f"{listed(personas)} {'owns' if len(personas) == 1 else 'own'} {more}."
            ),
            evidence=case.evidence(some, of),
            fix="\n".join(_forced(case, one) for one in relations),
            relations=identities,
            severity=Severity.HIGH if any(_is_declared(case, one) for _, group in tables for one in group) else None,
        ),
        case.claims([], [one for _, group in tables for one in group]),
    )


_MOST_NAMED = 5
_NOTES = """
            create table public.notes (id bigint primary key, owner name not null, body text);
            alter table public.notes enable row level security;
            create policy own on public.notes using (owner = current_user) with check (owner = current_user);
            insert into public.notes values (1, 'somebody', 'hello');"""

RULE = Rule(
    id="owner-bypass",
    severity=Severity.MEDIUM,
    summary="A role that clients have owns tables with policies, which do not bind owners.",
    why=(
        "Row-level security leaves the owner of a table alone, and whoever inherits from it, unless it is forced. "
        "Where an application connects as the role that ran its migrations, every policy is written and none is asked: "
        "one missing WHERE, or one injection, shows all tenants. Nothing tells, for the tests run as that role too."
    ),
    fix=(
        "Best let the application connect as another role, which owns nothing. Or force row-level security: then "
        "policies bind the owner as well, and also functions with the owner's rights, of which some may rely on seeing "
        "every row. Look at those first."
    ),
    fine=(
        "A role for migrations and maintenance that no client has. Name the roles that clients have by `--role`, or "
        "declare in the intent file that it reaches every row."
    ),
    bad=(
        Example(
            "The application owns the table",
            f"""{_NOTES}
            alter table public.notes owner to notes_app;
            """,
            platform=Platform.POSTGRES,
            roles=("notes_app",),
        ),
        Example(
            "It inherits from the owner",
            f"""{_NOTES}
            create table public.drafts (id bigint primary key, owner name not null);
            alter table public.drafts enable row level security;
            alter table public.notes owner to notes_owner;
            alter table public.drafts owner to notes_owner;
            grant notes_owner to notes_app;
            """,
            platform=Platform.POSTGRES,
            roles=("notes_app", "notes_owner"),
        ),
    ),
    good=(
        Example(
            "Forced",
            f"""{_NOTES}
            alter table public.notes owner to notes_app;
            alter table public.notes force row level security;
            """,
            platform=Platform.POSTGRES,
            roles=("notes_app",),
        ),
        Example(
            "Somebody else owns it",
            f"""{_NOTES}
            grant select, insert, update, delete on public.notes to notes_app;
            """,
            platform=Platform.POSTGRES,
            roles=("notes_app",),
        ),
        Example(
            "Supabase's clients own nothing",
            """
            create table public.notes (id bigint primary key, user_id uuid not null, body text);
            alter table public.notes enable row level security;
            create policy own on public.notes to authenticated
              using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
            """,
        ),
    ),
    check=check,
)
