"""The checks as a file of pytest, which needs psycopg and the database by DATABASE_URL."""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING

from rlsaudit.generate.pgtap import HELPER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rlsaudit.generate.checks import Check

_FILE = Template('''\
"""Who gets at what, as the intent has it. Written by `rlsaudit generate-tests --pytest`.

DATABASE_URL is that of a role that owns the tables or that row-level security does not bind, and that may become the
API's roles. Everything is rolled back. A table without rows shows nothing, and its checks are skipped: run the seeds
before.
"""

import json
import os

import psycopg
import pytest

HELPER = $helper
SETTINGS = {
$settings}
CHECKS = [
$checks]


@pytest.fixture(scope="module")
def connection():
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute(HELPER)
        yield connection
        connection.rollback()


@pytest.mark.parametrize(
    ("persona", "statement", "relation", "reaches"),
    [check[1:] for check in CHECKS],
    ids=[check[0] for check in CHECKS],
)
def test_reach_is_as_meant(connection, persona, statement, relation, reaches):
    if relation is not None and not connection.execute(f"select exists (select from {relation})").fetchone()[0]:
        pytest.skip("no rows")
    settings = json.dumps(SETTINGS[persona])
    (reached,) = connection.execute("select pg_temp.rows_reached(%s, %s)", [settings, statement]).fetchone()
    assert (reached > 0) is reaches
''')


def pytest_file(checks: Sequence[Check]) -> str:
    """Returns the file."""
    number: dict[tuple[tuple[str, str], ...], int] = {}
    for one in checks:
        number.setdefault(tuple(one.settings.items()), len(number))
    return _FILE.substitute(
        helper=ascii(HELPER),
        settings="".join(f"    {place}: {dict(made)!a},\n" for made, place in number.items()),
        checks="".join(f"    {_row(one, number[tuple(one.settings.items())])},\n" for one in checks),
    )


def _row(check: Check, persona: int) -> str:
    return ascii((check.title, persona, check.statement, check.relation, check.reaches))
