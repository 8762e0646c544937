"""Arguments for functions that are called: what somebody would try who is after something of somebody else's.

An argument that is called like a column of what the body touches gets what stands in that column, in rows of one and
the same principal: `p_group_id` a group's id, `p_code` the code of an invitation. The first call has these in all
places, and each that follows differs in one: an id of one's own, another row's, NULL, a text that breaks out.
"""

from __future__ import annotations

import enum
import json
import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from rlsaudit.names import qualified, text_or_null
from rlsaudit.policy.consulted import touched_in
from rlsaudit.probe.attack.identities import OTHERS
from rlsaudit.probe.rows.content import Content

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Column, Function
    from rlsaudit.probe.rows import Principal, Sown

_MOST_ARGUMENTS = 12
_MOST_TRIES = 16
_MOST_VALUES = 14
_MOST_DOCUMENTS = 6
_INJECTED = "' or '1' = '1"
_PASSES = "service_role"
"""The role that Supabase's API can take, and that no policy stops."""
_ORDINARY = {
    "boolean": ("true", "false"),
    "integer": ("1", "100"),
    "bigint": ("1", "100"),
    "smallint": ("1",),
    "numeric": ("1", "1000"),
    "double precision": ("1",),
    "real": ("1",),
    "date": ("2026-01-01",),
    "timestamp with time zone": ("2026-01-01",),
    "timestamp without time zone": ("2026-01-01",),
    "time without time zone": ("12:00",),
    "interval": ("1 day",),
    "inet": ("192.0.2.1",),
    "bytea": ("\\x00",),
}
TEXTS = frozenset({"text", "character varying", "name", "citext", "extensions.citext", "public.citext"})
_JSON = frozenset({"json", "jsonb"})
_PREFIX = re.compile(r"^(?:p|in|v|i|a|arg|param|new|target|the|my)?_+")
_ID = re.compile(r"_?(?:id|uuid|key)s?$")
_CONSTANT = re.compile(r"'([^']*)'")
_ERRCODE = re.compile(r"errcode\s*=\s*'[^']*'", re.IGNORECASE)
_FIELD = re.compile(r"->>?\s*'([a-z_0-9]+)'", re.IGNORECASE)
_TAKES_LIST = re.compile(r"jsonb?_(?:array_elements|to_recordset|populate_recordset|array_length)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Given:
    """Arguments of one call, as texts, None for NULL.

    `telling` is whether they are of rows that there are, as far as it is known what they mean; `named` is whether it is
    their names that say so.
    """

    values: tuple[str | None, ...]
    telling: bool
    named: bool


class _Fit(enum.IntEnum):
    """How well a value fits: it is odd, some row's key, or what the argument's name says."""

    ODD = 0
    KEPT = 1
    NAMED = 2


class Arguments:
    """What the functions of one database may be called with, given the rows that were made in it."""

    def __init__(self, catalog: Catalog, sown: Sown) -> None:
        self._catalog = catalog
        rows = sown.seeds.rows
        self._content = Content(catalog)
        self._rows = sorted((one for one in rows if one.owner), key=lambda one: bool(one.varied))
        self._held: defaultdict[str, defaultdict[str, list[tuple[int, str, str]]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for row in self._rows:
            for column in catalog.columns[row.relation]:
                # Evidence bears no date.
                value = sown.undated(column, row.values.get(column.name))
                if value is not None:
                    self._held[column.name.lower()][row.owner].append((row.relation, column.type, value))
        self._keys = tuple(dict.fromkeys(self._single_keys()))
        self._chosen: dict[tuple[object, ...], tuple[tuple[str | None, ...], Mapping[str | None, _Fit]]] = {}
        passing = [_PASSES] if _PASSES in catalog.roles_by_name else []
        self._roles = (*passing, *(f"set local role {one}" for one in passing))
        self._touched: dict[int, frozenset[int]] = {}
        asked = {ref for policy in catalog.snapshot.policies for ref in policy.columns}
        self._asked = {one.name.lower() for one in catalog.snapshot.columns if (one.relation, one.number) in asked}

    def of(
        self, function: Function, *, own: Sequence[str] = (), whose: Sequence[Principal] = OTHERS
    ) -> Iterator[Given]:
        """Yields arguments for calls of a function, the most telling first.

        Args:
            function: The function.
            own: What names who calls.
            whose: Whose rows it is after.
        """
        types = [one.strip() for one in function.arguments.split(",") if one.strip()]
        if len(types) > _MOST_ARGUMENTS:
            return
        names = [one.name for one in function.parameters if one.mode in "ibv"]
        names += [""] * (len(types) - len(names))
        choices = [self._known_choices(function, name, of, whose) for name, of in zip(names, types, strict=False)]
        best = tuple(values[0] for values, _ in choices)
        ranks = tuple(next(iter(of.values())) for _, of in choices)
        meant = min(ranks, default=_Fit.NAMED)
        found: dict[tuple[str | None, ...], _Fit] = {best: meant}
        users = {one.user for one in whose}
        if own and not users.isdisjoint(best):
            found.setdefault(tuple(own[0] if one in users else one for one in best), meant)
        for fit in (_Fit.NAMED, _Fit.KEPT, _Fit.ODD):
            alike = [
                [(place, one) for one in values[1:] if of[one] is fit] for place, (values, of) in enumerate(choices)
            ]
            for place, value in _in_turn(one[:_MOST_VALUES] for one in alike):
                found.setdefault((*best[:place], value, *best[place + 1 :]), min(meant, fit))
        for values, fit in list(found.items())[:_MOST_TRIES]:
            yield Given(values, telling=fit >= max(meant, _Fit.KEPT), named=fit is _Fit.NAMED)

    def held(self, column: Column) -> Iterator[str]:
        """Yields what stands in a column in rows that were made."""
        for several in self._held[column.name.lower()].values():
            yield from (value for relation, _, value in several if relation == column.relation)

    def _known_choices(
        self, function: Function, name: str, of: str, whose: Sequence[Principal]
    ) -> tuple[tuple[str | None, ...], Mapping[str | None, _Fit]]:
        key = function.oid, name, of, *(one.name for one in whose)
        if key not in self._chosen:
            self._chosen[key] = self._choices(function, name, of, whose)
        return self._chosen[key]

    def _choices(
        self, function: Function, name: str, of: str, whose: Sequence[Principal]
    ) -> tuple[tuple[str | None, ...], Mapping[str | None, _Fit]]:
        """What an argument could be, the most fitting first, and how well each fits."""
        found: dict[str | None, _Fit] = {}
        for one in self._named(function, name, of, whose):
            found.setdefault(one, _Fit.NAMED)
        for one in self._kept(function, name, of, whose):
            found.setdefault(one, _Fit.KEPT)
        # Where nothing more fitting is known, what is ordinary for the type has to do.
        for one in self._ordinary(of, whose[0]):
            found.setdefault(one, _Fit.NAMED if not found else _Fit.ODD)
        found.setdefault(None, _Fit.ODD)
        return tuple(found), found

    def _named(self, function: Function, name: str, of: str, whose: Sequence[Principal]) -> Iterator[str]:
        """What stands in columns that are called like the argument, and the keys of tables that are."""
        bare = _PREFIX.sub("", name.lower())
        if of.endswith("[]"):
            yield from (_array([one]) for one in self._named(function, name.rstrip("s"), of[:-2], whose))
        elif of in _JSON:
            yield from self._documents(function, whose)
        elif bare:
            touched = self._touches(function)
            if of in TEXTS:
                yield from self._compared(function, name)
            yield from self._columns(lambda one: one == bare, of, touched, whose)
            yield from self._called_so(bare, of, whose, touched)
            yield from self._columns(lambda one: one.endswith(bare) or bare.endswith(one), of, touched, whose)
            yield from self._columns(lambda one: one == bare, of, self._catalog.relations.keys() - touched, whose)

    def _called_so(self, bare: str, of: str, whose: Sequence[Principal], touched: Collection[int]) -> Iterator[str]:
        """The keys of tables that are called like the argument, those first that the body touches."""
        stem = _ID.sub("", bare)
        keys = self._primary_keys(of, whose) if stem else []
        for within in (True, False):
            for table, oid, key in keys:
                single = table.lower().rstrip("s")
                if (oid in touched) is within and (single in bare or stem.rstrip("s") in single):
                    yield key

    def _compared(self, function: Function, name: str) -> Iterator[str]:
        """The constants in the statements of a body that name an argument: what it has to be is often among them."""
        for statement in _ERRCODE.sub("", function.body).split(";"):
            if re.search(rf"\b{re.escape(name)}\b", statement):
                yield from (one for one in _CONSTANT.findall(statement) if one and " " not in one)

    def _kept(self, function: Function, name: str, of: str, whose: Sequence[Principal]) -> Iterator[str]:
        """The ids of others, the keys of rows in what the body touches, what policies ask for, and keys elsewhere."""
        bare = _PREFIX.sub("", name.lower())
        touched = self._touches(function)
        keys = self._primary_keys(of, whose)
        if of.endswith("[]"):
            yield from (_array([one]) for one in self._kept(function, name, of[:-2], whose))
        elif of == "uuid":
            yield whose[0].user
            yield from (key for _, oid, key in keys if oid in touched)
            yield from self._columns(self._asked.__contains__, of, self._catalog.relations, whose)
            yield from (key for *_, key in keys)
        elif bare.endswith("id") or bare in {"", "key"}:
            yield from (key for _, oid, key in keys if oid in touched)
        elif of in TEXTS and ("mail" in bare or "user" in bare):
            yield str(whose[0].claims.get("email"))

    def _ordinary(self, of: str, other: Principal) -> tuple[str, ...]:
        """What else an argument of the type could be: an ordinary value, an address, a text that breaks out."""
        if of in TEXTS:
            return ("a", "%", "", str(other.claims.get("email")), other.user, _INJECTED, *self._roles)
        if of in _JSON:
            # Claims are among what JSON may be.
            return (json.dumps({"sub": other.user, "role": "authenticated"}), "{}", "[]")
        if of.endswith("[]"):
            return ("{}",)
        return self._content.labels(of) or _ORDINARY.get(self._content.base(of), ())

    def _columns(
        self, meant: Callable[[str], bool], of: str, relations: Container[int], whose: Sequence[Principal]
    ) -> Iterator[str]:
        """What stands in columns whose names are meant, of a type if any, in rows of one principal after the other."""
        held = [self._held[one] for one in self._held if meant(one)]
        for owner in whose:
            for values in held:
                for relation, kind, value in values.get(owner.name, ()):
                    if of in {"", kind} and relation in relations:
                        yield value

    def _documents(self, function: Function, whose: Sequence[Principal]) -> Iterator[str]:
        """Documents with the fields that the body takes out of them."""
        touched = self._touches(function)
        fields = list(dict.fromkeys(_FIELD.findall(function.body)))
        if not fields:
            return
        held = {one: list(self._columns(_PREFIX.sub("", one.lower()).__eq__, "", touched, whose)) for one in fields}
        longest = max(map(len, held.values()))
        for number in range(min(max(longest, 1), _MOST_DOCUMENTS)):
            made = {one: values[min(number, len(values) - 1)] if values else "1" for one, values in held.items()}
            one, several = json.dumps(made), json.dumps([made])
            yield from (several, one) if _TAKES_LIST.search(function.body) else (one, several)

    def _touches(self, function: Function) -> frozenset[int]:
        if function.oid not in self._touched:
            self._touched[function.oid] = frozenset(touched_in(self._catalog, [function.oid]))
        return self._touched[function.oid]

    def _primary_keys(self, of: str, whose: Sequence[Principal]) -> list[tuple[str, int, str]]:
        """The names of tables and their OIDs with the keys of the principals' rows, where those are of one column."""
        owners = {one.name for one in whose}
        return [(table, oid, key) for owner, kind, table, oid, key in self._keys if owner in owners and kind == of]

    def _single_keys(self) -> Iterator[tuple[str, str, str, int, str]]:
        for row in self._rows:
            keys = [one for one in self._catalog.constraints[row.relation] if one.kind == "p"]
            if not keys or len(keys[0].columns) != 1 or row.varied:
                continue
            column = next(one for one in self._catalog.columns[row.relation] if one.number == keys[0].columns[0])
            if value := row.values.get(column.name):
                yield row.owner, column.type, self._catalog.relations[row.relation].name, row.relation, value


def _array(values: Iterable[str]) -> str:
    quoted = ('"' + one.replace("\\", "\\\\").replace('"', '\\"') + '"' for one in values)
    return f"{{{','.join(quoted)}}}"


def _in_turn(
    listed: Iterable[Iterable[tuple[int, str | None]]],
) -> Iterator[tuple[int, str | None]]:
    for several in zip_longest(*listed):
        yield from (one for one in several if one is not None)


def written_call(catalog: Catalog, function: Function, given: Sequence[str | None]) -> str:
    """Returns a call of a function with these arguments, as SQL that may stand behind FROM."""
    name = qualified(catalog.schemas[function.schema].name, function.name)
    return f"{name}({', '.join(map(text_or_null, given))})"
