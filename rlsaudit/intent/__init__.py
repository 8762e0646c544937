"""What the owner of a database meant: an intent file on top of a pack."""

from rlsaudit.intent.load import load
from rlsaudit.intent.meaning import Allowance, FunctionRule, Intent

__all__ = ["Allowance", "FunctionRule", "Intent", "load"]
