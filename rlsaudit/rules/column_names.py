"""What a column holds, by its name: what somebody may do, or what nobody knows who was not told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.rules.case import Case

_SAYS_WHAT_ONE_MAY = re.compile(
    r"(user_?)?roles?|(is|site|super)_?(admin|administrator|moderator|superuser|staff|owner)|is_?super_?admin|admin"
    r"|permissions?|access_level|(subscription_?)?(plan|tier)|subscription(_?status)?|is_?(premium|pro|paid|verified|banned)"
    r"|credits?(_balance|_cents|_remaining)?|balance|wallet_balance|(tenant|org|organi[sz]ation|company)_?id",
    re.IGNORECASE,
)
_SECRET = re.compile(r"(token|secret|key|code|password|passphrase|hash|jwt|otp)$", re.IGNORECASE)
"""What names of columns end in that hold a secret, among those that hold something private."""


def says_what_one_may(column: str) -> bool:
    """Returns whether a column of a user's row says what the user may do."""
    return _SAYS_WHAT_ONE_MAY.fullmatch(column) is not None


def is_secret(case: Case, relation: Relation, column: str) -> bool:
    """Returns whether a column holds what nobody knows who was not told: an address is private, and no secret."""
    return bool(case.sensitive(relation, [column])) and _SECRET.search(column) is not None
