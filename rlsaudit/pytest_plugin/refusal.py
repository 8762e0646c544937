"""Who refused a statement: privileges, policies, a constraint, or code of the project's.

Several have one SQLSTATE. What tells them apart is the server's own function that raised the error, which it names in
no language but C's.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from rlsaudit.errors import UsageError

if TYPE_CHECKING:
    import psycopg

_REFUSED = "42501"
_RECURSION = "42P17"
_CONSTRAINTS = "23"
_OF_POLICIES = "ExecWithCheckOptions"
_OF_RAISE = "exec_stmt_raise"


class By(enum.StrEnum):
    """Who refused."""

    GRANT = "grant"
    """A privilege that is missing."""
    POLICY = "policy"
    """Row-level security: the new row may not be, or no row that there is may be seen."""
    CONSTRAINT = "constraint"
    """A constraint. A table's own are asked for when row-level security has let the row pass."""
    CODE = "code"
    """RAISE in a function or trigger."""
    NOBODY = "nobody"
    """The statement failed for another reason: it is wrong, say."""


_MEANT = tuple(one for one in By if one is not By.NOBODY)


def by_named(name: str | None) -> tuple[By, ...]:
    """Returns whom a test accepts: one by name, or by default those whose business access is.

    Raises:
        UsageError: there is nobody of that name.
    """
    if name is None:
        return (By.GRANT, By.POLICY)
    if name not in _MEANT:
        raise UsageError(f"There is nobody called {name!r} who refuses.", hint=f"There are: {', '.join(_MEANT)}.")
    return (By(name),)


def refused_by(error: psycopg.Error) -> By:
    """Returns who refused a statement that failed with this error."""
    state, raised_in = error.sqlstate or "", error.diag.source_function or ""
    if raised_in == _OF_RAISE:
        return By.CODE
    if state == _REFUSED:
        return By.POLICY if raised_in == _OF_POLICIES else By.GRANT
    return By.CONSTRAINT if state.startswith(_CONSTRAINTS) else By.NOBODY


def told(error: psycopg.Error) -> str:
    """Returns what the server said, and what that means for row-level security."""
    said = f"{error.diag.message_primary or type(error).__name__} ({error.sqlstate})"
    if error.sqlstate == _RECURSION:
        return f"{said}: the policies call themselves, so the statement fails for everybody"
    by = refused_by(error)
    if by is By.CONSTRAINT and error.diag.datatype_name is None and error.diag.constraint_name is not None:
        return f"{said}: a table's constraint is asked for when row-level security has let the row pass"
    if by in {By.GRANT, By.POLICY} and error.diag.context:
        return f"{said}, within {error.diag.context.splitlines()[0]}"
    return said
