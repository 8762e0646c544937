"""Comparisons of values as formulas: exact wherever the values of a column can be told apart.

All of an exact atom's cases can be listed: the column is NULL, is one of the values that it is compared with, or is
some other. `rlsaudit.policy.decide` goes through them.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.policy.client import LEVEL, NO_ADDRESS, THE_E_MAIL, is_e_mail, may_write, may_write_anything
from rlsaudit.policy.columns import INTEGERS, TEXTS
from rlsaudit.policy.formula import (
    FALSE,
    NULL,
    TRUE,
    And,
    Atom,
    AtomKind,
    Coalesce,
    Condition,
    Constant,
    Formula,
    Not,
    Or,
    Property,
    Subject,
    Token,
)
from rlsaudit.policy.scalar import (
    Chosen,
    Claims,
    Clock,
    Column,
    CurrentRole,
    Identity,
    Known,
    Literal,
    Row,
    Scalar,
)

if TYPE_CHECKING:
    from rlsaudit.model import Persona

_STRICT = frozenset({"=", "<>", "<", "<=", ">", ">=", "~~", "!~~", "~~*", "!~~*", "~", "~*", "!~", "!~*"})
"""Built-in operators that give NULL for a NULL on a side and never else."""
_LIKE = frozenset({"~~", "!~~", "~~*", "!~~*"})
_ORDER = frozenset({"<", "<=", ">", ">="})
_TIMES = frozenset({"date", "timestamp with time zone", "timestamp without time zone"})
_MEASURES = _TIMES | {"numeric", "double precision"}
_LENGTH_OF_ID = 36
_LENGTH_OF_OTHERS = 8
"""A varchar of this length has more values than a policy names."""


class Comparisons:
    """Comparisons of what one persona's predicates are made of."""

    def __init__(self, persona: Persona) -> None:
        self._persona = persona

    def compare(self, operator: str, left: Scalar, right: Scalar, opaque: Atom) -> Formula:
        """Returns `left operator right`; `opaque` is the atom for it where it is not understood."""
        if operator not in _STRICT:
            return opaque
        if Known(None) in (left, right):
            return NULL
        for one, other in ((left, right), (right, left)):
            known = _without_address(operator, one, other)
            # LIKE has its pattern on the right.
            if known is not None and (one is left or operator not in _LIKE):
                return known
        if operator in {"=", "<>"}:
            equal = self._equal(left, right, opaque.text)
            if equal is not None:
                return equal if operator == "=" else Not(equal)
        if isinstance(right, Column | Chosen) and not isinstance(left, Column | Chosen):
            left, right = right, left
            # LIKE has a pattern on its right; of the others only which side is greater changes.
            operator = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(operator, f"commuted {operator}")
        if isinstance(left, Column) and isinstance(right, Known | Literal | Clock):
            return _atom(_subject(left), Property(opaque.text, _varies(left, operator, right)), opaque.text)
        if isinstance(left, Chosen) and isinstance(right, Known | Literal):
            return _atom(_written(left), Property(opaque.text, _may_write(left, operator, right)), opaque.text)
        if isinstance(left, Column) and left == right:
            return _with_itself(left, operator, opaque)
        return opaque

    def not_distinct(self, left: Scalar, right: Scalar, opaque: Atom) -> Formula:
        """Returns `left IS NOT DISTINCT FROM right`."""
        if left == Known(None):
            left, right = right, left
        if right == Known(None):
            return self.is_null(left, replace(opaque, nullable=False))
        if not (_never_null(left) or _never_null(right)):
            return replace(opaque, nullable=False)
        # One side is never NULL, so that where `=` is NULL the other side is, which is something else.
        return Coalesce((self.compare("=", left, right, replace(opaque, nullable=True)), FALSE))

    def is_null(self, value: Scalar, opaque: Atom) -> Formula:
        """Returns `value IS NULL`."""
        result: Formula = opaque
        match value:
            case Known(known):
                result = Constant(known is None)
            case Literal() | Clock() | CurrentRole() | Identity(given=True):
                result = FALSE
            case Claims(()) if self._persona.claims:
                result = FALSE
            case Column(type=kind, nullable=nullable) if kind not in {"domain", "composite", "?", ""}:
                # A composite value of NULLs IS NULL, whether its column is nullable or not.
                result = _atom(_subject(value), None, opaque.text) if nullable else FALSE
            case Row(part=part) if part:
                result = _atom(_folder(value), None, opaque.text)
            case Chosen():
                result = _atom(_written(value), None, opaque.text)
            case _:
                pass
        return result

    def _equal(self, left: Scalar, right: Scalar, text: str) -> Formula | None:
        """`left = right`, None where it is not known exactly."""
        for one, other in ((left, right), (right, left)):
            result: Formula | None = None
            match one, other:
                case (Known(a), Known(b)) if type(a) is type(b):
                    result = Constant(a == b)
                case (CurrentRole(a), Known(str() as b)):
                    result = Constant(a == b)
                case (Identity(personal=True), Identity(personal=True)) if one == other:
                    result = TRUE
                case (Identity(), Known() | Literal()):
                    result = self._identity_is(one, other, text)
                case (Identity() | CurrentRole(personal=True), Column() | Row()):
                    result = self._tie(one, other, text)
                case (Column() | Row() | Chosen(), Known() | Literal()):
                    subject, token = _compared(one, other)
                    if token is not None:
                        result = _atom(subject, token, text)
                case _:
                    pass
            if result is not None:
                return result
        return None

    def _identity_is(self, identity: Identity, value: Known | Literal, text: str) -> Formula:
        named = value.value if isinstance(value, Known) else value.text
        if identity.personal:
            # No policy names an ordinary user's id; but a persona may be declared with the id of somebody it names.
            return Constant(isinstance(named, str) and named.lower() == self._own_id().lower())
        if identity.given:
            return FALSE
        # What the server gave it is not what it gave the staff. A claim may also be absent: so false or NULL.
        return And((NULL, Atom(AtomKind.OPAQUE, text)))

    def _tie(self, mine: Identity | CurrentRole, value: Column | Row, text: str) -> Formula | None:
        if isinstance(value, Row) and not value.part:
            # Equal to an identity, yet of no column of this row: not a tie that we understand.
            return Atom(AtomKind.TIE, text, value.columns) if value.columns else None
        subject = _subject(value) if isinstance(value, Column) else _folder(value)
        fits = _may_be_id(value) if isinstance(value, Column) else True
        if fits is None:
            return Atom(AtomKind.TIE, text, value.columns if isinstance(value, Row) else frozenset({value.number}))
        if isinstance(mine, CurrentRole):
            token = Token(mine.name, found=fits, mine=True)
        elif mine.personal:
            token = Token(self._own_id(), found=fits, mine=True)
        else:
            claim = "" if mine.given else mine.key
            token = Token(f"${mine.key}", found=fits, mine=True, claim=claim, listed=False)
        return _atom(subject, token, text, AtomKind.TIE)

    def _own_id(self) -> str:
        return str(self._persona.claims.get("sub"))


def _without_address(operator: str, value: Scalar, constant: Scalar) -> Formula | None:
    """An empty text beside a constant; None where it is no such comparison."""
    if not isinstance(value, Chosen) or value.source != NO_ADDRESS or value.view or not isinstance(constant, Known):
        return None
    match operator, constant.value:
        case "=" | "<>", str(text):
            return Constant((not text) is (operator == "="))
        case "~~" | "~~*" | "!~~" | "!~~*", str(pattern):
            return Constant((not set(pattern) - {"%"}) is not operator.startswith("!"))
        case _:
            return None


def _never_null(value: Scalar) -> bool:
    match value:
        case Literal() | Clock() | CurrentRole() | Identity(given=True):
            return True
        case Known(known):
            return known is not None
        case _:
            return False


def in_array(left: Scalar, column: Column, opaque: Atom) -> Formula:
    """Returns `left = ANY (column)`."""
    numbers = frozenset({column.number})
    if isinstance(left, Identity):
        return Atom(AtomKind.TIE, opaque.text, numbers, free=column.free and column.type in {"uuid[]", "text[]"})
    of_its_type = (isinstance(left, Known) and isinstance(left.value, str) and column.type == "text[]") or (
        isinstance(left, Literal) and left.type == "uuid" and column.type == "uuid[]"
    )
    return replace(opaque, free=column.free) if of_its_type else opaque


def _atom(subject: Subject, of: Token | Property | None, text: str, kind: AtomKind | None = None) -> Atom:
    kind = kind or (AtomKind.CHOSEN if subject.chosen else AtomKind.CONTENT)
    columns = frozenset(one for one in subject.parts if isinstance(one, int))
    return Atom(kind, text, columns, exact=Condition(subject, of))


def _subject(column: Column) -> Subject:
    """A column as one of the types whose values we tell apart: its own, or the one that it is cast to."""
    # A uuid and an enum have one text each, and so are the same subject as their texts.
    view = "" if column.type in {"uuid", "enum"} else column.view
    several = column.type not in {"enum", "domain"} and (column.longest or _LENGTH_OF_OTHERS) >= _LENGTH_OF_OTHERS
    complete = frozenset({"true", "false"}) if column.boolean else None if view else column.allowed
    return Subject(
        name=f"column {column.number} {view}",
        parts=frozenset({column.number}),
        chosen=False,
        nullable=column.nullable,
        free=column.free,
        null_found=True,
        other_found=several,
        complete=complete,
    )


def _folder(row: Row) -> Subject:
    return Subject(
        name=row.part,
        parts=frozenset(row.columns),
        chosen=False,
        nullable=row.nullable,
        free=True,
        null_found=True,
        other_found=True,
    )


def _written(chosen: Chosen) -> Subject:
    at_will = _at_will(chosen)
    e_mail = chosen.source == THE_E_MAIL and not chosen.path and not chosen.view
    return Subject(
        name=f"{chosen.source} {'.'.join(chosen.path)} {chosen.view}",
        parts=frozenset({".".join((chosen.source, *chosen.path[:1]))}),
        chosen=True,
        nullable=True,
        free=at_will or e_mail or chosen.source == LEVEL,
        null_found=at_will,
        other_found=(at_will and chosen.view != "?") or e_mail,
        complete=frozenset({"true", "false"}) if chosen.view == "boolean" else None,
    )


def _at_will(chosen: Chosen) -> bool:
    """Whether a client can write any value at all there, for all that we know."""
    return chosen.view != "?" and may_write_anything(chosen.source, chosen.path)


def _compared(value: Column | Row | Chosen, constant: Known | Literal) -> tuple[Subject, Token | None]:
    match value:
        case Column():
            return _subject(value), _token(value, constant)
        case Row(part=part):
            known = constant.value if part and isinstance(constant, Known) else None
            return _folder(value), Token(known, found="/" not in known) if isinstance(known, str) else None
        case Chosen():
            return _written(value), _written_token(value, constant)


def _token(column: Column, constant: Known | Literal) -> Token | None:
    """A constant as one of the values that the column is told apart by, None where it is none."""
    known = constant.value if isinstance(constant, Known) else None
    kind, view = column.type, column.view
    result: Token | None = None
    if column.boolean and isinstance(known, bool):
        result = Token("true" if known else "false", found=True)
    elif kind in TEXTS and not view and isinstance(known, str):
        result = Token(known, found=column.longest is None or len(known) <= column.longest)
    elif kind in INTEGERS and not view and type(known) is int:
        result = Token(str(known), found=-INTEGERS[kind] <= known < INTEGERS[kind])
    elif kind == "uuid" or (view == "uuid" and kind in TEXTS | {"domain"}):
        form = _canonical(constant)
        if form is not None and (view != "text" or form == known):
            result = Token(form, found=kind == "uuid")
    elif kind == "enum":
        label = known if isinstance(known, str) else constant.text if isinstance(constant, Literal) else ""
        # Written in its own type a label must exist; as a text it may be anything.
        result = Token(label, found=not view) if label else None
    elif kind == "domain" and view == "text" and isinstance(known, str):
        result = Token(known, found=False)
    return result


def _written_token(chosen: Chosen, constant: Known | Literal) -> Token | None:
    known = constant.value if isinstance(constant, Known) else None
    result: Token | None = None
    if chosen.view == "boolean" and isinstance(known, bool):
        result = Token("true" if known else "false", found=True)
    elif chosen.view == "integer" and type(known) is int:
        result = Token(str(known), found=-INTEGERS["integer"] <= known < INTEGERS["integer"])
    elif chosen.view == "uuid" and (form := _canonical(constant)) is not None:
        result = Token(form, found=True)
    elif not chosen.view and isinstance(known, str):
        result = Token(known, found=may_write(chosen.source, known))
    return result


def _canonical(constant: Known | Literal) -> str | None:
    """A uuid as the server writes it."""
    text = constant.value if isinstance(constant, Known) else constant.text if constant.type == "uuid" else None
    if not isinstance(text, str):
        return None
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None


def _may_be_id(column: Column) -> bool | None:
    """Whether the column can be a user's id; None where its values are not told apart."""
    if column.type in TEXTS:
        return column.longest is None or column.longest >= _LENGTH_OF_ID
    if column.type in {"uuid", "domain"}:
        return True
    return False if column.type == "enum" else None


def _varies(column: Column, operator: str, value: Known | Literal | Clock) -> bool:
    """Whether there are values for which the comparison is true, and others for which it is false."""
    if column.view or column.allowed is not None:
        return False
    result = False
    match value:
        case Clock():
            result = column.type in _TIMES and operator in _ORDER
        case Known(str() as pattern) if column.type in TEXTS and column.longest is None:
            result = operator in _LIKE and "\\" not in pattern and bool(set(pattern) - {"%"})
        case Known(int() as number) if column.type in INTEGERS and not isinstance(number, bool):
            most = INTEGERS[column.type]
            result = operator in _ORDER and -most < number < most - 1
        case Literal(text, kind) if kind == column.type and text:
            # `=` may ask for more digits than there are, or for a value that is there twice (0 and -0).
            finite = not re.search("inf|nan", text, re.IGNORECASE)
            result = finite and kind in _MEASURES and operator in _ORDER | {"=", "<>"}
        case _:
            pass
    return result


def _may_write(chosen: Chosen, operator: str, value: Known | Literal) -> bool:
    """Whether the client can write something for which the comparison is true, and something for which it is false."""
    known = value.value if isinstance(value, Known) else None
    if _at_will(chosen) and chosen.view == "integer" and type(known) is int:
        most = INTEGERS["integer"]
        return operator in _ORDER and -most < known < most - 1
    if chosen.view or not isinstance(known, str) or operator not in _LIKE or "\\" in known:
        return False
    if _at_will(chosen):
        return bool(set(known) - {"%"})
    if chosen.source == THE_E_MAIL and not chosen.path:
        # Of the address that the pattern asks for, one that can be registered.
        filled = (known.replace("%", more).replace("_", "a").lower() for more in ("", "a", "a@a.aa", "@a.aa"))
        return any(is_e_mail(one) for one in filled) and bool(set(known) - set("%_@."))
    return False


def _with_itself(column: Column, operator: str, opaque: Atom) -> Formula:
    """`id = id`, which the planner turns into IS NOT NULL."""
    if operator not in {"=", "<=", ">="} or column.type in {"domain", "composite", "?", ""}:
        return opaque
    if not column.nullable:
        return TRUE
    # True, or NULL where the column is NULL.
    return Or((Not(_atom(_subject(column), None, f"{column.name} IS NULL")), NULL))
