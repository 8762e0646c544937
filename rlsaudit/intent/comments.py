"""What comments in the database say of intent: `comment on table public.posts is '… @rlsaudit public-read …'`."""

from __future__ import annotations

import glob
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.intent.meaning import FunctionRule
from rlsaudit.intent.names import closest, suggested
from rlsaudit.intent.zones import EVERY_PERSONA, WORDS, Member

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MARK = re.compile(r"@rlsaudit\b[ \t]*(?P<word>[\w-]*)")
_OF_FUNCTIONS = ("public", "signed-in", "server-only")


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment that speaks to rlsaudit, on a `relation`, `function` or `column` of that identity."""

    kind: str
    identity: str
    text: str

    @property
    def place(self) -> str:
        """Where it is, to be found again."""
        return f"the comment on {self.kind} {self.identity}"

    @property
    def words(self) -> tuple[str, ...]:
        """What stands behind `@rlsaudit`, each time that it is there."""
        return tuple(found["word"] for found in _MARK.finditer(self.text))


@dataclass(frozen=True, slots=True)
class Misread:
    """A comment that says nothing, and why."""

    place: str
    why: str


def members(remarks: Iterable[Remark]) -> Iterator[Member]:
    """Yields the zones of relations that comments name."""
    for one in remarks:
        if one.kind == "relation":
            for word in one.words:
                if word in WORDS:
                    yield Member(WORDS[word], (glob.escape(one.identity),), place=one.place)


def functions(remarks: Iterable[Remark], signed_in: tuple[str, ...]) -> Iterator[FunctionRule]:
    """Yields who may call the functions that comments speak of."""
    callers = {"public": EVERY_PERSONA, "signed-in": signed_in, "server-only": ()}
    for one in remarks:
        if one.kind == "function":
            for word in one.words:
                if (zone := WORDS.get(word)) in callers:
                    yield FunctionRule((glob.escape(one.identity),), callers[zone], declared=True, place=one.place)


def misread(remarks: Iterable[Remark]) -> Iterator[Misread]:
    """Yields what comments say that means nothing: a word that is unknown, or of another kind of object."""
    for one in remarks:
        known = tuple(word for word, zone in WORDS.items() if one.kind != "function" or zone in _OF_FUNCTIONS)
        for word in one.words:
            if one.kind == "column":
                yield Misread(one.place, "comments on columns say nothing; say it of the relation")
            elif not word:
                yield Misread(one.place, f"no word stands behind @rlsaudit. Known here: {', '.join(known)}.")
            elif word in WORDS and word not in known:
                yield Misread(one.place, f'"{word}" is a word for relations. Known here: {", ".join(known)}.')
            elif word not in known:
                near = suggested(closest(word, known)).strip() or f"Known here: {', '.join(known)}."
                yield Misread(one.place, f'the word "{word}" is unknown. {near}')
