"""What a persona may do with a table or view, in sentences that hold or fail with the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.errors import UsageError
from rlsaudit.model import Operation, Reach
from rlsaudit.pytest_plugin.failing import guarded
from rlsaudit.pytest_plugin.verdict import shown, verdict
from rlsaudit.report.escape import printable
from rlsaudit.report.words import ability, intention

if TYPE_CHECKING:
    from rlsaudit.model import Report
    from rlsaudit.pytest_plugin.verdict import Verdict
    from rlsaudit.rules import Case


@dataclass(frozen=True, slots=True, repr=False)
class Table:
    """A table or view. `relation` is its identity."""

    report: Report
    case: Case
    relation: str

    def __repr__(self) -> str:
        return f"<{printable(self.relation)}>"

    def is_hidden_from(self, persona: str, *more: str) -> bool:
        """Asserts that these personas can read no row of it."""
        __tracebackhide__ = True
        for one in (persona, *more):
            self.lets(one).select.no_row()
        return True

    def is_closed_to(self, persona: str, *more: str) -> bool:
        """Asserts that these personas can neither read nor write any row of it.

        TRUNCATE, which no API sends, is left to the rule truncate-bypass.
        """
        __tracebackhide__ = True
        for one in (persona, *more):
            for operation in Operation:
                Deed(self, one, operation).no_row()
        return True

    def lets(self, persona: str) -> Allowed:
        """Returns what a persona may do with it."""
        return Allowed(self, persona)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a persona may do with a table, operation by operation."""

    table: Table
    persona: str

    @property
    def select(self) -> Deed:
        """Reading."""
        return Deed(self.table, self.persona, Operation.SELECT)

    @property
    def insert(self) -> Deed:
        """Putting rows in."""
        return Deed(self.table, self.persona, Operation.INSERT)

    @property
    def update(self) -> Deed:
        """Changing rows."""
        return Deed(self.table, self.persona, Operation.UPDATE)

    @property
    def delete(self) -> Deed:
        """Deleting rows."""
        return Deed(self.table, self.persona, Operation.DELETE)


@dataclass(frozen=True, slots=True)
class Deed:
    """An operation of a persona's on a table.

    `directly` in an assertion: by a single statement; what a chain of them gains is left out of account.
    """

    table: Table
    persona: str
    operation: Operation

    def no_row(self, *, directly: bool = False) -> bool:
        """Asserts that it reaches no row, whoever the persona is."""
        __tracebackhide__ = True
        return self._at_most(Reach.NONE, directly=directly)

    def only_own_rows(self, *, directly: bool = False) -> bool:
        """Asserts that it reaches no row but those that belong to whoever asks."""
        __tracebackhide__ = True
        return self._at_most(Reach.OWN, directly=directly)

    def no_more_than(self, reach: str, *, directly: bool = False) -> bool:
        """Asserts that it reaches no further than `reach`: `some` are strangers' rows that meet a condition."""
        __tracebackhide__ = True
        return self._at_most(_reach(reach), directly=directly)

    def at_least(self, reach: str) -> bool:
        """Asserts that it reaches that far by a single statement, so that the application works."""
        __tracebackhide__ = True
        wanted, found = _reach(reach), self._verdict()
        if found.reach.decided and found.reach >= wanted:
            return True
        raise AssertionError(self._told(f"{intention(self.operation, wanted)} at least", found, self._now(found)))

    def only_columns(self, *names: str) -> bool:
        """Asserts that it reaches no column but these, by the table's own name or through views."""
        __tracebackhide__ = True
        found = self._verdict()
        wanted = f"only the columns {', '.join(names)}"
        if not found.reach.decided:
            raise AssertionError(self._told(wanted, found, self._now(found)))
        if found.columns is None:
            ways = [one.via for one in found.explanation.routes if one.via and one.at_most is not Reach.NONE]
            why = f"which columns {self.persona} reaches through {', '.join(ways)} is not known, so it may be any"
            raise AssertionError(self._told(wanted, found, why))
        if more := sorted(found.columns - set(names)):
            raise AssertionError(self._told(wanted, found, f"{self.persona} reaches {', '.join(more)} as well"))
        return True

    def _at_most(self, most: Reach, *, directly: bool) -> bool:
        __tracebackhide__ = True
        found, wanted = self._verdict(), f"at most {intention(self.operation, most)}"
        if most is Reach.NONE:
            wanted = "no row"
        if not found.reach.decided or found.reach > most:
            raise AssertionError(self._told(wanted, found, self._now(found)))
        if directly:
            return True
        if not found.escalated.decided:
            why = (
                f"by a single statement {self._ability(found.reach)}; what a chain of allowed statements gains is "
                f"unknown, and unknown never counts as safe: {found.why_escalated} (`directly=True` leaves chains out)"
            )
            raise AssertionError(self._told(wanted, found, why))
        if found.escalated > most:
            why = f"by a chain of allowed statements {self._ability(found.escalated)}"
            raise AssertionError(self._told(wanted, found, why))
        return True

    def _verdict(self) -> Verdict:
        __tracebackhide__ = True
        with guarded(where=True):
            return verdict(self.table.report, self.table.case, self.persona, self.operation, self.table.relation)

    def _ability(self, reach: Reach) -> str:
        return ability(self.persona, self.operation, reach)

    def _now(self, found: Verdict) -> str:
        if found.reach.decided:
            return self._ability(found.reach)
        return f"the reach is unknown, and unknown never counts as safe: {found.because}"

    def _told(self, wanted: str, found: Verdict, why: str) -> str:
        evidence = shown(self.table.report, self.table.case, found)
        said = f"{self.table.relation} was to let {self.persona} {self.operation} {wanted}: {why}."
        return f"{printable(said)}\n\n{evidence}"


def _reach(name: str) -> Reach:
    __tracebackhide__ = True
    decided = [one for one in Reach if one.decided]
    with guarded(where=True):
        if name not in decided:
            raise UsageError(f"There is no reach {name!r}.", hint=f"There are: {', '.join(decided)}.")
    return Reach(name)
