"""What the owner meant, to be asked relation by relation."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from rlsaudit.intent.pattern import any_fits, column_fits, function_fits, is_plain, unquoted
from rlsaudit.model import UNSET, Operation, Persona, Reach

if TYPE_CHECKING:
    from datetime import date

    from rlsaudit.model import Finding


@dataclass(frozen=True, slots=True)
class Allowance:
    """The most reach that is meant, for relations, personas and operations; later ones win over earlier ones.

    `protected` limits it to relations with (True) or without (False) row-level security. `declared`: the user wrote
    it, at `place`; otherwise it is a pack's. `columns` are meant to be seen, whatever their names suggest. `zone` is
    the zone that it comes from. `where` is which rows of strangers are meant by `some`, as SQL; None where that is not
    said. `expected` are the operations that personas are not only allowed but meant to get somewhere with.
    """

    relations: tuple[str, ...]
    personas: tuple[str, ...]
    reaches: tuple[tuple[Operation, Reach], ...]
    columns: tuple[str, ...] = ()
    protected: bool | None = None
    declared: bool = False
    place: str = ""
    zone: str = ""
    where: str | None = None
    expected: frozenset[Operation] = frozenset()

    def reach(self, operation: Operation) -> Reach | None:
        """The reach for an operation; None if this says nothing about it."""
        return next((reach for named, reach in self.reaches if named is operation), None)

    def names(self, persona: str) -> bool:
        """Whether it names a persona or role, and not only by a pattern."""
        return any(is_plain(one) and any_fits((one,), persona) for one in self.personas)

    def expects(self, operation: Operation, relation: str) -> bool:
        """Whether something is to be reached of a relation that the user's file names, and not only by a pattern."""
        return operation in self.expected and any(
            is_plain(one) and any_fits((one,), relation) for one in self.relations
        )


@dataclass(frozen=True, slots=True)
class FunctionRule:
    """Who may call functions. `names` are patterns; one without parentheses fits all argument types."""

    names: tuple[str, ...]
    callable_by: tuple[str, ...]
    declared: bool = False
    place: str = ""


@dataclass(frozen=True, slots=True)
class SuppressRule:
    """Findings that are set aside: of `rules`, about `objects` (patterns), up to the day of `expires`, with it.

    Where `personas` or `fingerprint` are given, only those of them. `place` is where the user wrote it.
    """

    rules: tuple[str, ...]
    objects: tuple[str, ...]
    reason: str
    expires: date
    personas: tuple[str, ...] = ()
    fingerprint: str | None = None
    place: str = ""

    def fits(self, finding: Finding) -> bool:
        """Whether a finding is one of those, whatever the day."""
        return (
            finding.rule in self.rules
            and self.about(finding.object.identity)
            and (not self.personas or any_fits(self.personas, finding.persona))
            and self.fingerprint in {None, finding.fingerprint}
        )

    def about(self, identity: str) -> bool:
        """Whether it names an object."""
        return any(function_fits(one, identity) for one in self.objects)

    def in_force(self, day: date) -> bool:
        """Whether it still holds on a day."""
        return day <= self.expires


@dataclass(frozen=True)
class Intent:
    """An intent file on top of its packs, in this order: what comes later wins.

    `personas` are those that the file declares, beside the built-in ones. `schemas` are the exposed ones as far as the
    file says so.
    """

    allowances: tuple[Allowance, ...] = ()
    functions: tuple[FunctionRule, ...] = ()
    sensitive: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    tenant: tuple[str, ...] = ()
    public_buckets: tuple[str, ...] = ()
    personas: tuple[Persona, ...] = ()
    schemas: tuple[str, ...] = ()
    suppressions: tuple[SuppressRule, ...] = ()

    @property
    def named(self) -> frozenset[str]:
        """The personas of which the user's own file says something, by their names or roles, patterns among them."""
        return frozenset(one for each in self.allowances if each.declared for one in each.personas)

    def intended(self, persona: str, role: str, relation: str, operation: Operation, *, protected: bool) -> Reach:
        """The most reach that is meant.

        Args:
            persona: The persona's name.
            role: Its role; an entry that names the role is about all personas of that role.
            relation: The relation's identity, `public.posts`.
            operation: What the persona does.
            protected: Whether the relation has row-level security.
        """
        allowance = self.deciding(persona, role, relation, operation, protected=protected)
        reach = allowance.reach(operation) if allowance is not None else None
        # An entry for every persona says `own`, which anon cannot have.
        return Reach.NONE if reach is None or (reach is Reach.OWN and persona == "anon") else reach

    def deciding(
        self, persona: str, role: str, relation: str, operation: Operation, *, protected: bool
    ) -> Allowance | None:
        """The entry that says how far the persona may get, the last that is about it; None where nothing is said.

        A role without its settings may do what all personas may that the file declares of it, unless it is named.
        """
        about = self._about(relation)
        key = (persona, role, id(about), operation, protected)
        if key not in self._decided:
            self._decided[key] = self._deciding(persona, role, about, operation, protected=protected)
        return self._decided[key]

    def _deciding(
        self, persona: str, role: str, about: tuple[Allowance, ...], operation: Operation, *, protected: bool
    ) -> Allowance | None:
        found = _last(about, (persona, role), operation, protected=protected)
        if found is not None and found.names(persona):
            return found
        with_them = [
            _last(about, (one, role), operation, protected=protected) for one in self._with_settings(persona, role)
        ]
        meant = [(reach, one) for one in with_them if one is not None and (reach := one.reach(operation)) is not None]
        if not meant or len(meant) < len(with_them):
            return found
        least = min(meant, key=lambda one: one[0])[1]
        # Nothing is expected of a request that the application forgot to say anything of.
        return replace(least, expected=frozenset())

    def _with_settings(self, persona: str, role: str) -> tuple[str, ...]:
        """The personas that are declared of a role, where this is the one without what they have."""
        return tuple(one.name for one in self.personas if one.role == role) if persona == f"{role}{UNSET}" else ()

    @cached_property
    def _decided(self) -> dict[tuple[str, str, int, Operation, bool], Allowance | None]:
        """Which entry decides, of those about a relation: most relations have the same, and each cell asks."""
        return {}

    def _about(self, relation: str) -> tuple[Allowance, ...]:
        """The entries about a relation, the last one first: the same object for all that are about the same."""
        if relation not in self._known:
            by_name, with_patterns = self._places
            places = sorted({*by_name.get(unquoted(relation), ()), *with_patterns}, reverse=True)
            fitting = tuple(one for one in places if any_fits(self.allowances[one].relations, relation))
            if fitting not in self._listed:
                self._listed[fitting] = tuple(self.allowances[one] for one in fitting)
            self._known[relation] = self._listed[fitting]
        return self._known[relation]

    @cached_property
    def _listed(self) -> dict[tuple[int, ...], tuple[Allowance, ...]]:
        """Entries by their places."""
        return {}

    @cached_property
    def _known(self) -> dict[str, tuple[Allowance, ...]]:
        """The entries about relations that were asked about: a file may have thousands, and each cell asks."""
        return {}

    @cached_property
    def _places(self) -> tuple[dict[str, list[int]], list[int]]:
        """Which entries name a relation, by its name, and which have patterns that may fit any."""
        by_name: defaultdict[str, list[int]] = defaultdict(list)
        with_patterns: list[int] = []
        for place, one in enumerate(self.allowances):
            for name in one.relations:
                if is_plain(name):
                    by_name[unquoted(name)].append(place)
                else:
                    with_patterns.append(place)
        return by_name, with_patterns

    def declared(self, persona: str, relation: str, operation: Operation, *, role: str = "") -> bool:
        """Whether the user's own file, not only a pack, says how far the persona may get here."""
        return any(
            allowance.declared
            and allowance.reach(operation) is not None
            and any_fits(allowance.personas, persona, role or persona)
            for allowance in self._about(relation)
        )

    def is_sensitive(self, relation: str, column: str, *names: str) -> bool:
        """Whether a column holds private data, to judge by its name, and the file does not say that it may be seen.

        `names` are whose question it is, as for `is_meant`.
        """
        return column_fits(self.sensitive, column) and not self.is_meant(relation, column, *names)

    def is_meant(self, relation: str, column: str, *names: str) -> bool:
        """Whether the file says that a column may be seen, whatever it holds.

        `names` are a persona's and its role's: without them it is asked whether by anybody.
        """
        return any(
            column_fits(allowance.columns, column) and (not names or any_fits(allowance.personas, *names))
            for allowance in self._about(relation)
        )

    def names_owner(self, column: str) -> bool:
        """Whether a column says whose row it is."""
        return column_fits(self.owner, column)

    def names_tenant(self, column: str) -> bool:
        """Whether a column says to which tenant a row belongs."""
        return column_fits(self.tenant, column)

    def function_allowed(self, identity: str, persona: str, *, role: str = "") -> bool:
        """Whether a persona is meant to call a function, `public.search(text)`."""
        for rule in reversed(self.functions):
            if any(function_fits(name, identity) for name in rule.names):
                with_settings = self._with_settings(persona, role)
                return any_fits(rule.callable_by, persona, role or persona) or (
                    bool(with_settings) and all(any_fits(rule.callable_by, one) for one in with_settings)
                )
        return False

    def bucket_public(self, name: str) -> bool:
        """Whether a storage bucket is meant to be public."""
        return any_fits(self.public_buckets, name)


def _last(
    about: tuple[Allowance, ...], names: tuple[str, str], operation: Operation, *, protected: bool
) -> Allowance | None:
    """The first of these entries that says something of the operation to a persona or its role."""
    return next(
        (
            one
            for one in about
            if one.reach(operation) is not None
            and one.protected in {None, protected}
            and any_fits(one.personas, *names)
        ),
        None,
    )
