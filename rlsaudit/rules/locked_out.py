"""locked-out: somebody gets to none of the rows that the intent file says are theirs to use."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from rlsaudit.model import Operation, Reach, Severity
from rlsaudit.names import ident
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.rule import Example, Found, Rule, Turn
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Cell
    from rlsaudit.rules.case import Case

_RECURSION = "(42P17)"


def check(case: Case) -> Iterator[Found]:
    """Yields relations of which a persona certainly gets no row by what the user's own file expects it to do."""
    for relation in case.exposed:
        if relation.extension is not None:
            continue
        cells = [one for operation in Operation for one in _locked_out(case, relation, operation)]
        if not cells:
            continue
        identity, first = case.catalog.identity(relation), cells[0]
        mine = [one for one in cells if one.persona == first.persona]
        deeds = listed([one.operation.value for one in mine])
        others = list(dict.fromkeys(one.persona for one in cells if one.persona != first.persona))
        also = f" The same goes for {listed(others)}." if others else ""
        yield Found(
            finding(
                RULE,
                case.ref(relation),
                Who(first.persona, first.operation.value if len(mine) == 1 else "all", Reach.NONE, first.intended),
                title=f"{identity} cannot be used as intended",
                message=f"The intent file expects {first.persona} to {deeds}, and no row is reached: "
                f"{first.because}.{also}",
                evidence=case.granted_evidence(case.persona(first.persona), relation, first.operation, first.because),
                fix=_fix(case, relation, cells),
                relations=[identity],
            ),
            case.claims([], cells),
        )


def _locked_out(case: Case, relation: Relation, operation: Operation) -> Iterator[Cell]:
    """The cells that reach nothing and should, of personas that the file names; of others where it is so for all."""
    by_pattern: defaultdict[str, list[Cell]] = defaultdict(list)
    for persona in case.personas:
        cell = case.cell(persona, relation, operation)
        if cell is None or (cell.persona, cell.relation, cell.operation) in case.explained:
            continue
        allowance = case.deciding(persona, relation, operation)
        if allowance is None or cell.intended is Reach.NONE or not allowance.expects(operation, cell.relation):
            continue
        if allowance.names(persona.name):
            if _is_locked(cell):
                yield cell
        elif not allowance.names(persona.role):
            # Of a session of a role that is named it is not said that it is to get in.
            by_pattern[allowance.place].append(cell)
    for cells in by_pattern.values():
        if all(map(_is_locked, cells)):
            yield from cells


def _is_locked(cell: Cell) -> bool:
    # Policies that ask one another in a circle are told by a rule of their own.
    return cell.reach is Reach.NONE and cell.escalated is Reach.NONE and _RECURSION not in cell.because


def _fix(case: Case, relation: Relation, cells: list[Cell]) -> str:
    """The grants that are missing; what a policy should let through nobody knows but its author."""
    missing = [one for one in cells if one.because.startswith("no ") and one.because.endswith(" privilege")]
    if len(missing) < len(cells):
        return ""
    operations = ", ".join(dict.fromkeys(one.operation.value for one in missing))
    roles = ", ".join(dict.fromkeys(ident(one.role) for one in missing))
    return f"grant {operations} on {case.catalog.identity(relation)} to {roles};"


_NOTES = """
            create table public.notes (id bigint primary key, user_id uuid not null, body text);
            alter table public.notes enable row level security;"""
_OWNER = """
            [zones]
            owner = ["public.notes"]
            """

RULE = Rule(
    id="locked-out",
    severity=Severity.LOW,
    summary="Somebody reaches no row of a table that the intent file says is there for them.",
    why=(
        "No data is exposed, and something does not work: a policy that is missing or can never be true, a grant that "
        "was forgotten. Whoever mends it in a hurry tends to open too much, with `using (true)` or the service key in "
        "the browser."
    ),
    fix="Write the policy or the grant that is missing, or take the reach out of the intent file.",
    fine=(
        "Where nobody needs the operation: then the intent file says too much. What only a pattern covers, or a pack "
        "assumes, is never reported, nor is reach that is less than declared and not none."
    ),
    bad=(
        Example(
            "Row-level security without a policy: its owner is locked out", f"{_NOTES}\n            ", intent=_OWNER
        ),
        Example(
            "A policy that is true of no row",
            f"""{_NOTES}
            create policy "own" on public.notes to authenticated
              using (user_id = (select auth.uid()) and user_id is null);
            """,
            intent=_OWNER,
        ),
        Example(
            "The grant is missing",
            f"""{_NOTES}
            revoke all on public.notes from anon, authenticated;
            create policy "own" on public.notes to authenticated using (user_id = (select auth.uid()));
            """,
            intent=_OWNER,
        ),
        Example(
            "A public table that visitors cannot read",
            """
            create table public.pages (id bigint primary key, body text);
            alter table public.pages enable row level security;
            create policy "everybody" on public.pages for select to authenticated using (true);
            """,
            intent="""
            [zones]
            public = ["public.pages"]
            """,
        ),
    ),
    good=(
        Example(
            "Its owner gets in",
            f"""{_NOTES}
            create policy "own" on public.notes to authenticated
              using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
            """,
            intent=_OWNER,
        ),
        Example(
            "Only read, where the zone says no more",
            f"""{_NOTES}
            create policy "own" on public.notes for select to authenticated using (user_id = (select auth.uid()));
            """,
            intent=_OWNER,
        ),
        Example(
            "Covered by a pattern",
            f"{_NOTES}\n            ",
            intent="""
            [zones]
            owner = ["public.*"]
            """,
        ),
        Example("Nothing declared", f"{_NOTES}\n            "),
    ),
    check=check,
    turn=Turn.REST,
)
