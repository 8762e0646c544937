"""Effective privileges: what a role may do, from grants, memberships and RLS, computed from the facts alone."""

from rlsaudit.access.privileges import Access
from rlsaudit.access.reasons import Link, Reasons
from rlsaudit.access.roles import Roles
from rlsaudit.access.views import ViewRead, reads_through

__all__ = ["Access", "Link", "Reasons", "Roles", "ViewRead", "reads_through"]
