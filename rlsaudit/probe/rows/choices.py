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
_MOST_COMBINED = 1_000
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
        groups = [(table, columns) for table in listed for columns in _groups(table)]
        trials: list[Trial] = []
        meant: list[tuple[int, tuple[int, ...], tuple[int, int] | None, list[tuple[int, ...]]]] = []
        for table, columns in groups:
            options = [self._options(table, table.columns[number]) for number in columns]
            fixed: list[tuple[int, int] | None] = [None]
            fixed += [
                (number, choice)
                for number, some in zip(columns, options, strict=True)
                for choice in some[:_MOST_VARIED]
            ]
            for one in fixed:
                combined = _combined(columns, options, one)
                trials.append(self._jointly(table, columns, combined))
                meant.append((table.oid, columns, one, combined))
        found_together: dict[tuple[int, tuple[int, ...]], dict[tuple[int, int] | None, tuple[int, ...]]] = {}
        for (oid, columns, one, combined), found in zip(meant, passing(session, trials), strict=True):
            kept = found_together.setdefault((oid, columns), {})
            if found:
                kept[one] = combined[found[0]]
        for (oid, columns), kept in found_together.items():
            varied = {one: choice for one, choice in kept.items() if one is not None}
            here = Together(columns, kept.get(None), varied)
            self._together[oid] = (*self._together.get(oid, ()), here)

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

    def _jointly(self, table: Table, columns: tuple[int, ...], combined: Sequence[tuple[int, ...]]) -> Trial:
        checks = tuple(check for check, of in table.checks if of <= set(columns))
        texts = {one: self.texts(table, table.columns[one], self._whose) for one in columns}
        tried = tuple(
            tuple(
                None if choice == NULL or not texts[number] else texts[number][choice]
                for number, choice in zip(columns, one, strict=True)
            )
            for one in combined
        )
        named = tuple((table.columns[one].name, table.columns[one].type) for one in columns)
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


def _combined(
    columns: tuple[int, ...], options: Sequence[tuple[int, ...]], fixed: tuple[int, int] | None
) -> list[tuple[int, ...]]:
    """Combinations of choices, those first that are nearest to what is ordinary."""
    axes = [
        (fixed[1],) if fixed is not None and fixed[0] == number else some
        for number, some in zip(columns, options, strict=True)
    ]
    return list(nearest(axes, _MOST_COMBINED))


def _document(path: tuple[str, ...], value: str) -> str:
    made: object = value
    for one in reversed(path):
        made = {one: made}
    return json.dumps(made)
