"""Findings about what policies open, one for each cause and object: what rules of `Turn.POLICIES` have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.rules.build import finding, worst
from rlsaudit.rules.reached import evidence, mended, outside
from rlsaudit.rules.rule import Found
from rlsaudit.rules.wording import agreeing, listed, who_can

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rlsaudit.model import Severity
    from rlsaudit.rules.case import Case
    from rlsaudit.rules.cause import Cause, Reached
    from rlsaudit.rules.rule import Rule

    Say = Callable[[Reached], str]
    Mend = Callable[[Case, Reached], str]


def found_by_cause(
    case: Case,
    rule: Rule,
    cause: Cause,
    title: str,
    because: str | Say,
    fix: Mend | None = None,
    severity: Callable[[Reached], Severity] | None = None,
) -> Iterator[Found]:
    """Yields what is reached beyond intent for a cause.

    Args:
        case: The audit.
        rule: Whose findings they are.
        cause: What it is about.
        title: The end of a sentence that begins with the policy, or with the policies of a relation.
        because: How it comes about, as a clause behind who can do what.
        fix: What mends it, where that is not to drop the policies.
        severity: How bad it is, where that is not as for other causes.
    """
    for one in case.reached(cause):
        identity = case.catalog.identity(one.relation)
        said = because if isinstance(because, str) else because(one)
        yield Found(
            finding(
                rule,
                one.ref(case),
                worst(one.cells),
                title=f"{subject(case, one)} {agreeing(title, len(one.policies))}",
                message=f"{who_can(one.cells)} of {identity}: {said}.{outside(one.cells)}",
                evidence=evidence(case, one.relation, one.cells),
                fix=(fix or _drop)(case, one),
                relations=[identity],
                severity=severity(one) if severity is not None else one.severity,
            ),
            case.claims([], one.cells),
        )


def subject(case: Case, one: Reached) -> str:
    """Returns the policies by name, with their relation."""
    identity = case.catalog.identity(one.relation)
    names = [f'"{policy.name}"' for policy in one.policies]
    if not names:
        return f"Row-level security of {identity}"
    return f"{'Policy' if len(names) == 1 else 'Policies'} {listed(names)} on {identity}"


def _drop(case: Case, one: Reached) -> str:
    return mended(case, one.relation, one.cells, one.policies)
