"""Fixes that were tried: each applied to a copy of the database, and kept where that mends its finding and no more."""

from rlsaudit.fix.migration import migration
from rlsaudit.fix.model import Mended, Outcome, Tried
from rlsaudit.fix.summary import summary
from rlsaudit.fix.trying import mended

__all__ = ["Mended", "Outcome", "Tried", "mended", "migration", "summary"]
