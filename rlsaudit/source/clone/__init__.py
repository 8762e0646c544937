"""A database rebuilt in a throwaway server, to be attacked there."""

from rlsaudit.source.clone.audited import MODE, cloned, in_a_clone

__all__ = ["MODE", "cloned", "in_a_clone"]
