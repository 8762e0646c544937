"""What the owner of a database meant: an intent file on top of a pack."""

from rlsaudit.intent.comments import Remark, misread
from rlsaudit.intent.load import BUILT_IN_PERSONAS, load
from rlsaudit.intent.meaning import Allowance, FunctionRule, Intent, SuppressRule
from rlsaudit.intent.names import Names, refuse_unknown, unknown_names

__all__ = [
    "BUILT_IN_PERSONAS",
    "Allowance",
    "FunctionRule",
    "Intent",
    "Names",
    "Remark",
    "SuppressRule",
    "load",
    "misread",
    "refuse_unknown",
    "unknown_names",
]
