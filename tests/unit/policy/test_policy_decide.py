"""Bounds against worlds: tables of rows and identities for which a formula's reach is counted out."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from rlsaudit.model import Reach
from rlsaudit.policy.decide import decide
from rlsaudit.policy.formula import (
    FALSE,
    NULL,
    TRUE,
    And,
    Atom,
    AtomKind,
    Coalesce,
    Condition,
    Formula,
    Is,
    Not,
    Or,
    Property,
    Subject,
    Token,
    Truth,
    atoms,
    evaluate,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

OTHER = "something else"
ME = Token("me", found=True, mine=True)
MY_TEAM = Token("$team", found=True, mine=True, claim="team", listed=False)
MY_GROUP = Token("$group", found=True, mine=True, claim="group", listed=False)
A, B, NOT_FOUND = Token("a", found=True), Token("b", found=True), Token("c", found=False)


def column(number: int, *, nullable: bool = True, free: bool = True, complete: frozenset[str] | None = None) -> Subject:
    return Subject(
        name=f"column {number}",
        parts=frozenset({number}),
        chosen=False,
        nullable=nullable,
        free=free,
        null_found=True,
        other_found=True,
        complete=complete,
    )


def chosen(name: str, *, free: bool = True) -> Subject:
    return Subject(name, frozenset({name}), chosen=True, nullable=True, free=free, null_found=True, other_found=True)


def atom(subject: Subject, of: Token | Property | None) -> Atom:
    tie = isinstance(of, Token) and of.mine
    kind = AtomKind.CHOSEN if subject.chosen else AtomKind.TIE if tie else AtomKind.CONTENT
    text = f"{subject.name} {of.value if of else 'IS NULL'}"
    return Atom(
        kind, text, frozenset(one for one in subject.parts if isinstance(one, int)), exact=Condition(subject, of)
    )


SUBJECTS = (
    column(1),
    column(2, nullable=False),
    column(3, free=False),
    column(4, complete=frozenset({"a", "b"})),
    column(5, nullable=False, complete=frozenset({"a"})),
    chosen("mine to write"),
    chosen("perhaps mine to write", free=False),
)
LONE = Property("is long", found=True)
UNSURE = Property("is odd", found=False)
EXACT = [
    atom(subject, of)
    for subject in SUBJECTS
    for of in (
        (A, B, NOT_FOUND, LONE, UNSURE, None)
        if subject.chosen
        else (A, B, NOT_FOUND, ME, MY_TEAM, MY_GROUP, LONE, UNSURE, None)
    )
]
PLAIN = [
    Atom(AtomKind.TIE, "tie", frozenset({11}), free=True),
    Atom(AtomKind.TIE, "hidden tie", frozenset({12})),
    Atom(AtomKind.CONTENT, "content", frozenset({13}), nullable=False, free=True),
    Atom(AtomKind.CONTENT, "hidden content", frozenset({14})),
    Atom(AtomKind.OPAQUE, "opaque"),
    Atom(AtomKind.OPAQUE, "opaque never null", nullable=False),
]


def _above(inner: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
    two = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        two.map(And),
        two.map(Or),
        two.map(Coalesce),
        inner.map(Not),
        st.builds(Is, inner, st.sampled_from((True, False, None)), st.booleans()),
    )


leaves = st.one_of(st.sampled_from(EXACT), st.sampled_from(PLAIN), st.sampled_from((TRUE, FALSE, NULL)))
formulas = st.recursive(leaves, _above, max_leaves=4)


@dataclass(frozen=True)
class Value:
    """What a column holds: NULL (no tokens and `null`), some tokens at once, or something else; and its properties."""

    tokens: frozenset[str]
    null: bool
    properties: frozenset[str]


@st.composite
def worlds(draw: st.DrawFn, formula: Formula) -> Reach:
    """The reach that is counted in a world that is as the formula's atoms say, and else as it likes."""
    found = list({one.key: one for one in atoms(formula)}.values())
    subjects = {one.exact.subject: None for one in found if one.exact is not None}
    values = {subject: draw(_values(subject, found)) for subject in subjects}
    rows = [one for one in subjects if not one.chosen]
    plain = [one for one in found if one.exact is None]
    free = [one for one in plain if one.free]
    guess = draw(st.randoms(use_true_random=False))
    memory: dict[object, Truth] = {}

    def hidden(one: Atom, place: object, *, fresh: bool) -> Truth:
        key = (one.key, place, fresh)
        if key not in memory:
            # Whatever is in a row, there is one like it that is a stranger's.
            domain = [one for one in _truths(one) if one is not True or not fresh]
            memory[key] = guess.choice(domain if one.kind is AtomKind.TIE else _truths(one))
        return memory[key]

    reached = Reach.NONE
    writes = [one for one in subjects if one.chosen]
    identities = [frozenset[str](), frozenset({"team"}), frozenset({"group"}), frozenset({"team", "group"})]
    for without in identities:
        for written in itertools.product(*(values[one] for one in writes)):
            seen: list[tuple[bool, bool]] = []
            every = itertools.product(*(values[one] for one in rows), *(_truths(one) for one in free))
            for place, fresh in itertools.product(every, (False, True)):
                held = dict(zip([*rows, *free], place, strict=True)) | dict(zip(writes, written, strict=True))
                truths = {one.key: _truth(one, held, without) for one in found if one.exact or one in free}
                for one in plain:
                    if one not in free:
                        truths[one.key] = hidden(one, (without, written, place), fresh=fresh)
                mine = any(truths[one.key] is True for one in found if one.kind is AtomKind.TIE) or _holds_mine(
                    found, held, without
                )
                seen.append((mine, evaluate(formula, truths) is True))
            reached = max(reached, _reach(seen))
    return reached


def _reach(seen: list[tuple[bool, bool]]) -> Reach:
    foreign = [passed for mine, passed in seen if not mine]
    if any(foreign):
        return Reach.ALL if all(foreign) else Reach.SOME
    return Reach.OWN if any(passed for _, passed in seen) else Reach.NONE


def _holds_mine(found: list[Atom], held: Mapping[object, object], without: frozenset[str]) -> bool:
    for one in found:
        asked = one.exact.of if one.exact is not None else None
        value = held.get(one.exact.subject) if one.exact is not None else None
        if (
            isinstance(asked, Token)
            and asked.mine
            and isinstance(value, Value)
            and asked.claim not in without - {""}
            and asked.value in value.tokens
        ):
            return True
    return False


def _truths(one: Atom) -> tuple[Truth, ...]:
    return (True, False, None) if one.nullable else (True, False)


def _truth(one: Atom, held: Mapping[object, object], without: frozenset[str]) -> Truth:
    if one.exact is None:
        value = held[one]
        assert value is None or isinstance(value, bool)
        return value
    holds = held[one.exact.subject]
    assert isinstance(holds, Value)
    match one.exact.of:
        case None:
            return holds.null
        case Property(value):
            return None if holds.null else value in holds.properties
        case Token(value, claim=claim):
            return None if holds.null or (claim and claim in without) else value in holds.tokens


@st.composite
def _values(draw: st.DrawFn, subject: Subject, found: list[Atom]) -> list[Value]:
    """What a subject holds in one world: all that is found, and of the rest something."""
    conditions = [one.exact for one in found if one.exact is not None and one.exact.subject == subject]
    named = {one.of for one in conditions if isinstance(one.of, Token)}
    asked = sorted({one.of for one in conditions if isinstance(one.of, Property)}, key=lambda one: one.value)
    possible = [one for one in named if subject.complete is None or not one.listed or one.value in subject.complete]
    sets = [frozenset({one.value}) for one in sorted(possible, key=lambda one: one.value)]
    given_twice = frozenset(one.value for one in possible if one.mine)
    extra = [given_twice] if len(given_twice) > 1 else []
    if subject.complete is None or not subject.complete <= {one.value for one in named}:
        sets.append(frozenset())
    sure = [one for one in sets if not any(each.value in one and not each.found for each in named)]
    if not subject.free:
        # Whoever it is of, a limited column may still be the persona's own.
        mine = [frozenset({one.value}) for one in possible if one.mine and one.found]
        sure = mine
    extra += [one for one in sets if one not in sure]
    kept = sure + [one for one in extra if draw(st.booleans())]
    made: list[Value] = []
    for one in kept:
        for count in range(len(asked) + 1):
            for true in itertools.combinations(asked, count):
                lone = len(asked) == 1 and not named and asked[0].found and subject.free
                if lone or count == 0 or draw(st.booleans()):
                    made.append(Value(one, null=False, properties=frozenset(each.value for each in true)))
    for each in asked if subject.free else ():
        for holds in (True, False):
            others = [one for one in made if not one.tokens & given_twice]
            if each.found and not any((each.value in one.properties) is holds for one in others):
                of = frozenset({each.value}) if holds else frozenset[str]()
                tokens = draw(st.sampled_from([one for one in sets if not one & given_twice]))
                made.append(Value(tokens, null=False, properties=of))
    if subject.nullable and (subject.free or draw(st.booleans())):
        made.append(Value(frozenset(), null=True, properties=frozenset()))
    if all(one.tokens & given_twice for one in made):
        # A table with rows of the persona alone says nothing.
        made.append(Value(next(one for one in sets if not one & given_twice), null=False, properties=frozenset()))
    return made


@given(data=st.data(), formula=formulas)
def test_no_world_is_outside_of_the_bounds(data: st.DataObject, formula: Formula) -> None:
    measured = data.draw(worlds(formula))
    bounds = decide(formula)
    note(f"{bounds}, measured {measured}")
    assert bounds.at_least <= measured <= bounds.at_most


def test_a_condition_and_its_opposite_decide() -> None:
    one = atom(SUBJECTS[0], A)
    assert decide(And((one, Not(one)))).at_most is Reach.NONE
    assert decide(Or((one, Not(one), atom(SUBJECTS[0], None)))).at_least is Reach.ALL


@pytest.mark.parametrize(
    ("formula", "reach"),
    [
        (Or((atom(SUBJECTS[0], ME), atom(SUBJECTS[0], None))), Reach.SOME),
        (Or((atom(SUBJECTS[0], A), atom(SUBJECTS[0], B))), Reach.SOME),
        (And((atom(SUBJECTS[0], A), atom(SUBJECTS[0], B))), Reach.NONE),
        (And((atom(SUBJECTS[0], ME), atom(SUBJECTS[0], A))), Reach.NONE),
        (And((Not(atom(SUBJECTS[0], None)), atom(SUBJECTS[0], ME))), Reach.OWN),
        (Not(atom(SUBJECTS[0], ME)), Reach.SOME),
        (Not(atom(SUBJECTS[1], ME)), Reach.ALL),
        (Or((atom(SUBJECTS[3], A), atom(SUBJECTS[3], B))), Reach.SOME),
        (atom(SUBJECTS[4], A), Reach.ALL),
        (atom(SUBJECTS[5], A), Reach.ALL),
        (And((atom(SUBJECTS[5], A), atom(SUBJECTS[5], B))), Reach.NONE),
        (And((atom(SUBJECTS[5], A), atom(SUBJECTS[0], ME))), Reach.OWN),
        (And((atom(SUBJECTS[0], ME), atom(SUBJECTS[1], ME))), Reach.OWN),
        (Coalesce((atom(SUBJECTS[0], A), TRUE)), Reach.SOME),
    ],
)
def test_conditions_on_one_column_are_taken_together(formula: Formula, reach: Reach) -> None:
    bounds = decide(formula)
    assert (bounds.at_least, bounds.at_most) == (reach, reach)


def test_what_may_be_missing_is_asked_with_and_without() -> None:
    # Without a team the comparison is NULL for every row, and then COALESCE lets everything through.
    bounds = decide(Coalesce((atom(SUBJECTS[1], MY_TEAM), TRUE)))
    assert (bounds.at_least, bounds.at_most) == (Reach.OWN, Reach.ALL)


def test_two_claims_may_be_the_same() -> None:
    bounds = decide(And((atom(SUBJECTS[0], MY_TEAM), atom(SUBJECTS[0], MY_GROUP))))
    assert (bounds.at_least, bounds.at_most) == (Reach.NONE, Reach.OWN)


def test_negation_of_what_is_not_understood_proves_nothing() -> None:
    opaque = PLAIN[4]
    for formula in (opaque, Not(opaque), Is(opaque, value=None, negated=False)):
        bounds = decide(formula)
        assert (bounds.at_least, bounds.at_most) == (Reach.NONE, Reach.ALL)


def test_a_predicate_with_too_many_conditions_is_not_decided() -> None:
    many = tuple(Atom(AtomKind.CONTENT, f"c{number}", frozenset({number}), free=True) for number in range(40))
    bounds = decide(And(many))
    assert (bounds.at_least, bounds.at_most) == (Reach.NONE, Reach.ALL)
    assert "too many" in bounds.because
    # Each side of an OR is enough by itself all the same.
    assert decide(Or(many)).at_least is Reach.SOME


@pytest.mark.parametrize("kind", list(AtomKind))
def test_an_atom_that_nothing_is_known_of_claims_no_witness(kind: AtomKind) -> None:
    assert decide(Atom(kind, "x")).at_least is Reach.NONE
