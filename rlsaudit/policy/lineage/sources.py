"""What names mean in a query: the relations in its FROM, by their aliases, and those of the queries around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from rlsaudit.policy.lineage.shown import Shown, either

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ColumnsOf: TypeAlias = Callable[[tuple[str, str]], Sequence[str] | None]
"""The columns of a relation, (schema, name), in order; None where it is not known."""

_SYSTEM_COLUMNS = frozenset({"cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"})


@dataclass(frozen=True, slots=True)
class Source:
    """Whatever has columns: a relation, a derived table, a join with an alias, a function.

    `columns` are those known, in order. `open`: it may have more, of which each shows `others`; where it is a relation
    whose columns are not known, `relation` says which.
    """

    columns: tuple[tuple[str, Shown | None], ...]
    open: bool = False
    others: Shown | None = None
    relation: tuple[str, str] | None = None
    _named: Mapping[str, list[Shown | None]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        named = dict[str, list[Shown | None]]()
        for name, shown in self.columns:
            named.setdefault(name, []).append(shown)
        object.__setattr__(self, "_named", named)

    def has(self, column: str) -> bool:
        """Whether there may be a column of that name."""
        return self.open or column in self._named

    def column(self, column: str) -> Shown | None:
        """What a column shows."""
        found = self._named.get(column)
        if found:
            return found[0] if len(found) == 1 else None
        return self._other(column) if self.open else None

    def row(self) -> Shown | None:
        """What a whole row shows."""
        shown = [one for _, one in self.columns]
        return either([*shown, self._other("*")] if self.open else shown)

    def renamed(self, names: Sequence[str]) -> Source:
        """The same under an alias that gives the first columns other names."""
        if not names:
            return self
        more = [(name, None if self.relation else self.others) for name in names[len(self.columns) :]] * self.open
        first = [(name, shown) for name, (_, shown) in zip(names, self.columns, strict=False)]
        return Source((*first, *self.columns[len(first) :], *more), self.open, self.others, self.relation)

    def _other(self, column: str) -> Shown | None:
        if self.relation is None:
            return self.others
        return Shown(frozenset({(*self.relation, column)}))


UNKNOWN = Source((), open=True)


def relation(schema: str, name: str, columns_of: ColumnsOf) -> Source:
    """Returns a relation as a source."""
    known = columns_of((schema, name))
    if known is None:
        return Source((), open=True, relation=(schema, name))
    return Source(tuple((one, Shown(frozenset({(schema, name, one)}))) for one in known))


@dataclass(slots=True)
class Joined:
    """A part of FROM: the columns that it has as a whole, and those that USING made one of two."""

    columns: list[tuple[str, Shown | None]] = field(default_factory=list)
    open: bool = False
    merged: dict[str, Shown | None] = field(default_factory=dict)

    @classmethod
    def of(cls, source: Source) -> Joined:
        """A single source."""
        return cls(list(source.columns), source.open)

    def column(self, name: str) -> Shown | None:
        """What a column of the join shows."""
        return self.source().column(name)

    def source(self) -> Source:
        """The join under an alias of its own."""
        return Source(tuple(self.columns), open=self.open)

    def with_(self, right: Joined, using: Sequence[str]) -> Joined:
        """The join of both; the columns of `using` come first, and once."""
        merged = {name: either((self.column(name), right.column(name))) for name in using}
        rest = [one for part in (self, right) for one in part.columns if one[0] not in merged]
        return Joined([*merged.items(), *rest], self.open or right.open, self.merged | right.merged | merged)


@dataclass(slots=True)
class Scope:
    """What names mean in one query: `sources` by alias, `merged` without one, then the query around it."""

    outer: Scope | None
    sources: dict[str, Source] = field(default_factory=dict)
    merged: dict[str, Shown | None] = field(default_factory=dict)

    def column(self, path: Sequence[str]) -> Shown | None:
        """What a reference shows: `("u", "email")`, `("email",)`, `("u", "*")`; None where it is not resolved."""
        if len(path) == 2:  # noqa: PLR2004 — an alias and a name
            return self._of(path[0], path[1])
        return self._alone(path[0]) if len(path) == 1 else None

    def source(self, alias: str) -> Source | None:
        """What an alias stands for."""
        return next((one.sources[alias] for one in self._chain() if alias in one.sources), None)

    def _of(self, alias: str, name: str) -> Shown | None:
        source = self.source(alias)
        if source is None:
            return None
        if name == "*":
            return source.row()
        if name in _SYSTEM_COLUMNS and not source.has(name):
            return Shown()
        return source.column(name)

    def _alone(self, name: str) -> Shown | None:
        for scope in self._chain():
            if name in scope.merged:
                return scope.merged[name]
            found = [one for one in scope.sources.values() if one.has(name)]
            if found:
                return found[0].column(name) if len(found) == 1 else None
        return Shown() if name in _SYSTEM_COLUMNS else None

    def _chain(self) -> Iterator[Scope]:
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer


def named(names: Iterable[str], values: Iterable[Shown | None], aliases: Sequence[str] = ()) -> Source:
    """Returns the outputs of a query as a source."""
    return Source(tuple(zip(names, values, strict=True))).renamed(aliases)


Common: TypeAlias = "Mapping[str, Callable[[], Source]]"
"""WITH queries by name, each to be resolved when it is read."""
