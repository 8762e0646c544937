"""Findings about what policies open, one for each cause and object: what rules of `Turn.POLICIES` have in common.

Where the fault is a function's, it is one for all policies that ask it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.rules.build import finding, worst
from rlsaudit.rules.reached import evidence, mended, outside
from rlsaudit.rules.rule import Found
from rlsaudit.rules.wording import agreeing, listed, who_can

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rlsaudit.model import Cell, Severity
    from rlsaudit.rules.case import Case
    from rlsaudit.rules.cause import Cause, Reached
    from rlsaudit.rules.rule import Rule

    Say = Callable[[Reached], str]
    Mend = Callable[[Case, Reached], str]


_MOST_NAMED = 10


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

    def rated(one: Reached) -> Severity:
        return one.severity if severity is None else severity(one)

    grouped: defaultdict[tuple[str, str], list[Reached]] = defaultdict(list)
    for one in case.reached(cause):
        ref = one.ref(case)
        grouped[ref.type, ref.identity].append(one)
    for several in grouped.values():
        gravest = max(several, key=rated)
        cells = _least_privileged_first(case, (cell for one in several for cell in one.cells))
        asked = tuple(dict.fromkeys(text for one in several for text in one.asked))
        said = because if isinstance(because, str) else because(replace(gravest, asked=asked))
        yield Found(
            finding(
                rule,
                gravest.ref(case),
                worst(gravest.cells),
                title=f"{subject(case, gravest)} {agreeing(title, _number(gravest))}",
                message=f"{_who_can(case, several)}: {said}.{outside(cells)}{_asking(case, several)}",
                evidence=evidence(case, gravest.relation, gravest.cells),
                fix="\n".join(dict.fromkeys((fix or _drop)(case, one) for one in several)),
                relations=[case.catalog.identity(one.relation) for one in several],
                severity=rated(gravest),
            ),
            case.claims([], cells),
        )


def subject(case: Case, one: Reached) -> str:
    """Returns the function that is at fault, or the policies by name, with their relation."""
    if one.helper is not None:
        return case.catalog.function_identity(one.helper)
    identity = case.catalog.identity(one.relation)
    names = [f'"{policy.name}"' for policy in one.policies]
    if not names:
        return f"Row-level security of {identity}"
    return f"{'Policy' if len(names) == 1 else 'Policies'} {listed(names)} on {identity}"


def _number(one: Reached) -> int:
    return 1 if one.helper is not None else len(one.policies)


def _least_privileged_first(case: Case, cells: Iterable[Cell]) -> tuple[Cell, ...]:
    places = {persona.name: number for number, persona in enumerate(case.personas)}
    return tuple(sorted(cells, key=lambda one: places[one.persona]))


def _who_can(case: Case, several: list[Reached]) -> str:
    """Who can do what, told once of the relations of which it is the same."""
    relations: defaultdict[str, list[str]] = defaultdict(list)
    for one in several:
        relations[who_can(one.cells)].append(case.catalog.identity(one.relation))
    return "; ".join(f"{can} of {listed(_some(names))}" for can, names in relations.items())


def _asking(case: Case, several: list[Reached]) -> str:
    """The policies that ask the function at fault."""
    if several[0].helper is None:
        return ""
    names = [f'"{policy.name}" on {case.catalog.identity(one.relation)}' for one in several for policy in one.policies]
    return f" {'Policies' if len(names) > 1 else 'Policy'} {listed(_some(names))} {agreeing('asks', len(names))} it."


def _some(names: list[str]) -> list[str]:
    more = len(names) - _MOST_NAMED
    return names if more <= 0 else [*names[:_MOST_NAMED], f"{more} more"]


def _drop(case: Case, one: Reached) -> str:
    return mended(case, one.relation, one.cells, one.policies)
