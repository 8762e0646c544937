"""Texts that a column may hold, by its type and its name: the first is what people would call ordinary."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from rlsaudit.names import qualified
from rlsaudit.probe.rows.sample import sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.minor import Type

_MODIFIED = re.compile(r"([^(\[]+?)\s*(?:\(([\w,\s-]*)\))?((?: with(?:out)? time zone)?)((?:\[\])*)")
_CONSTANT = re.compile(r"(\bE)?'((?:[^']|'')*)'")
_NUMBER = re.compile(r"(?<![\w.'])-?\d+(?:\.\d+)?(?![\w'])|(?<=[{,])\d+(?=[,}])")
_LONGEST = 300
_MOST_MEMBERS = 2_000

# By name, for columns of text: what most applications keep under it.
_NAMED: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), text)
    for pattern, text in (
        (r"e_?mail", "{mark}{n}@example.com"),
        (r"(?:^|_)(?:uu|gu)?id$", "{mark}-{hex4}-4000-8000-000000000000"),
        (r"url|uri|website|link|href|image|avatar|logo|photo", "https://example.com/{mark}/{n}"),
        (r"slug|handle|user_?name|subdomain|nickname", "{mark}-{n}"),
        (r"phone|mobile|tel$", "+1555{digits}"),
        (r"colou?r", "#{hex6}"),
        (r"currency", "USD"),
        (r"country", "US"),
        (r"locale|lang", "en"),
        (r"time_?zone|^tz$", "UTC"),
        (r"mime|content_?type", "image/png"),
        (r"domain|host", "{mark}{n}.example.com"),
        (r"^ip$|ip_?addr", "192.0.2.1"),
        (r"sha256|hash|digest", "{hex64}"),
    )
)

_PLAIN: Mapping[str, tuple[str, ...]] = {
    "boolean": ("false", "true"),
    "date": ("today", "tomorrow", "yesterday", "1990-01-01", "2100-01-01"),
    "timestamp with time zone": ("now", "tomorrow", "yesterday", "1990-01-01", "2100-01-01"),
    "timestamp without time zone": ("now", "tomorrow", "yesterday", "1990-01-01", "2100-01-01"),
    "time without time zone": ("12:00", "00:00", "13:00", "23:59"),
    "time with time zone": ("12:00+00", "13:00+00"),
    "interval": ("1 day", "1 hour", "0", "30 days"),
    "json": ("{}", "[]", '"x"', "1", "null"),
    "jsonb": ("{}", "[]", '"x"', "1", "null", "[{}]"),
    "jsonpath": ("$",),
    "inet": ("192.0.2.1", "192.0.2.0/24", "::1"),
    "cidr": ("192.0.2.0/24", "192.0.2.1/32"),
    "macaddr": ("08:00:2b:01:02:03",),
    "macaddr8": ("08:00:2b:01:02:03:04:05",),
    "bit varying": ("1", "0"),
    "money": ("1.00", "0.00", "100.00"),
    "xml": ("<a/>",),
    "tsvector": ("'a':1",),
    "tsquery": ("'a'",),
    "point": ("(1,1)", "(0,0)"),
    "line": ("{1,2,3}",),
    "lseg": ("[(0,0),(1,1)]",),
    "box": ("(1,1),(0,0)",),
    "path": ("[(0,0),(1,1)]", "((0,0),(1,1))"),
    "polygon": ("((0,0),(1,1),(1,0))",),
    "circle": ("<(0,0),1>",),
    '"char"': ("a", "b"),
    "oid": ("1", "0"),
    "xid": ("3",),
    "xid8": ("3",),
    "cid": ("1",),
    "tid": ("(0,1)",),
    "pg_lsn": ("0/1",),
    "pg_snapshot": ("10:20:",),
    "txid_snapshot": ("10:20:",),
    "refcursor": ("a",),
    "int2vector": ("1 2",),
    "oidvector": ("1 2",),
    "regclass": ("pg_catalog.pg_class",),
    "regtype": ("pg_catalog.int4",),
    "regproc": ("pg_catalog.now",),
    "regprocedure": ("pg_catalog.now()",),
    "regoper": ("pg_catalog.!!",),
    "regoperator": ("pg_catalog.+(integer,integer)",),
    "regrole": ("pg_monitor",),
    "regnamespace": ("pg_catalog",),
    "regconfig": ("pg_catalog.simple",),
    "regdictionary": ("pg_catalog.simple",),
    "regcollation": ('pg_catalog."C"',),
    "pg_catalog.regclass": ("pg_catalog.pg_class",),
}
"""Of types whose values need not tell whose they are."""

_EXTENSIONS: Mapping[str, tuple[str, ...]] = {
    "hstore": ('"a"=>"1"', ""),
    "lquery": ("a",),
    "ltxtquery": ("a",),
    "cube": ("(1)",),
    "seg": ("1",),
    "isbn": ("978-0-393-04002-9",),
    "isbn13": ("978-0-393-04002-9",),
    "ean13": ("978-0-393-04002-9",),
    "issn": ("1436-4522",),
    "semver": ("1.0.0",),
    "geometry": ("SRID=4326;POINT(0 0)", "POINT(0 0)", "SRID=4326;POLYGON((0 0,0 1,1 1,0 0))"),
    "geography": ("SRID=4326;POINT(0 0)", "POINT(0 0)"),
    "box2d": ("BOX(0 0,1 1)",),
    "box3d": ("BOX3D(0 0 0,1 1 1)",),
    "query_int": ("1",),
    "prefix_range": ("1",),
    "raster": (),
}  # fmt: skip
"""Types of extensions, by name, whose text form is known."""
_VECTORS = frozenset({"vector", "halfvec"})
_TEXTS = frozenset({"text", "character varying", "character", "name", "citext"})
_WIDTHS = {"smallint": 30_000, "integer": 1_900_000_000, "bigint": 1_900_000_000}
"""Where keys begin that are drawn from no sequence: where nobody's sequence has got to, and integers still do."""


@dataclass(frozen=True, slots=True)
class Whose:
    """For whom a text is made: the mark of a principal and its number, and the number of the row."""

    mark: str
    number: int
    n: int


@dataclass(frozen=True, slots=True)
class Kind:
    """A type's parts: `text[]` has no modifiers and one dimension, `numeric(10,2)` two modifiers."""

    name: str
    modifiers: tuple[str, ...]
    dimensions: int


@lru_cache(maxsize=4096)
def kind_of(type_name: str) -> Kind:
    """Returns the parts of a type as `format_type` writes it."""
    found = _MODIFIED.fullmatch(type_name)
    if found is None or type_name.startswith('"'):
        base = type_name.rstrip("[]")
        return Kind(base, (), (len(type_name) - len(base)) // 2)
    modifiers = tuple(one.strip() for one in (found[2] or "").split(",") if one.strip())
    return Kind(found[1] + found[3], modifiers, len(found[4]) // 2)


class Content:
    """What may stand in columns of each of a database's types."""

    def __init__(self, catalog: Catalog) -> None:
        self._types: Mapping[str, Type] = {
            qualified(catalog.schemas[one.schema].name, one.name): one
            for one in catalog.snapshot.types
            if one.schema in catalog.schemas
        }

    def labels(self, type_name: str) -> tuple[str, ...]:
        """Returns the labels of an enumeration, or of one that a domain rests on."""
        found = self._types.get(type_name)
        if found is None:
            return ()
        return self.labels(found.base) if found.base else found.labels

    def base(self, type_name: str) -> str:
        """Returns the type that a domain rests on in the end, any other type as it is."""
        found = self._types.get(type_name)
        return self.base(found.base) if found is not None and found.base else type_name

    def checks(self, type_name: str) -> tuple[str, ...]:
        """Returns what a domain asks of a value, with what those ask that it rests on."""
        found = self._types.get(kind_of(type_name).name)
        if found is None:
            return ()
        return (*found.checks, *(self.checks(found.base) if found.base else ()))

    def texts(self, type_name: str, name: str, whose: Whose) -> tuple[str, ...]:
        """Returns texts for a column of this type and name. Empty where no text form of the type is known.

        The same place always has what is meant by the same, whoever it is for.
        """
        kind = kind_of(type_name)
        if kind.dimensions:
            element = type_name[: -2 * kind.dimensions]
            return ("{}", *(f"{{{_quoted(one)}}}" for one in self.texts(element, name, whose)[:6]))
        found = self._types.get(kind.name)
        if found is not None:
            return self._own(found, kind, name, whose)
        return _builtin(kind, name, whose)

    def distinct(self, type_name: str, name: str, whose: Whose) -> str | None:
        """Returns a text that no other row has; None where there are not so many."""
        base = self.base(type_name)
        kind = kind_of(base)
        if kind.dimensions:
            inner = self.distinct(base[: -2 * kind.dimensions], name, whose)
            return None if inner is None else f"{{{_quoted(inner)}}}"
        own = self._types.get(kind.name)
        unqualified = own.name if own is not None else kind.name
        if unqualified in _TEXTS or unqualified == "ltree":
            first = (self.texts(type_name, name, whose) or ("",))[0]
            told = f"{whose.n}" in first or f"{whose.n:04x}" in first
            return first if told and whose.mark in first else None
        return _distinct(kind, whose)

    def _own(self, found: Type, kind: Kind, name: str, whose: Whose) -> tuple[str, ...]:
        if found.kind == "e":
            return found.labels
        if found.base:
            said = [text for one in found.checks for text in constants(one, kind_of(found.base))]
            return tuple(dict.fromkeys((*self.texts(found.base, name, whose), *said)))
        if found.kind == "c":
            parts = [(self.texts(of, attribute, whose) or ("",))[0] for attribute, of in found.attributes]
            return (f"({','.join(_quoted(one) for one in parts)})",)
        if found.kind == "r":
            return ("empty", "(,)")
        if found.name in _TEXTS:
            return _builtin(Kind("text", (), 0), name, whose)
        if found.name == "ltree":
            return (f"{whose.mark}_{whose.n}", "a.b")
        if found.name in _VECTORS:
            size = int(kind.modifiers[0]) if kind.modifiers and kind.modifiers[0].isdigit() else 3
            return (f"[{','.join(['1'] * min(size, _MOST_MEMBERS * 10))}]",)
        if found.name == "sparsevec":
            return (f"{{1:1}}/{kind.modifiers[0] if kind.modifiers else 3}",)
        return _EXTENSIONS.get(found.name, ())


def named_in(definition: str) -> Iterator[str]:
    """Yields the texts that a condition names."""
    for found in _CONSTANT.finditer(definition):
        text = found[2].replace("''", "'")
        yield text.replace("\\\\", "\\") if found[1] else text


def constants(definition: str, kind: Kind) -> Iterator[str]:
    """Yields texts that a condition suggests: its constants, and what is as long or as large as its numbers say."""
    for one in named_in(definition):
        yield one
        matching = sample(one) if kind.name in _TEXTS else None
        if matching not in {None, one}:
            yield matching or ""
    for one in dict.fromkeys(found[0] for found in _NUMBER.finditer(definition)):
        if kind.name in _TEXTS:
            if one.isdigit() and 0 < int(one) <= _LONGEST:
                yield from (letter * int(one) for letter in "aA1f")
                yield from ("a" * (int(one) + 1), "aA1" * int(one), "a" * (int(one) - 1))
        elif "." in one:
            yield one
        else:
            yield from (one, str(int(one) + 1), str(int(one) - 1))


@lru_cache(maxsize=16384)  # the same is asked for again in each row that is drafted for somebody
def _builtin(kind: Kind, name: str, whose: Whose) -> tuple[str, ...]:
    size = int(kind.modifiers[0]) if kind.modifiers and kind.modifiers[0].isdigit() else None
    match kind.name:
        case of if of in _TEXTS:
            longest = {"name": 63, "character": 1}.get(of) if size is None else size
            return tuple(_fitting(one, longest, whose) for one in _strings(name, whose))
        case of if of in _NUMBERS:
            return _numbers(kind)
        case "uuid":
            return (uuid(whose, 0, 0), uuid(whose, 0, 1))
        case "bytea":
            return (f"\\x{whose.mark}{whose.n:04x}", "\\x")
        case "bit":
            return ("1" * (size or 1), "0" * (size or 1))
        case of if of in _RANGES:
            return (_RANGES[of](whose), "empty", "(,)")
        case of if of in _TIMES and _BIRTHS.search(name):
            return ("1990-01-01", *_PLAIN[of])
        case of if of in _TIMES and _ENDS.search(name):
            return ("tomorrow", *_PLAIN[of])
        case of:
            return ("{}",) if of.endswith("multirange") else _PLAIN.get(of, ())


_NUMBERS = frozenset({"smallint", "integer", "bigint", "numeric", "real", "double precision"})
_TIMES = frozenset({"date", "timestamp with time zone", "timestamp without time zone"})
_BIRTHS = re.compile(r"birth|dob$|born")
_ENDS = re.compile(r"end|expir|until|due|finish|valid_to|close")


def _span(whose: Whose) -> str:
    begin = 1_000_000 * (whose.number + 1) + 10 * whose.n
    return f"[{begin},{begin + 5})"


def _months(whose: Whose) -> str:
    return f"[{_year(whose)}-01-01,{_year(whose)}-06-01)"


_RANGES: Mapping[str, Callable[[Whose], str]] = {
    **dict.fromkeys(("int4range", "int8range", "numrange"), _span),
    **dict.fromkeys(("daterange", "tsrange", "tstzrange"), _months),
}
"""Ranges that do not overlap, for exclusion constraints."""


def _year(whose: Whose) -> int:
    return 3000 + 300 * whose.number + whose.n % 300


def _decimal(kind: Kind, whose: Whose) -> str | None:
    digits = 9
    if kind.modifiers:
        digits = int(kind.modifiers[0]) - (int(kind.modifiers[1]) if len(kind.modifiers) > 1 else 0)
    value = 100_000 * (whose.number + 1) + whose.n if digits > 6 else 100 * whose.number + whose.n + 1  # noqa: PLR2004
    return str(value) if value < 10**digits else None


def _distinct(kind: Kind, whose: Whose) -> str | None:
    number, n = whose.number, whose.n
    match kind.name:
        case "smallint" | "integer" | "bigint":
            made = str(_WIDTHS[kind.name] + (100 if kind.name == "smallint" else 10_000) * number + n)
        case "numeric":
            return _decimal(kind, whose)
        case "double precision" | "oid":
            made = str(1_900_000_000 + 10_000 * number + n)
        case "real":
            made = str(10_000 * (number + 1) + n)
        case "date":
            made = f"{_year(whose)}-01-01"
        case "timestamp with time zone" | "timestamp without time zone":
            made = f"{_year(whose)}-01-01 00:00:00"
        case "inet" | "cidr":
            made = f"10.{number % 256}.{n // 256 % 256}.{n % 256}"
        case "macaddr":
            made = f"08:00:2b:{number % 256:02x}:{n // 256 % 256:02x}:{n % 256:02x}"
        case "bytea":
            made = f"\\x{whose.mark}{n:04x}"
        case name if name in _RANGES:
            made = _RANGES[name](whose)
        case _:
            return None
    return made


def uuid(whose: Whose, relation: int, column: int) -> str:
    """Returns the uuid of a principal that is for this column of this row, and for nothing else."""
    return f"{whose.mark}-{whose.n % 65536:04x}-4{column % 4096:03x}-8000-{relation % 16**12:012x}"


def _numbers(kind: Kind) -> tuple[str, ...]:
    usual = ["1", "5", "0", "10", "50", "100", "1000", "-1", "2", "3", "2024", "0.5"]
    if kind.name in _WIDTHS:
        return tuple(one for one in usual if "." not in one)
    if kind.name == "numeric" and kind.modifiers:
        precision, scale = (*(int(one) for one in kind.modifiers), 0)[:2]
        fitting = [one for one in usual if abs(float(one)) < 10 ** (precision - scale)]
        # Of numbers below 1 nothing else is left.
        return tuple(fitting) if precision > scale else ("0.1" if scale else "0", "0")
    return tuple(usual)


def _strings(name: str, whose: Whose) -> Iterable[str]:
    mark, n = whose.mark, whose.n
    filled: dict[str, str] = {
        "mark": mark,
        "n": str(n),
        "digits": f"{whose.number % 100:02d}{n % 100_000:05d}",
        "hex4": f"{n % 65536:04x}",
        "hex6": f"{mark[:2]}{n % 65536:04x}",
        "hex64": f"{mark}{n:056x}",
    }
    low = name.lower()
    yield from (text.format(**filled) for pattern, text in _NAMED if pattern.search(low))
    yield f"{mark} {name} {n}"
    yield f"{mark}-{n}"
    yield f"{mark}_{n}"
    yield f"{mark}{n}"
    yield f"a{n}"
    yield f"A{n}"
    yield f"{mark}{n}@example.com"
    yield f"https://example.com/{mark}/{n}"
    yield f"/{mark}/{n}"
    yield f"+1555{filled['digits']}"
    yield f"1555{filled['digits']}"
    yield f"#{filled['hex6']}"
    yield filled["hex6"]
    yield from ("US", "USA", "USD", "en", "en-US", "UTC", "Europe/Berlin", "12:00", "2030-01-01", "1.0.0", "x", "", "0")
    yield from ("{}", "a.b", "192.0.2.1", "image/png", "A-1", "a/b", "Abc Def", "DE89370400440532013000", "{name}", "a")
    yield filled["hex64"]
    yield filled["hex64"][:40]
    yield filled["hex64"][:32]
    yield from ("1" * size for size in (4, 5, 6, 8, 10, 12))
    yield from ("A" * size for size in (4, 5, 6, 8, 10, 12))
    yield uuid(whose, 0, 0)
    yield from (f"{mark} {n} ".ljust(size, "x") for size in (30, 60, 120, 250))


def _fitting(text: str, longest: int | None, whose: Whose) -> str:
    if longest is None or len(text) <= longest:
        return text
    short = f"{whose.mark[0]}{_base36(whose.n)}"
    filled = short if len(short) >= longest else f"{whose.mark[: longest - len(short) + 1]}{short[1:]}"
    return filled[-longest:] if text.startswith(whose.mark) else text[:longest]


def _base36(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return digits[number % 36] if number < 36 else _base36(number // 36) + digits[number % 36]  # noqa: PLR2004


def _quoted(text: str) -> str:
    """A text within an array or a composite."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
