"""The verdicts: every persona, exposed relation and operation, with how it is known and what was intended."""

from rlsaudit.matrix.build import Matrix, build, exposed
from rlsaudit.matrix.conditions import conditions_to_ask
from rlsaudit.matrix.sources import Sources

__all__ = ["Matrix", "Sources", "build", "conditions_to_ask", "exposed"]
