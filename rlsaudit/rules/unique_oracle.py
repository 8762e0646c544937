"""unique-oracle: a unique key over private data tells whoever writes whether somebody has the value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rlsaudit.model import ObjectRef, Operation, Reach, Severity
from rlsaudit.names import ident
from rlsaudit.rules.asked import asked_as, holds_on
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.clients import protected_tables
from rlsaudit.rules.columns import without_columns
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Column, Relation
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case

_UNIQUE = frozenset("pu")
_RANDOM = re.compile("token|hash|secret|password|key|jwt|stripe")


def check(case: Case) -> Iterator[Found]:
    """Yields private columns with a unique key of their own that a persona writes, and of which it reads not all."""
    for relation in protected_tables(case):
        for column in case.catalog.columns[relation.oid]:
            key = _key(case, relation, column)
            if not key or not can_be_guessed(case, relation, column):
                continue
            ways = {one.name: operation for one in case.personas if (operation := tries(case, one, relation, column))}
            hidden = [one for one in case.personas if one.name in ways and _is_hidden(case, one, relation)]
            if hidden:
                yield _found(case, relation, column, key, hidden, ways[hidden[0].name])


def can_be_guessed(case: Case, relation: Relation, column: Column) -> bool:
    """Whether the column holds private data of which one may try values: nobody comes upon a token that way."""
    return bool(case.sensitive(relation, [column.name])) and _RANDOM.search(column.name.lower()) is None


def tries(case: Case, persona: Persona, relation: Relation, column: Column) -> Operation | None:
    """Returns by which statement the persona surely writes values of its own choice into the column, if by any."""
    role = case.role(persona).oid
    for operation in (Operation.INSERT, Operation.UPDATE):
        cell = case.cell(persona, relation, operation)
        granted = case.access.on_column(role, relation, column, operation.value.upper())
        if cell is not None and cell.at_least is not Reach.NONE and granted and not column.generated:
            return operation
    return None


def _key(case: Case, relation: Relation, column: Column) -> str:
    """What keeps the column's values apart, in words: a constraint or an index on it alone; empty if nothing does."""
    alone = (column.number,)
    for one in case.catalog.constraints[relation.oid]:
        if one.kind in _UNIQUE and one.columns == alone:
            return ident(one.name)
    return "a unique index" if any(one.columns == alone for one in case.catalog.unique_indexes[relation.oid]) else ""


def _is_hidden(case: Case, persona: Persona, relation: Relation) -> bool:
    cell = case.cell(persona, relation, Operation.SELECT)
    return cell is not None and cell.at_most < Reach.ALL


def _found(
    case: Case, relation: Relation, column: Column, key: str, personas: list[Persona], operation: Operation
) -> Found:
    identity, name = case.catalog.identity(relation), ident(column.name)
    privilege = operation.value.upper()
    return Found(
        finding(
            RULE,
            ObjectRef("column", f"{identity}.{name}"),
            Who(personas[0].name, operation.value, Reach.SOME, Reach.OWN),
            title=f"Whoever writes {identity} learns whether somebody has a {name}",
            message=(
                f"{listed([one.name for one in personas])} may {operation.value} {name}, and {key} "
                "refuses what is taken, by rows too that policies hide: each try tells whether somebody has the value."
            ),
            evidence=asked_as(
                case,
                personas[0],
                holds_on(case, relation, privilege, columns=True),
                "granted; the key looks at all rows",
            ),
            fix=(
                "-- Keep clients from writing it, and let a function that may say no write it:\n"
                f"{without_columns(case, relation, operation, [column.name], personas)}"
            ),
            relations=[identity],
        )
    )


_PEOPLE = """
            create table public.people (id uuid primary key, nick text unique, email text{unique});
            alter table public.people enable row level security;
            create policy own on public.people for select to authenticated using ((select auth.uid()) = id);"""
_JOIN = """
            create policy join_in on public.people for insert to authenticated with check ((select auth.uid()) = id);"""

RULE = Rule(
    id="unique-oracle",
    severity=Severity.LOW,
    summary="A unique key over private data tells whoever writes to the table whether somebody has a value.",
    why=(
        "A unique key looks at every row, whatever policies hide. Whoever may put in a row of his own tries an "
        "address: refused means that somebody has it, and with `ON CONFLICT DO NOTHING` it makes no noise. That is how "
        "lists of addresses are checked for customers of a clinic."
    ),
    fix=(
        "Let a function write the column that answers the same in both cases, or leave the address where it is unique "
        "anyway, in auth.users. A salted hash of it may be unique instead."
    ),
    fine=(
        "Where everybody may know, as with a name to log in by. It tells yes or no, one value at a time, so the level "
        "is low; tokens, hashes and keys, upon which nobody comes by trying, are no finding."
    ),
    bad=(
        Example("An address, put in by its owner", _PEOPLE.format(unique=" unique") + _JOIN),
        Example(
            "By an index",
            f"""{_PEOPLE.format(unique="")}{_JOIN}
            create unique index people_email on public.people (email);
            """,
        ),
        Example(
            "Changed by its owner",
            f"""{_PEOPLE.format(unique=" unique")}
            create policy edit on public.people for update to authenticated using ((select auth.uid()) = id);
            """,
        ),
    ),
    good=(
        Example("The address is not unique", _PEOPLE.format(unique="") + _JOIN),
        Example("Nobody but the server writes", _PEOPLE.format(unique=" unique")),
        Example(
            "A value that is drawn at random",
            """
            create table public.links (id uuid primary key, user_id uuid, share_token text unique);
            alter table public.links enable row level security;
            create policy own on public.links to authenticated
              using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
            """,
        ),
        Example(
            "The column is not granted",
            f"""{_PEOPLE.format(unique=" unique")}{_JOIN}
            revoke insert on public.people from anon, authenticated;
            grant insert (id, nick) on public.people to authenticated;
            """,
        ),
    ),
    check=check,
)
