"""A view that is a plain filter, and views below it that are, down to one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.policy.formula import Formula
    from rlsaudit.policy.scalar import Column


@dataclass(frozen=True, slots=True)
class Chain:
    """A view that is a plain filter, down to its base table.

    `filters` is what all its views ask of a row, `role` who the table's policies are for, `stored` whether a
    materialized view is on the way. `columns` are the view's columns as values of the table's row. `links` are the
    views on the way, outermost first; `sure` is whether a row that passes the filters is surely shown, `only` whether
    rows of the table's partitions and children are left out.
    """

    base: Relation
    role: int
    filters: Formula
    stored: bool
    columns: Mapping[str, Column]
    links: tuple[Link, ...] = ()
    sure: bool = True
    only: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """One view of a chain, with the role that addresses it, its own filter, and its columns by name."""

    view: Relation
    caller: int
    where: Formula
    columns: Mapping[str, Column]


def enforced(chain: Chain) -> Iterator[Formula]:
    """The filters that check options make new rows pass: a cascaded one those of all views below as well."""
    cascaded = False
    for link in chain.links:
        options = dict(option.partition("=")[::2] for option in link.view.options)
        option = options.get("check_option", "")
        cascaded |= option == "cascaded"
        if cascaded or option:
            yield link.where
