"""Reads Markdown as GitHub does, more or less: what is HTML in it, and what words stand outside of code."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

TAGS = re.compile(r"</?(?:details|summary|b|code|sub)>|<!-- rlsaudit -->")
"""All the HTML that we write."""

MARKED = frozenset({"link_open", "image", "em_open", "s_open", "code_inline", "code_block", "blockquote_open", "hr"})
"""What we never write, so that it can only come from the database."""

LINKED = re.compile(r"(?i)(?<!\w)[@#!~^$]\w|://|www\.|\b[0-9a-f]{7,40}\b|:\w+:|\bGH-\d")
"""What GitHub or GitLab would make a link or a picture of, outside of code."""


def tokens(text: str) -> Iterator[Token]:
    for token in READER.parse(text):
        yield token
        yield from token.children or ()


def markup(text: str) -> tuple[list[str], list[str]]:
    """Returns the kinds of the tokens, and the HTML among them."""
    found = list(tokens(text))
    html = [each for token in found if token.type.startswith("html") for each in re.findall(r"<[^>]*>?", token.content)]
    return [token.type for token in found], html


class _Outside(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not [name for name, _ in attrs if name not in {"class", "start"}]
        self._depth += tag in {"code", "pre"}

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag in {"code", "pre"}

    def handle_data(self, data: str) -> None:
        if not self._depth:
            self.words.append(data)


def outside_code(text: str) -> str:
    """Returns the words that a second reading, for mentions and links, would see."""
    reader = _Outside()
    reader.feed(READER.render(text))
    return "\0".join(reader.words)


def seen(text: str) -> str:
    """Returns all that people see."""
    return re.sub(r"<[^>]*>", "", READER.render(text))
