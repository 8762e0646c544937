"""The situations that the conditions of a predicate can be in: what a column may be, what a client may write.

Conditions on one subject are taken together: a column is NULL, or one of the values that it is compared with, or some
other. Conditions that are not understood so well are true, false or NULL by themselves.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.policy.formula import Atom, AtomKind, Condition, Property, Subject, Token, Truth

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_MOST_PROPERTIES = 6


@dataclass(frozen=True, slots=True)
class Situation:
    """What each of a variable's atoms is, by key.

    `found` says that there is a row (or a client) in it, whichever of their found situations the other variables are
    in; otherwise there may be none. `mine` says that the row is the persona's own.
    """

    truths: tuple[tuple[str, Truth], ...]
    found: bool
    mine: bool


@dataclass(frozen=True, slots=True)
class Variable:
    """Atoms that are decided together, and all of their situations. `chosen` by the client, else given by the row."""

    atoms: tuple[Atom, ...]
    parts: frozenset[int | str]
    chosen: bool
    situations: tuple[Situation, ...]

    @property
    def found(self) -> bool:
        """Whether any of its situations is surely found."""
        return any(one.found for one in self.situations)


def variables(
    found: Iterable[Atom], *, null_matters: bool, without: frozenset[str] = frozenset()
) -> list[Variable] | None:
    """Returns what the atoms depend on; None where that is too much.

    Args:
        found: The atoms, each once.
        null_matters: Whether NULL has to be told from false.
        without: The claims that the identity is without.
    """
    subjects: dict[str, list[Atom]] = {}
    made: list[Variable] = []
    for atom in found:
        if atom.exact is None:
            made.append(_alone(atom, null_matters=null_matters))
        else:
            subjects.setdefault(atom.exact.subject.name, []).append(atom)
    for atoms in subjects.values():
        together = _together(atoms, null_matters=null_matters, without=without)
        if together is None:
            return None
        made.append(together)
    shared = Counter(part for one in made if one.found for part in one.parts)
    return _with_lone_tie([_if_alone(one, shared) for one in made])


def _alone(atom: Atom, *, null_matters: bool) -> Variable:
    domain: list[Truth] = [True, False]
    if null_matters and atom.nullable:
        domain.append(None)
    situations = tuple(
        Situation(((atom.key, value),), atom.free, mine=atom.kind is AtomKind.TIE and value is True) for value in domain
    )
    return Variable((atom,), atom.columns, atom.kind is AtomKind.CHOSEN, situations)


def _together(atoms: Sequence[Atom], *, null_matters: bool, without: frozenset[str]) -> Variable | None:
    conditions = [one.exact for one in atoms if one.exact is not None]
    subject = conditions[0].subject
    properties = sorted({one.of.value for one in conditions if isinstance(one.of, Property)})
    if len(properties) > _MOST_PROPERTIES:
        return None
    merged: dict[tuple[tuple[tuple[str, Truth], ...], bool], bool] = {}
    for case in _cases(subject, conditions, properties, without):
        truths = tuple((one.key, _truth(one, case, null_matters=null_matters, without=without)) for one in atoms)
        merged[truths, case.mine] = merged.get((truths, case.mine), False) or case.found
    situations = tuple(Situation(truths, found, mine) for (truths, mine), found in merged.items())
    return Variable(tuple(atoms), subject.parts, subject.chosen, situations)


@dataclass(frozen=True, slots=True)
class _Case:
    """What a subject is: NULL (None), or a value that is one of the tokens, or none of them."""

    value: frozenset[str] | None
    properties: frozenset[str]
    found: bool
    mine: bool


def _cases(
    subject: Subject, conditions: Sequence[Condition], properties: Sequence[str], without: frozenset[str]
) -> Iterator[_Case]:
    if subject.nullable:
        yield _Case(None, properties=frozenset(), found=subject.free and subject.null_found, mine=False)
    tokens = [one.of for one in conditions if isinstance(one.of, Token) and one.of.claim not in without]
    # Which of several properties go together, or with which value, is not known.
    lone = [one.of for one in conditions if isinstance(one.of, Property)]
    simple = not properties or (len(properties) == 1 and not tokens and all(one.found for one in lone))
    for value, found, mine in _values(subject, tokens):
        for count in range(len(properties) + 1):
            for true in itertools.combinations(properties, count):
                yield _Case(value, frozenset(true), subject.free and found and simple, mine)


def _values(subject: Subject, tokens: Sequence[Token]) -> Iterator[tuple[frozenset[str], bool, bool]]:
    """The tokens that a value that is not NULL is: with whether it is found, and is the persona's own."""
    named: dict[str, tuple[bool, bool]] = {}
    for one in tokens:
        if subject.complete is not None and one.listed and one.value not in subject.complete:
            continue
        found, mine = named.get(one.value, (False, False))
        named[one.value] = (found or one.found, mine or one.mine)
    for value, (found, mine) in named.items():
        yield frozenset({value}), found, mine
    # What the server gave may be given twice, under two names.
    own = [value for value, (_, mine) in named.items() if mine]
    for count in range(2, len(own) + 1):
        for alike in itertools.combinations(own, count):
            yield frozenset(alike), False, True
    if subject.complete is None:
        # A type has some value at least.
        yield frozenset(), subject.other_found or not named, False
    elif not subject.complete <= named.keys():
        yield frozenset(), True, False


def _truth(atom: Atom, case: _Case, *, null_matters: bool, without: frozenset[str]) -> Truth:
    asked = atom.exact.of if atom.exact is not None else None
    result: Truth
    if asked is None:
        result = case.value is None
    elif case.value is None:
        result = None
    elif isinstance(asked, Property):
        result = asked.value in case.properties
    else:
        result = None if asked.claim in without else asked.value in case.value
    return result if null_matters or result is not None else False


def _if_alone(variable: Variable, shared: Mapping[int | str, int]) -> Variable:
    """Two that depend on one column are found in any situation each, but not in any two."""
    if not variable.found or all(shared[part] == 1 for part in variable.parts):
        return variable
    situations = tuple(Situation(one.truths, found=False, mine=one.mine) for one in variable.situations)
    return Variable(variable.atoms, variable.parts, variable.chosen, situations)


def _with_lone_tie(found: list[Variable]) -> list[Variable]:
    """A column that a constraint limits can still be somebody's, where nothing else that is limited is asked for."""
    limited = [one for one in found if not one.found and not one.chosen and one.parts]
    if len(limited) != 1 or len(limited[0].atoms) != 1:
        return found
    (tie,) = limited[0].atoms
    asked = tie.exact.of if tie.exact is not None else None
    if (
        not isinstance(asked, Token)
        or not asked.mine
        or not asked.found
        or any(one is not limited[0] and one.parts & limited[0].parts for one in found)
    ):
        return found
    situations = tuple(Situation(one.truths, one.mine, one.mine) for one in limited[0].situations)
    lone = Variable(limited[0].atoms, limited[0].parts, chosen=False, situations=situations)
    return [lone if one is limited[0] else one for one in found]
