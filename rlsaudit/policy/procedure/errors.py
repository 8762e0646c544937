"""Error codes, as far as handlers name them: https://www.postgresql.org/docs/current/errcodes-appendix.html."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

RAISED = "P0001"
NO_DATA = "P0002"
ASSERTION = "P0004"
CASE_NOT_FOUND = "20000"
_CODE = re.compile(r"[0-9A-Z]{5}")
_CODES = {
    "assert_failure": ASSERTION,
    "case_not_found": CASE_NOT_FOUND,
    "check_violation": "23514",
    "division_by_zero": "22012",
    "duplicate_object": "42710",
    "foreign_key_violation": "23503",
    "insufficient_privilege": "42501",
    "integrity_constraint_violation": "23000",
    "invalid_authorization_specification": "28000",
    "invalid_parameter_value": "22023",
    "invalid_text_representation": "22P02",
    "no_data_found": NO_DATA,
    "not_null_violation": "23502",
    "numeric_value_out_of_range": "22003",
    "query_canceled": "57014",
    "raise_exception": RAISED,
    "too_many_rows": "P0003",
    "undefined_column": "42703",
    "undefined_function": "42883",
    "undefined_table": "42P01",
    "unique_violation": "23505",
}
_NOT_OTHERS = frozenset({ASSERTION, "57014"})


def code(condition: str) -> str | None:
    """Returns the code that a condition's name or code stands for, None where the name is not among those here."""
    return condition if _CODE.fullmatch(condition) else _CODES.get(condition.lower())


def catches(conditions: Sequence[str], sqlstate: str | None) -> bool | None:
    """Returns whether a handler of these conditions takes an error, None where that is not known."""
    answers = [_catches(one, sqlstate) for one in conditions]
    return True if True in answers else None if None in answers else False


def _catches(condition: str, sqlstate: str | None) -> bool | None:
    if condition == "others":
        # An unknown error may be one that OTHERS lets pass, but those are no part of any path.
        return sqlstate not in _NOT_OTHERS
    known = code(condition)
    if sqlstate is None or known is None:
        return None
    # A code that ends in 000 stands for its whole class.
    return sqlstate == known or (known.endswith("000") and sqlstate.startswith(known[:2]))
