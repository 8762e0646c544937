"""The tables whose rows decide on rows of others: those that policies and what they call may read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rlsaudit.policy.renamed import nameless

if TYPE_CHECKING:
    from rlsaudit.catalog import Catalog

_WORD = re.compile(r"\w+")


def asked_about(catalog: Catalog) -> frozenset[int]:
    """Returns the tables (OIDs) that a condition on another table may read, however indirectly, or a key leads to.

    By their names as words of texts, so that none is missed: of policies, of the functions and views that these name,
    of functions that name a table of which that is so, as they may write it, and so on.
    """
    names = {one.oid: one.name for one in catalog.snapshot.relations}
    own = {one.oid: one for one in catalog.snapshot.relations if one.kind != "S"}
    texts = {
        nameless(text, names[one.relation])
        for one in catalog.snapshot.policies
        for text in (one.using, one.check)
        if text and one.relation in names
    }
    words = {word for text in texts for word in _WORD.findall(text)}
    # An operator's function is not named where it is called.
    depended_on = {oid for one in catalog.snapshot.policies for oid in one.functions}
    words |= {catalog.functions[oid].name for oid in depended_on if oid in catalog.functions}
    functions = [
        (one.name, frozenset(_WORD.findall(f"{one.body} {one.defaults or ''}")))
        for one in catalog.snapshot.functions
        if one.extension is None
    ]
    views = [
        (catalog.relations[oid].name, frozenset(_WORD.findall(rule.definition or "")))
        for oid, rules in catalog.rewrites.items()
        for rule in rules
        if oid in catalog.relations
    ]
    named = {one.name for one in own.values()} & words
    while True:
        called = [held for name, held in functions if name in words or not held.isdisjoint(named)]
        called += [held for name, held in views if name in words]
        more = words.union(*called) if called else words
        if more == words:
            break
        words = more
        named = {one.name for one in own.values()} & words
    found: set[int] = set()
    waiting = [oid for oid, one in own.items() if one.name in words or _is_odd(one.name)]
    while waiting:
        oid = waiting.pop()
        if oid not in found:
            found.add(oid)
            waiting.extend(one.foreign_relation for one in catalog.constraints[oid] if one.foreign_relation)
    return frozenset(found)


def _is_odd(name: str) -> bool:
    """Whether a name is no word, and so is not found among words."""
    return _WORD.fullmatch(name) is None
