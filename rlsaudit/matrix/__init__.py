"""The verdicts: every persona, exposed relation and operation, with how it is known and what was intended."""

from rlsaudit.matrix.build import Matrix, Sources, build, exposed

__all__ = ["Matrix", "Sources", "build", "exposed"]
