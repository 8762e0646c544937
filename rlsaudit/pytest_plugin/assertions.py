"""The report as tests ask it: assertions that read as sentences."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rlsaudit.errors import UsageError
from rlsaudit.explain import functions_named, relation_named
from rlsaudit.model import Operation, Severity
from rlsaudit.pytest_plugin.failing import guarded
from rlsaudit.pytest_plugin.function import Functions
from rlsaudit.pytest_plugin.table import Table
from rlsaudit.pytest_plugin.verdict import verdict
from rlsaudit.report import Screen
from rlsaudit.report.escape import printable
from rlsaudit.report.text.findings import write
from rlsaudit.report.text.page import Page
from rlsaudit.report.verdict import incompleteness, missing
from rlsaudit.report.words import count

if TYPE_CHECKING:
    from rlsaudit.model import Finding, Reach, Report
    from rlsaudit.rules import Case

_SCREEN = Screen(width=100, colour=False)


@dataclass(frozen=True, slots=True, repr=False)
class Audited:
    """An audit, made once for all tests.

    Each assertion raises AssertionError with the evidence where it does not hold, and returns True where it does: so
    `assert` before it changes nothing. No assertion on a table or function holds where that is unknown; the findings
    leave it aside, as exit codes do: `has_nothing_unknown` is asked beside them.

    Attributes:
        report: The report, as `rlsaudit audit` would print it.
        case: What it rests on.
        conninfo: How the database is opened.
        throwaway: Whether the server is nobody's.
    """

    report: Report
    case: Case
    conninfo: str
    throwaway: bool

    def __repr__(self) -> str:
        return f"<audited {self.report.target.database}, {self.report.target.platform}>"

    def reach(self, persona: str, operation: str, relation: str) -> Reach:
        """Returns how far a persona gets with an operation on a relation by a single statement."""
        __tracebackhide__ = True
        with guarded(where=True):
            return verdict(self.report, self.case, persona, operation_named(operation), relation).reach

    def findings(self, *, at_least: str = "info") -> tuple[Finding, ...]:
        """Returns the findings of this severity and worse, worst first."""
        __tracebackhide__ = True
        with guarded(where=True):
            level = _severity(at_least)
        found = (one for one in self.report.findings if one.severity >= level)
        return tuple(sorted(found, key=lambda one: -one.severity.rank))

    def has_no_finding(self, *, at_least: str = "high") -> bool:
        """Asserts that nothing of this severity or worse was found; as `--fail-on`, which is exit code 1."""
        __tracebackhide__ = True
        found = self.findings(at_least=at_least)
        if found:
            page = Page(_SCREEN)
            write(page, replace(self.report, findings=found, existing=(), suppressed=()))
            told = count(len(found), f"finding is {at_least} or worse", f"findings are {at_least} or worse")
            raise AssertionError(f"{told}.\n{page.text().rstrip()}")
        if not self.report.matrix:
            raise AssertionError("Nothing was judged: no relation is exposed to any persona.")
        return True

    def has_nothing_unknown(self) -> bool:
        """Asserts that everything was audited and decided; as `--strict`, which is exit code 3."""
        __tracebackhide__ = True
        gaps = missing(self.report)
        if gaps.anything:
            cells = (f"  {why} ({number})" for why, number in gaps.reasons)
            skipped = (f"  {one.what}: {one.reason}" for one in self.report.skipped)
            raise AssertionError("\n".join([incompleteness(gaps), *(printable(one) for one in (*cells, *skipped))]))
        return True

    def table(self, name: str) -> Table:
        """Returns a table or view, to say of it who may do what; without a schema it is one of `public`."""
        __tracebackhide__ = True
        with guarded(where=True):
            relation = relation_named(self.case, name)
        return Table(self.report, self.case, self.case.catalog.identity(relation))

    def function(self, name: str) -> Functions:
        """Returns a function, to say of it who may call it: `public.search(text)`, or all of a name without types."""
        __tracebackhide__ = True
        with guarded(where=True):
            return Functions(self.case, functions_named(self.case, name))


def operation_named(name: str) -> Operation:
    """Returns the operation of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in set(Operation):
        raise UsageError(f"There is no operation {name!r}.", hint=f"There are: {', '.join(Operation)}.")
    return Operation(name)


def _severity(name: str) -> Severity:
    if name not in set(Severity):
        raise UsageError(f"There is no severity {name!r}.", hint=f"There are: {', '.join(Severity)}.")
    return Severity(name)
