"""Where a finding is: at a line of a file, or, where the live database was audited, in no file at all.

Some formats must name a file all the same. Then the object stands in for it, below a directory that says so:
`database/view public.notes_view`. It is one segment of a path, whatever the database called its objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from rlsaudit.report.escape import printable
from rlsaudit.report.finding import about

if TYPE_CHECKING:
    from rlsaudit.model import Finding

DATABASE = "database"
"""The directory of what is in no file."""


def stand_in(finding: Finding) -> str:
    """Name the object as a path would: relative, without a way up."""
    return f"{DATABASE}/{printable(about(finding)).replace('/', '%2F')}"


def uri(path: str) -> str:
    """Write a path as a relative reference of a URI."""
    try:
        octets = path.encode("utf-8", "surrogateescape")  # as Python reads file names that are no text
    except UnicodeEncodeError:
        octets = printable(path).encode()
    # A colon in the first segment would make a scheme of what is before it, so it is written as %3A, too.
    return quote(octets, safe="/")
