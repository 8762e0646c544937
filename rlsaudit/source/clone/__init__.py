"""A database rebuilt in a throwaway server, to be attacked there."""

from rlsaudit.source.clone.audited import MODE, in_a_clone

__all__ = ["MODE", "in_a_clone"]
