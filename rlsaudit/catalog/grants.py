"""Access control lists, as `aclexplode` tells them."""

from __future__ import annotations

from typing import NamedTuple

PUBLIC = 0
"""The grantee that stands for every role, as in `aclexplode`."""


class Grant(NamedTuple):
    """One privilege of an access control list; `grantee` may be `PUBLIC`."""

    grantee: int
    grantor: int
    privilege: str
    grantable: bool
