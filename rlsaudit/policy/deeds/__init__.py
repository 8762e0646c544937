"""What a function's body does to rows: of every statement in it, which rows of which relation it may be about."""

from rlsaudit.policy.deeds.deed import ANY, ANY_TABLE, ANYHOW, NO, Change, Deed, Deeds, Ground, Sure, is_own_setting
from rlsaudit.policy.deeds.follow import deeds_of
from rlsaudit.policy.deeds.working import may_be_the_callers

__all__ = [
    "ANY",
    "ANYHOW",
    "ANY_TABLE",
    "NO",
    "Change",
    "Deed",
    "Deeds",
    "Ground",
    "Sure",
    "deeds_of",
    "is_own_setting",
    "may_be_the_callers",
]
