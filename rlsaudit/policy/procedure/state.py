"""Where control is in a body, and what is bound to its variables there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from rlsaudit.policy.procedure.fragments import NotFollowedError
from rlsaudit.policy.procedure.path import Condition, Declared

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rlsaudit.policy.procedure.path import Bindings, Bound, End, Step


class Kind(NamedTuple):
    """What a variable is declared as, and whether that is a row (None: perhaps)."""

    declared: Declared
    whole: bool | None


ROW = Kind(Declared(), whole=True)
SCALAR = Kind(Declared(), whole=False)


@dataclass(frozen=True, slots=True)
class Leaves:
    """EXIT, or CONTINUE where it goes `on`, out of the loop or block of that label."""

    label: str | None
    on: bool


@dataclass(frozen=True, slots=True)
class State:
    """A point on the way through a body, or its end. Names of one cell are the same variable."""

    values: Bindings = field(default_factory=dict)
    cells: Mapping[str, int] = field(default_factory=dict)
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    steps: tuple[Step, ...] = ()
    end: End | Leaves | None = None

    def given(self, *conditions: Condition) -> State:
        """The same where these conditions hold as well."""
        now = (replace(one, after=self.steps) for one in conditions)
        return replace(self, conditions=(*self.conditions, *now))

    def then(self, *steps: Step) -> State:
        """The same once these steps are done."""
        return replace(self, steps=(*self.steps, *steps))

    def ended(self, end: End | Leaves) -> State:
        """The same, where control ends."""
        return replace(self, end=end)

    def declared(self, name: str, value: Bound, kind: Kind, more: Iterable[str] = ()) -> State:
        """A new variable of that name, which hides whatever is called so; `more` are other names of it."""
        every = (name, *more)
        if any(one in self.values for one in every[1:]):
            raise NotFollowedError("two blocks of one label")
        cell = max(self.cells.values(), default=0) + 1
        return replace(
            self,
            values={**self.values, **dict.fromkeys(every, value)},
            cells={**self.cells, **dict.fromkeys(every, cell)},
            kinds={**self.kinds, **dict.fromkeys(every, kind)},
        )

    def also(self, name: str, of: str) -> State:
        """Another name for a variable."""
        if of not in self.values:
            raise NotFollowedError("an alias for what is not known")
        bare = self.declared(name, self.values[of], self.kinds[of])
        return replace(bare, cells={**bare.cells, name: self.cells[of]})

    def left(self, outer: State) -> State:
        """The same once a block's own variables are gone, which was entered at `outer`."""
        now = {cell: self.values[name] for name, cell in self.cells.items()}
        # A variable that every one of its names is hidden of has kept its value.
        values = {name: now.get(cell, outer.values[name]) for name, cell in outer.cells.items()}
        return replace(self, values=values, cells=outer.cells, kinds=outer.kinds)

    def find(self, parts: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        """Returns the variable that a dotted name starts with, and the fields that follow."""
        for length in range(1, len(parts) + 1):
            name = ".".join(parts[:length])
            if name in self.values:
                return name, parts[length:]
        raise NotFollowedError("a variable that is not declared")

    def bound(self, name: str, value: Bound) -> State:
        """The same once a variable has a value."""
        same = {one: value for one, cell in self.cells.items() if cell == self.cells[name]}
        return replace(self, values={**self.values, **same})

    def changed(self, before: State) -> frozenset[str]:
        """The names whose value is another one than `before`."""
        return frozenset(one for one, value in before.values.items() if self.values.get(one) is not value)
