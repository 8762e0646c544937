"""Statements that put a made-up row in, or find one that is there, and return it as the server stored it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.names import ident, literal, text_or_null

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rlsaudit.probe.rows.draft import Draft, Wish
    from rlsaudit.probe.rows.table import Table


def insert(table: Table, draft: Draft) -> str:
    """Returns an INSERT of a draft that returns the row as it was stored."""
    if not draft.values:
        return f"insert into {table.identity} default values returning {_returning(table)}"
    names = ", ".join(_name(table, number) for number in draft.values)
    texts = ", ".join(text_or_null(text) for text in draft.values.values())
    return (
        f"insert into {table.identity} ({names}) overriding system value values ({texts}) returning {_returning(table)}"
    )


def find(table: Table, draft: Draft, wish: Wish, *, updating: bool) -> str | None:
    """Returns what finds the row that has the draft's key, and makes one differ that is to; None where it has none."""
    every = [where for unique in table.unique if (where := key_of(table, draft.values, unique)) is not None]
    if not every:
        return None
    tied = (key_of(table, draft.values, one) for one in table.unique if _is_tied(one, table, draft))
    lone = next((where for where in tied if where is not None), None)
    if wish.varied is not None and lone and updating and not any(wish.varied[0] in unique for unique in table.unique):
        return fill(table, dict([wish.varied]), lone)
    if wish.n and (wish.varied is None or not any(wish.varied[0] in unique for unique in table.unique)):
        # What was there is no row more.
        return None
    return f"select {_returning(table)} from {table.identity} where {' or '.join(every)} limit 1"


def fill(table: Table, found: Mapping[int, str | None], where: str) -> str:
    """Returns an UPDATE that sets columns of the row that a condition tells, and returns it as it was stored."""
    set_to = ", ".join(f"{_name(table, one)} = {text_or_null(text)}" for one, text in found.items())
    return f"update {table.identity} set {set_to} where {where} returning {_returning(table)}"


def _is_tied(unique: Sequence[int], table: Table, draft: Draft) -> bool:
    """Whether a key points at other rows as a whole, so that a trigger that made them may have made this one."""
    return all(any(number in key.columns for key in table.keys) for number in unique) and all(
        draft.values.get(number) is not None for number in unique
    )


def key_of(table: Table, values: Mapping[int, str | None], unique: Sequence[int]) -> str | None:
    """Returns the condition that a row has these values in a key; None where one of them is not there."""
    if any(values.get(number) is None for number in unique):
        return None
    return " and ".join(f"{_name(table, one)} operator(pg_catalog.=) {text_or_null(values[one])}" for one in unique)


def _returning(table: Table) -> str:
    names = ", ".join(literal(one).strip() for one in ("", *(column.name for column in table.columns.values())))
    texts = ", ".join(
        (
            "tableoid::pg_catalog.oid::pg_catalog.text",
            *(f"{ident(column.name)}::pg_catalog.text" for column in table.columns.values()),
        )
    )
    kind = "pg_catalog.text[]"
    return f"pg_catalog.jsonb_object(array[{names}]::{kind}, array[{texts}]::{kind})::pg_catalog.text"


def _name(table: Table, number: int) -> str:
    return ident(table.columns[number].name)
