"""Effective privileges: what a role may do, from grants, memberships and RLS, computed from the facts alone."""

from rlsaudit.access.privileges import Access
from rlsaudit.access.roles import Roles
from rlsaudit.access.views import ViewRead, reads_through

__all__ = ["Access", "Roles", "ViewRead", "reads_through"]
