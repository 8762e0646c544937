"""A project on a real server, and tests of its own that use the plugin."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    import pytest

ALICE = "11111111-1111-4111-8111-111111111111"
BOB = "22222222-2222-4222-8222-222222222222"


def made(dsn: str, schema: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(schema.encode())


def ran(pytester: pytest.Pytester, tests: str, *arguments: str) -> pytest.RunResult:
    """What came of tests that use the fixtures; `ALICE` and `BOB` are users' ids."""
    head = f"import psycopg, pytest\nALICE, BOB = {ALICE!r}, {BOB!r}\n"
    pytester.makepyfile(head + textwrap.dedent(tests))
    # In a process of its own: pytester forgets what was imported, and half of ours would be there twice.
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)


def told(result: pytest.RunResult, *words: str) -> None:
    """The output has these, in this order, and nothing of ours that a user has no use for."""
    out = str(result.stdout)
    at = 0
    for word in words:
        found = out.find(word, at)
        assert found >= 0, f"{word!r} is not there, or not in this place:\n{out}"
        at = found + len(word)
    for ours in ("rlsaudit/pytest_plugin", "rlsaudit/connect", "contextlib.py", "site-packages"):
        assert ours not in out, out
