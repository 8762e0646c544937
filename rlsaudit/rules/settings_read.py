"""Which settings policies ask for, themselves or by the functions that they call."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rlsaudit.catalog.settings import settings_read
from rlsaudit.policy.body import body_of
from rlsaudit.policy.capability import keys_of
from rlsaudit.rules.column_names import is_secret

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rlsaudit.catalog.facts import Function, Policy, Relation
    from rlsaudit.rules.case import Case

CLAIMS = "request.jwt"
"""What the names of settings begin with that hold who is calling the API."""


class SettingsRead:
    """The settings of one audit's policies."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._catalog = case.catalog
        self._read: dict[int, frozenset[str]] = {}

    def of(self, policy: Policy) -> frozenset[str]:
        """Returns the settings that a policy reads, also by the functions that it calls."""
        if policy.oid not in self._read:
            texts = [one for one in (policy.using, policy.check) if one]
            called = [one for oid in policy.functions if (one := self._catalog.functions.get(oid)) is not None]
            self._read[policy.oid] = settings_read(texts) | self._by(called)
        return self._read[policy.oid]

    def keys(self, policy: Policy, relation: Relation) -> frozenset[str]:
        """Returns the settings that open no more than the rows whose secret they hold."""
        secret = partial(is_secret, self._case, relation)
        texts = [one for one in (policy.using, policy.check) if one]
        each = [keys_of(one, secret, lambda name: self._by(self._case.named(name))) for one in texts]
        return frozenset.intersection(*each) if each else frozenset()

    def _by(self, functions: Iterable[Function]) -> frozenset[str]:
        """The settings that functions read, themselves or below."""
        waiting = list(functions)
        seen: dict[int, Function] = {}
        while waiting:
            function = waiting.pop()
            if function.oid not in seen:
                seen[function.oid] = function
                waiting += [one for name in body_of(function).calls for one in self._case.named(name)]
        return settings_read(one.body for one in seen.values())
