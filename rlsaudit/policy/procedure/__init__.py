"""Bodies of functions, followed: every way through one, what is done on it and how it ends. Names stay unresolved."""

from rlsaudit.policy.procedure.follow import paths
from rlsaudit.policy.procedure.names import Conflict, conflict_of, lookup
from rlsaudit.policy.procedure.path import NotFollowed, Path
from rlsaudit.policy.procedure.value import Branch, value

__all__ = ["Branch", "Conflict", "NotFollowed", "Path", "conflict_of", "lookup", "paths", "value"]
