"""Two audits side by side: what became more open, what less, and what can no longer be compared."""

from rlsaudit.compare.sides import Comparison, Side, compare, compared

__all__ = ["Comparison", "Side", "compare", "compared"]
