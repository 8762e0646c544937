"""Flaws of policies: what is surely wrong with one, as facts for whoever explains or judges."""

from rlsaudit.policy.flaws.circle import Circles
from rlsaudit.policy.flaws.flaw import Flaw, Kind
from rlsaudit.policy.flaws.found import Flaws
from rlsaudit.policy.flaws.guard import is_guard
from rlsaudit.policy.flaws.unreadable import unreadable

__all__ = ["Circles", "Flaw", "Flaws", "Kind", "is_guard", "unreadable"]
