"""What may stand in each column, and which of it passes the table's CHECKs: the server is asked, in two rounds."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rlsaudit.catalog.facts import ColumnRef
from rlsaudit.probe.rows.combine import nearest
from rlsaudit.probe.rows.content import Content, Whose, constants, kind_of, named_in
from rlsaudit.probe.rows.metadata import metadata
from rlsaudit.probe.rows.passing import Trial, passing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rlsaudit.catalog.facts import Column
    from rlsaudit.connect import Session
    from rlsaudit.policy.said import Said
    from rlsaudit.probe.rows.table import Table

_ORDINARY = 3
"""So many texts come before those that conditions suggest."""
NULL = -1
"""The choice of NULL; any other is the place in `Choices.texts`."""
_ENOUGH = 12
_FEW_COMBINED, _MOST_COMBINED = 100, 1_000
_MOST_OF_A_GROUP = 5_000
"""So many combinations of columns that conditions tie together are tried in all: of forty columns each has eight."""
_LONGEST_LISTED = 100
_MOST_VARIED = 8
_LITERAL = re.compile(r"'((?:[^']|'')*)'(?:::.*)?|(true|false|\(?-?[0-9.]+\)?)(?:::.*)?", re.DOTALL)
_TIMES = ("timestamp with time zone", "timestamp without time zone", "date")


@dataclass(frozen=True, slots=True)
class Together:
    """Columns that conditions tie to one another, what they are where nothing varies, and where one of them does."""

    columns: tuple[int, ...]
    ordinary: tuple[int, ...] | None
    varied: Mapping[tuple[int, int], tuple[int, ...]] = field(default_factory=dict)


class Choices:
    """What may stand in the columns of tables."""

    def __init__(
        self,
        content: Content,
        said: Said,
        whose: Whose,
        bodies: Mapping[int, Sequence[str]],
        metadata_of: Mapping[str, str] | None = None,
    ) -> None:
        self._metadata = metadata_of or {}
        self._content = content
        self._bodies = bodies
        self._said = said
        self._whose = whose
        self._passing: dict[ColumnRef, tuple[int, ...]] = {}
        self._together: dict[int, tuple[Together, ...]] = {}

    def texts(self, table: Table, column: Column, whose: Whose) -> tuple[str, ...]:
        """Returns what is worth trying in a column. The same place means the same, whoever it is for."""
        made = self._content.texts(column.type, column.name, whose)
        if not made:
            return ()
        default = _LITERAL.fullmatch(column.constant or "")
        first = () if default is None else ((default[1] or "").replace("''", "'") or (default[2] or "").strip("()"),)
        base = kind_of(self._content.base(column.type))
        suggested = [text for one in self._about(table, column) for text in constants(one, base)]
        distinct = self._content.distinct(column.type, column.name, whose)
        unique = any(column.number in one for one in table.unique)
        own = (made[0] if distinct is None else distinct,) if unique else ()
        ref = ColumnRef(table.oid, column.number)
        said = [one for one in self._said.constants.get(ref, ()) if one is not None]
        return (*own, *first, *made[:_ORDINARY], *suggested, *said, *made[_ORDINARY:])

    def unasked(self, table: Table, column: Column, whose: Whose, text: str | None) -> str | None:
        """Returns what is as good as `text` in a column and nothing that policies name; else `text` itself."""
        named = self._said.constants.get(ColumnRef(table.oid, column.number), ())
        if text not in named:
            return text
        texts, passed = self.texts(table, column, whose), self.checked(table, column)
        possible = texts if passed is None else tuple(texts[one] for one in passed)
        return next((one for one in possible if one not in named), text)

    def metadata(self, whose: Whose) -> str:
        """Returns what a user says of itself when it signs up."""
        return metadata(self._metadata, self._content, whose)

    def _about(self, table: Table, column: Column) -> list[str]:
        """What is asked of a column, with the bodies of functions that may say what is meant by it."""
        checks = [check for check, columns in table.checks if column.number in columns]
        return checks + [body for body in self._bodies.get(table.oid, ()) if checks]

    def checked(self, table: Table, column: Column) -> tuple[int, ...] | None:
        """Returns which of `texts` pass what is asked of the column by itself; None where nothing is."""
        return self._passing.get(ColumnRef(table.oid, column.number))

    def together(self, table: Table) -> tuple[Together, ...]:
        """Returns the columns that several conditions tie together, with what they may be."""
        return self._together.get(table.oid, ())

    def ask(self, session: Session, tables: Iterable[Table]) -> None:
        """Asks the server which values pass."""
        listed = [one for one in tables if one.checks or any(self._content.checks(c.type) for c in one.writable)]
        asked = [
            (table, column, tried)
            for table in listed
            for column in table.writable
            if self._is_asked(table, column) and (tried := self.texts(table, column, self._whose))
        ]
        answers = passing(session, [self._alone(table, column, tried) for table, column, tried in asked])
        for (table, column, tried), found in zip(asked, answers, strict=True):
            # What is suggested twice is one value all the same.
            lone = {tried[one]: one for one in reversed(found)}
            self._passing[ColumnRef(table.oid, column.number)] = tuple(sorted(lone.values()))
        self._ask_together(session, [(table, columns) for table in listed for columns in _groups(table)])

    def _ask_together(self, session: Session, groups: Sequence[tuple[Table, tuple[int, ...]]]) -> None:
        """Asks what columns may be that conditions tie to one another: a few combinations first, then more."""
        found: list[dict[tuple[int, int] | None, tuple[int, ...]]] = [{} for _ in groups]
        options = [[self._options(table, table.columns[one]) for one in columns] for table, columns in groups]
        texts = [{one: self.texts(table, table.columns[one], self._whose) for one in of} for table, of in groups]
        for most in (_FEW_COMBINED, _MOST_COMBINED):
            trials: list[Trial] = []
            meant: list[tuple[int, tuple[int, int] | None, list[tuple[int, ...]]]] = []
            for place, (table, columns) in enumerate(groups):
                fixed = [None, *_each(columns, options[place])]
                for one in fixed:
                    if one not in found[place]:
                        some = min(most, max(_FEW_COMBINED, _MOST_OF_A_GROUP // len(fixed))) if one else most
                        combined = _combined(columns, options[place], one, some)
                        trials.append(self._jointly(table, texts[place], combined))
                        meant.append((place, one, combined))
            for (place, one, combined), passed in zip(meant, passing(session, trials), strict=True):
                if passed:
                    found[place][one] = combined[passed[0]]
        for (table, columns), kept in zip(groups, found, strict=True):
            varied = {one: choice for one, choice in kept.items() if one is not None}
            self._together[table.oid] = (*self.together(table), Together(columns, kept.get(None), varied))

    def is_time(self, column: Column) -> bool:
        """Returns whether a column holds a moment or a day."""
        kind = kind_of(self._content.base(column.type))
        return kind.name in _TIMES and not kind.dimensions

    def variants(self, table: Table, column: Column) -> tuple[str | None, ...]:
        """Returns what is worth having in a column besides what is ordinary, most telling first."""
        ref = ColumnRef(table.oid, column.number)
        base = self._content.base(column.type)
        found: dict[str | None, None] = dict.fromkeys(self._said.constants.get(ref, ()))
        for path, value in self._said.members.get(ref, ()):
            found[_document(path, value)] = None
        if base == "boolean":
            found |= dict.fromkeys(("true", "false"))
        found |= dict.fromkeys(self._content.labels(base))
        kind = kind_of(base)
        if self.is_time(column) and not column.not_null:
            found |= dict.fromkeys(("now", None))
        passed = self.checked(table, column)
        if passed is not None:
            texts = self.texts(table, column, self._whose)
            listed = {
                one
                for check, columns in table.checks
                if columns == {column.number}
                for one in constants(check, kind)
                if not one.isdigit() and len(one) < _LONGEST_LISTED
            }
            found |= dict.fromkeys(texts[one] for one in passed if texts[one] in listed)
        return tuple(one for one in found if one is not None or not column.not_null)

    def _is_asked(self, table: Table, column: Column) -> bool:
        of_domain = bool(self._content.checks(column.type))
        return of_domain or any(column.number in columns for _, columns in table.checks)

    def _options(self, table: Table, column: Column) -> tuple[int, ...]:
        """What may be tried together with other columns: first what the conditions themselves name."""
        passed = self.checked(table, column)
        texts = self.texts(table, column, self._whose)
        named = {one for check in self._about(table, column) for one in named_in(check)}
        # What no other row has goes before what only one row of all can have.
        own = any(column.number in one for one in table.unique)
        some = sorted(
            passed if passed is not None else (0,),
            key=lambda one: (not own or one != 0, texts[one] not in named) if texts else (False, False),
        )
        return (*some[:_MOST_VARIED], *(() if column.not_null else (NULL,)))

    def _alone(self, table: Table, column: Column, tried: Sequence[str]) -> Trial:
        checks = tuple(check for check, columns in table.checks if columns == {column.number})
        columns = ((column.name, column.type),)
        return Trial(table.relation.name, columns, checks, tuple((one,) for one in tried), _ENOUGH)

    @staticmethod
    def _jointly(table: Table, texts: Mapping[int, Sequence[str]], combined: Sequence[tuple[int, ...]]) -> Trial:
        checks = tuple(check for check, of in table.checks if of <= texts.keys())
        tried = tuple(
            tuple(
                None if choice == NULL or not texts[number] else texts[number][choice]
                for number, choice in zip(texts, one, strict=True)
            )
            for one in combined
        )
        named = tuple((table.columns[one].name, table.columns[one].type) for one in texts)
        return Trial(table.relation.name, named, checks, tried, 1)


def _groups(table: Table) -> Iterable[tuple[int, ...]]:
    """Columns that conditions on several of them tie together."""
    groups: list[set[int]] = []
    for _, columns in table.checks:
        if len(columns) > 1:
            joined = [one for one in groups if one & columns]
            groups = [one for one in groups if not one & columns]
            groups.append(set(columns).union(*joined))
    return [tuple(sorted(one)) for one in groups if not any(table.columns[number].generated for number in one)]


def _each(columns: Sequence[int], options: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Each column, by its number, with each of the first of its choices."""
    return [(one, choice) for one, some in zip(columns, options, strict=True) for choice in some[:_MOST_VARIED]]


def _combined(
    columns: tuple[int, ...], options: Sequence[tuple[int, ...]], fixed: tuple[int, int] | None, most: int
) -> list[tuple[int, ...]]:
    """Up to so many combinations of choices, those first that are nearest to what is ordinary."""
    axes = [
        (fixed[1],) if fixed is not None and fixed[0] == number else some
        for number, some in zip(columns, options, strict=True)
    ]
    return list(nearest(axes, most))


def _document(path: tuple[str, ...], value: str) -> str:
    made: object = value
    for one in reversed(path):
        made = {one: made}
    return json.dumps(made)
