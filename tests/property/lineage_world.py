"""Tables of which every value tells where it stands, and the means to look for these values in what a view shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rlsaudit.catalog import Catalog, take
from rlsaudit.names import ident, literal
from rlsaudit.policy.body import body_of
from rlsaudit.reach.origins import Origins

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.connect import Session
    from rlsaudit.reach.origins import Origin, TableColumn

TEXTS: Mapping[str, tuple[str, ...]] = {
    's."People"': ("name", "email", 'pho"ne', "Ré.sumé"),
    "s.orders": ("buyer", "item", "note"),
    "s.secrets": ("word", "hint", "name"),
}
"""The columns of each table that hold texts; the name of one is in two tables."""
OTHERS = ("tags", "doc", "place")
"""Each table's columns that have a text within."""
ROWS = 3
_TOKEN = re.compile(r"q\d+z\d+z\d+q")


def token(table: str, column: str, row: int) -> str:
    """The value of a column in a row, of letters that `lower` leaves as they are."""
    return f"q{list(TEXTS).index(table)}z{(*TEXTS[table], *OTHERS).index(column)}z{row}q"


def _made(table: str) -> Iterator[str]:
    columns = "".join(f", {ident(one)} text" for one in TEXTS[table])
    yield f"create table {table} (id int primary key, amount int, tags text[], doc jsonb, place s.place{columns})"
    for row in range(ROWS):
        texts = [literal(token(table, one, row)) for one in TEXTS[table]]
        tag, doc, street = (literal(token(table, one, row)) for one in OTHERS)
        yield (
            f"insert into {table} values ({row}, {row}, array[{tag}], jsonb_build_object('k', {doc}),"
            f" row({street}, 'x')::s.place, {', '.join(texts)})"
        )


SKELETON = ";\n".join(
    [
        "create schema s",
        "create type s.place as (street text, town text)",
        *(statement for table in TEXTS for statement in _made(table)),
        """
        create function s.told(int) returns text language sql stable security definer set search_path = ''
          as 'select word from s.secrets where id = $1';
        create function s.all_secrets() returns setof s.secrets language sql stable security definer
          set search_path = ''
          as 'select * from s.secrets';
        create function s.twice(text) returns text language sql immutable as 'select $1 || $1';
        create aggregate s.sum(text) (sfunc = textcat, stype = text)
        """,
    ]
)


def identity(table: str, column: str) -> str:
    """A column in short: `People.email`."""
    return f"{_unquoted(table)}.{column}"


def _unquoted(table: str) -> str:
    return table.removeprefix("s.").strip('"')


def tokens_in(text: str) -> set[str]:
    """Returns the columns whose values are in a text, wherever it has them from."""
    found: set[str] = set()
    for one in _TOKEN.finditer(text.lower()):
        number, place, _ = one[0].strip("q").split("z")
        table = list(TEXTS)[int(number)]
        found.add(identity(table, (*TEXTS[table], *OTHERS)[int(place)]))
    return found


def seen(session: Session, view: str, columns: Iterable[str]) -> dict[str, set[str]]:
    """Returns for each column of a view whose values the server shows in it."""
    return {
        column: {
            one
            for (text,) in session.execute(f"select {ident(column)}::text from {view}")
            for one in tokens_in(text or "")
        }
        for column in columns
    }


def origins_of(session: Session, view: str) -> tuple[Catalog, Mapping[str, Origin]]:
    """Returns what is said of the view's columns."""
    catalog = Catalog(take(session))
    schema, name = view.split(".")
    return catalog, Origins(catalog, body_of).of_all(catalog.relations_by_name[schema, name.strip('"')])


def in_short(catalog: Catalog, columns: Iterable[TableColumn]) -> set[str]:
    """Columns of tables as `identity` writes them."""

    def table(oid: int) -> Relation:
        return catalog.relations[oid]

    return {f"{table(oid).name}.{column}" for oid, column in columns}
