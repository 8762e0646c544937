"""A project on a real server, and tests of its own that use the plugin."""

from __future__ import annotations

import importlib
import pkgutil
import textwrap
from typing import TYPE_CHECKING

import psycopg

import rlsaudit

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
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", *arguments)


# pytester forgets what a run has imported: of modules that others still hold, there would be two of each in the next.
for module in pkgutil.walk_packages(rlsaudit.__path__, "rlsaudit."):
    if module.name not in {"rlsaudit.__main__", "rlsaudit.report.schema"}:
        importlib.import_module(module.name)


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
