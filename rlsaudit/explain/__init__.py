"""Why a cell of the matrix is what it is: every way to the rows, link by link, and what a role holds besides."""

from rlsaudit.explain.cell import Explanation, Route, explain
from rlsaudit.explain.held import Held, held
from rlsaudit.explain.named import functions_named, persona_named, relation_named

__all__ = [
    "Explanation",
    "Held",
    "Route",
    "explain",
    "functions_named",
    "held",
    "persona_named",
    "relation_named",
]
