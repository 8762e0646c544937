"""Explanations and holdings for people."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rlsaudit.model import EvidenceKind, Reach
from rlsaudit.report.text.page import ALARM, DOUBT, GOOD, QUIET, STRONG, Fragment, Page
from rlsaudit.report.verdict import beyond_intent
from rlsaudit.report.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rlsaudit.access import Link
    from rlsaudit.explain.cell import Explanation, Route
    from rlsaudit.explain.held import Held
    from rlsaudit.model import Cell
    from rlsaudit.report import Screen


def explanation(found: Explanation, screen: Screen) -> str:
    """Returns an explanation of one cell, a page wide."""
    page = Page(screen)
    page.prose(
        (found.persona, STRONG), " · ", (found.operation.value, STRONG), " · ", (found.relation, STRONG),
        (f"  ({found.kind.replace('_', ' ')}; role {found.role})", QUIET),
    )  # fmt: skip
    _verdict(page, found)
    for number, route in enumerate(found.routes):
        page.heading("BY ITS OWN NAME" if number == 0 else f"THROUGH {route.via or 'another way'} ({route.kind})")
        _route(page, route)
    if len(found.routes) == 1:
        page.gap()
        page.prose(("No other way to its rows was found.", QUIET))
    if found.flaws:
        page.heading("FLAWS OF ITS POLICIES")
        for flaw in found.flaws:
            page.prose(flaw, indent=2, lead=("!", DOUBT), gap=1)
    if found.asides:
        page.heading("BESIDES")
        for aside in found.asides:
            page.prose(aside, indent=2, lead="·", gap=1)
    for note in found.notes:
        page.gap()
        page.prose((f"Note: {note}", QUIET))
    return page.text()


def _verdict(page: Page, found: Explanation) -> None:
    cell = found.cell
    if cell is None:
        page.labelled(
            "reach", (found.reach.value, DOUBT if found.reach is Reach.UNKNOWN else STRONG), " (not in the matrix)"
        )
        return
    beyond = beyond_intent(cell)
    style = ALARM if beyond else DOUBT if not cell.reach.decided else GOOD
    bounds = f", between {cell.at_least} and {cell.at_most}" if not cell.reach.decided else ""
    page.labelled("reach", (f"{cell.reach}{bounds}", style), (" — beyond intent" if beyond else "", ALARM))
    page.labelled("meant", cell.intended.value)
    if cell.evidence is not EvidenceKind.NONE:
        page.labelled("known by", cell.evidence.value)
    page.labelled("because", cell.because)
    _chain(page, found, cell)
    if cell.columns is not None:
        page.labelled("columns", ", ".join(cell.columns))


def _chain(page: Page, found: Explanation, cell: Cell) -> None:
    """How far a chain of allowed statements gets where that is farther, statement by statement."""
    if not cell.escalated.decided or cell.escalated is cell.reach:
        return
    page.labelled("by chain", (cell.escalated.value, ALARM if beyond_intent(cell) else STRONG))
    for number, statement in enumerate(cell.chain, 1):
        page.prose(f"step {number}: {statement}", indent=2, lead="→", gap=1)
    page.prose(f"step {len(cell.chain) + 1}: {found.operation.value} on {found.relation}", indent=2, lead="→", gap=1)


def _route(page: Page, route: Route) -> None:
    for link in route.links:
        _link(page, link)
    bounds = route.at_least.value if route.at_least is route.at_most else f"from {route.at_least} to {route.at_most}"
    page.prose((bounds, STRONG), f": {route.because}", indent=2, lead="→", gap=1)
    for line in route.proof:
        page.prose((line, QUIET), indent=4, lead=("·", QUIET), gap=1)


def _link(page: Page, link: Link) -> None:
    mark: Fragment = ("✗", ALARM) if link.ends else ("✓", GOOD)
    page.prose(link.what, indent=2, lead=mark, gap=1)
    for reason in link.through:
        page.prose((reason, QUIET), indent=6, lead=("←", QUIET), gap=1)


def holdings(held: Iterable[Held], names: Sequence[str], screen: Screen) -> str:
    """Returns what the roles of personas of these names hold, as a table a kind of object."""
    page = Page(screen)
    page.prose("as ", (listed(names), STRONG))
    nothing = True
    for kind, group in groupby(held, key=lambda one: one.kind):
        nothing = False
        rows = list(group)
        page.gap()
        page.table(
            (kind, "privileges", "because"),
            [
                (
                    one.identity,
                    ", ".join(one.privileges) + (" on columns" if one.columns else ""),
                    ("; ".join(one.through), QUIET),
                )
                for one in rows
            ],
        )
    if nothing:
        page.prose(("nothing", QUIET), indent=2)
    return page.text()
