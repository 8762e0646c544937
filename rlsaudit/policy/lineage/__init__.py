"""Where the values of a view's columns come from: `contact` is `auth.users.email`, however it is called.

What only decides which rows there are, or in which order (WHERE, JOIN, GROUP BY, an aggregate's FILTER, a window), is
no part of it, nor what is only counted or summed up. What is not understood is None, never nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.policy.lineage.shown import BaseColumn, Shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rlsaudit.policy.lineage.sources import ColumnsOf

__all__ = ["BaseColumn", "Shown", "lineage_of"]


def lineage_of(sql: str, outputs: Sequence[str], columns_of: ColumnsOf) -> Mapping[str, Shown | None]:
    """Returns for each output of a query which columns, of the relations that it reads itself, its values come from.

    Args:
        sql: One SELECT as `pg_get_viewdef` writes it with an empty search_path: a name without a schema is
            pg_catalog's.
        outputs: The names of its output columns, in order.
        columns_of: Gives the columns of a relation, (schema, name), in order; None where it is not known.

    Returns:
        By output; None where it is not known: it may show any column of any relation that the query reads.
    """
    # Importing sqlglot takes half a second, and most commands need no lineage.
    from rlsaudit.policy.lineage.resolve import resolve  # noqa: PLC0415

    found = resolve(sql, columns_of)
    if found is None or len(found) != len(outputs):
        return dict.fromkeys(outputs)
    return dict(zip(outputs, found, strict=True))
