"""Statements that reach for rows without saying which, so that only the policies of their own kind are asked.

An UPDATE or DELETE that reads a column is asked for the SELECT policies as well (`get_row_security_policies`,
src/backend/rewrite/rowsecurity.c). One without any condition changes all rows or, where a single new row is
refused, none. So a condition that reads no column lets one row through, the n-th of those that the policies let pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.names import ident, text_or_null
from rlsaudit.probe.request import COUNTER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MOST_SEEN = 1_000

# A condition that reads no column and costs next to nothing may be asked before the policies' own
# (`order_qual_clauses`, src/backend/optimizer/plan/createplan.c): the zeros make it cost enough.
_ZEROS = " operator(pg_catalog.+) 0" * 13
_NTH = (
    "pg_catalog.set_config('{counter}', ((pg_catalog.current_setting('{counter}')::pg_catalog.int4"
    " operator(pg_catalog.+) 1{zeros})::pg_catalog.text), true) operator(pg_catalog.=) '{nth}'"
)


def update(name: str, column: str, value: str | None) -> str:
    """Returns an UPDATE of a relation (its quoted name) that sets a column to a value, given as its text form."""
    return f"update {name} set {ident(column)} = {text_or_null(value)}"


def delete(name: str) -> str:
    """Returns a DELETE from a relation (its quoted name)."""
    return f"delete from {name}"


def nth_row(nth: int) -> str:
    """Returns the condition that lets one row through, to stand behind an UPDATE or DELETE; `nth` counts from 1."""
    return f" where {_NTH.format(counter=COUNTER, zeros=_ZEROS, nth=nth)}"


def in_keys(columns: Sequence[str], rows: Iterable[Mapping[str, str | None]]) -> str:
    """Returns a condition that is true for rows with the keys of these, given as texts by column."""
    keys = ", ".join(f"{ident(one)}::pg_catalog.text" for one in columns)
    values = ", ".join(f"({', '.join(text_or_null(row[one]) for one in columns)})" for row in rows)
    return f"({keys}) in ({values})"


def insert(name: str, values: Mapping[str, str | None], *, overriding: bool) -> str:
    """Returns an INSERT of one row; `overriding` where an identity column is among those given."""
    if not values:
        return f"insert into {name} default values"
    columns = ", ".join(ident(one) for one in values)
    given = ", ".join(text_or_null(one) for one in values.values())
    return f"insert into {name} ({columns}){' overriding system value' if overriding else ''} values ({given})"


def upsert(
    name: str,
    values: Mapping[str, str | None],
    keys: Sequence[str],
    column: str,
    value: str | None,
    *,
    overriding: bool,
) -> str:
    """Returns an INSERT of one row that sets a column of the one that has its key instead, where there is one."""
    taken = ", ".join(map(ident, keys))
    put = insert(name, values, overriding=overriding)
    return f"{put} on conflict ({taken}) do update set {ident(column)} = {text_or_null(value)}"


def row_as_it_is(name: str, key: Mapping[str, str | None]) -> str:
    """Returns a query whose answer changes with the row of a relation (its quoted name) that has the key."""
    return f"select pg_catalog.md5(x::pg_catalog.text) from {name} as x where {in_keys(list(key), [key])}"


def contents(name: str, column: str) -> str:
    """Returns a query whose answer changes with what stands in a column of a relation (its quoted name)."""
    text = f"pg_catalog.md5(x.{ident(column)}::pg_catalog.text)"
    told = f"pg_catalog.string_agg({text}, '' order by {text})"
    return f"select pg_catalog.md5({told}) from (select * from {name} limit {MOST_SEEN}) as x"


def how_many(name: str) -> str:
    """Returns a query that counts the rows of a relation (its quoted name), as far as it looks."""
    return f"select pg_catalog.count(*) from (select from {name} limit {MOST_SEEN}) as x"


def written(name: str, values: Mapping[str, str | None]) -> str:
    """Returns a query that counts the rows of a relation (its quoted name) that hold these values, given as texts."""
    same = " and ".join(
        f"x.{ident(column)} is null"
        if value is None
        else f"x.{ident(column)}::pg_catalog.text operator(pg_catalog.=) {text_or_null(value)}"
        for column, value in values.items()
    )
    return f"select pg_catalog.count(*) from {name} as x where {same}"
