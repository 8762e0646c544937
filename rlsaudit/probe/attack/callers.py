"""Who calls functions: somebody who has just signed up, or owns nothing at all, and a user with rows of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.model import STRANGER, VARIES
from rlsaudit.probe.attack.identities import OTHERS, OWNER, identities, ids_of, newcomer_as, posing_as

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from rlsaudit.catalog import Catalog
    from rlsaudit.model import Persona
    from rlsaudit.probe.attack.stored import Done
    from rlsaudit.probe.rows import Principal

_MADE_FOR = (OWNER, *OTHERS)
_UUID = 36


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who calls as a persona.

    `names` is what names it in rows, the id that it gives for its own first; `owns` the principal whose rows are its
    own, None of a stranger, and `after` those whose rows it names. `newcomer` is whether signing up has brought it
    rows, so that not all that there are are others'.
    """

    persona: Persona
    names: tuple[str, ...]
    owns: Principal | None = None
    after: tuple[Principal, ...] = OTHERS
    newcomer: bool = False

    def is_named(self, values: Iterable[str | None]) -> bool:
        """Whether a row with these values names it."""
        return any(name in value for value in values if value for name in self.names)

    def is_others(self, values: Collection[str | None]) -> bool:
        """Whether a row that was there, with these values, is another's for certain."""
        if self.owns is not None or self.is_named(values):
            return False
        return not self.newcomer or any(one.mark in value for value in values if value for one in _MADE_FOR)


def callers(persona: Persona, *, signed_up: bool) -> Iterator[Caller]:
    """Yields who calls as the persona; `signed_up` is whether its newcomer has an account."""
    newcomer = newcomer_as(persona)
    with_rows = next((one for one in identities(persona) if one.owns is not None), None)
    if signed_up and with_rows is not None and persona.claims.get("sub"):
        yield Caller(posing_as(newcomer, persona), _names(newcomer), newcomer=True)
    else:
        named = ids_of(persona)
        yield Caller(persona, tuple(STRANGER if one.startswith(VARIES) else one for one in named))
    if with_rows is not None:
        yield Caller(with_rows.persona, _names(OWNER), OWNER, after=(OWNER,))
        # Where one has to be somebody first, by a profile, say: what it does not reach a stranger does not either.
        yield Caller(with_rows.persona, _names(OWNER), OWNER)


def _names(principal: Principal) -> tuple[str, ...]:
    email = principal.claims.get("email")
    return (principal.user, principal.mark, *([str(email)] if email else []))


class Whose:
    """Whose new rows are: those that name who put them in, or hang on such a row, are its own.

    Args:
        catalog: The facts.
        rows: The rows that were there, behind their tables.
    """

    def __init__(self, catalog: Catalog, rows: Iterable[tuple[int, Mapping[str, str | None]]]) -> None:
        self._catalog = catalog
        self._others = {one.user for one in OTHERS} | {str(one.claims["email"]) for one in OTHERS}
        self._marks = tuple(one.mark for one in OTHERS)
        self._rows = tuple(rows)
        self._known = frozenset(value for _, row in self._rows for value in _ids(row))
        self._own_keys: dict[tuple[str, ...], frozenset[str]] = {}

    def is_own(self, caller: Caller, values: Collection[str | None]) -> bool:
        """Returns whether a row with these values names the caller, or is tied to a row that does: its profile, say."""
        return caller.is_named(values) or not self._keys(caller).isdisjoint(filter(None, values))

    def _keys(self, caller: Caller) -> frozenset[str]:
        """The ids of rows that were there, and name the caller."""
        if caller.names not in self._own_keys:
            self._own_keys[caller.names] = frozenset(
                key
                for oid, row in self._rows
                if caller.is_named(row.values())
                for key in (row.get(one) for one in self._keyed_by(oid))
                if key and len(key) == _UUID
            )
        return self._own_keys[caller.names]

    def _keyed_by(self, relation: int) -> Iterator[str]:
        primary = next((one for one in self._catalog.constraints[relation] if one.kind == "p"), None)
        if primary is not None and len(primary.columns) == 1:
            yield from (one.name for one in self._catalog.columns[relation] if one.number == primary.columns[0])

    def own(self, caller: Caller, new: Iterable[Done]) -> list[Done]:
        """Returns those of new rows that are the caller's own."""
        waiting, keys = list(new), set[str]()
        found: list[Done] = []
        while True:
            more = [
                one
                for one in waiting
                if self.is_own(caller, tuple(one.values.values())) or not keys.isdisjoint(_ids(one.values))
            ]
            if not more:
                return found
            found += more
            waiting = [one for one in waiting if one not in more]
            # What else a row of its own may be known by was not there before.
            keys |= {each for one in more for each in _ids(one.values)} - self._known

    def names_others(self, one: Done) -> bool:
        """Whether a new row names a user who is somebody else."""
        return not self._others.isdisjoint(filter(None, one.values.values()))

    def hangs_on_others(self, one: Done) -> bool:
        """Whether a new row points at something that was made for somebody else."""
        keys = (key for key in self._catalog.constraints[one.relation] if key.kind == "f")
        numbers = {number for key in keys for number in key.columns}
        columns = (column.name for column in self._catalog.columns[one.relation] if column.number in numbers)
        return any((one.values.get(column) or "").startswith(self._marks) for column in columns)


def _ids(row: Mapping[str, str | None]) -> Iterator[str]:
    yield from (value for value in row.values() if value and len(value) == _UUID)
