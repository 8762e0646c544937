r"""Markdown and HTML in which every word from the database is a word, and nothing else.

GitHub and GitLab read a comment twice: as Markdown with HTML in it, and then once more for mentions (`@somebody`),
references (`#1`, `!1`, a commit's hash), addresses and emoji. Against the first reading, whatever is not a letter or a
digit becomes a numeric entity, which CommonMark takes for text everywhere, within HTML and within the cells of tables
as well (a backslash does neither). Against the second, words that could be taken for any of these stand in code.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rlsaudit.report.escape import printable
from rlsaudit.report.words import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MARKS = re.compile(
    r"""
      (?<!\w)-                      # what begins a list; within a word it is a hyphen
    | (?<=[0-9])[.)](?=\ |\Z)      # so does a number
    | [^\w ,.;:()/?'"-] | _
    """,
    re.VERBOSE,
)
"""What might mean something to Markdown or HTML, within a line or at its beginning."""

_TAKEN_FOR_MORE = re.compile(
    r"""
      [@\#!$%&~^]                   # mentions and references: @user, #1, !1, $1, %"milestone", &1, ~label; mathematics
    | ://|www\.                     # addresses
    | :\S+:                         # emoji
    | \b[0-9a-f]{7,}\b              # a commit
    | \b[A-Z][A-Z0-9]*-\d           # GH-1, and keys of other trackers
    """,
    re.VERBOSE | re.IGNORECASE,
)


def entities(text: str) -> str:
    """Write text out so that Markdown and HTML take it as it is, in a line of any of both."""
    return _MARKS.sub(lambda match: f"&#{ord(match[0])};", printable(text))


def tag(text: str) -> str:
    """Write code where Markdown's own is no use: within HTML and in the cells of tables."""
    return f"<code>{entities(text)}</code>"


def span(text: str) -> str:
    """Write code within a paragraph, without HTML."""
    shown = printable(text)
    if not shown.strip():
        return shown
    fence = "`" * (_longest_run(shown) + 1)
    # A space at both ends is taken off again, and keeps a backtick there from joining the fence.
    pad = " " if {shown[0], shown[-1]} & {"`", " "} else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def prose(text: str, most: int = 2000, *, code: Callable[[str], str] = tag) -> str:
    """Write a sentence that may hold names from the database: words that could be taken for more stand in code.

    Args:
        text: The sentence.
        most: Characters, beyond which it is cut, visibly.
        code: How to write code where it will stand.

    Returns:
        At most nine bytes for a character, and the code's marks.
    """
    words = shortened(printable(text), most).split()
    return " ".join(code(word) if _TAKEN_FOR_MORE.search(word) else entities(word) for word in words)


def fenced(lines: Sequence[str], language: str = "sql") -> str:
    """Write lines as a block of code, whose fence is longer than any within it."""
    fence = "`" * max(3, _longest_run("\n".join(lines)) + 1)
    return "\n".join([f"{fence}{language}", *lines, fence])


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
