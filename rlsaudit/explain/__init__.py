"""Why a cell of the matrix is what it is: every way to the rows, link by link, and what a role holds besides."""

from rlsaudit.explain.cell import Explanation, Route, explain
from rlsaudit.explain.held import Held, held

__all__ = ["Explanation", "Held", "Route", "explain", "held"]
