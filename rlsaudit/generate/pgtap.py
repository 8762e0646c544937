"""The checks as a script of pgTAP, for `pg_prove` and `supabase test db`."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING

from rlsaudit.names import literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rlsaudit.generate.checks import Check

HELPER = resources.files(__package__).joinpath("helper.sql").read_text("utf-8")
"""SQL that makes the function by which both kinds of tests try a statement."""
_HEADER = """\
-- Who gets at what, as the intent has it. Written by `rlsaudit generate-tests --pgtap`, to be run by a role that owns
-- the tables or that row-level security does not bind, and that may become the API's roles. Everything is rolled back.
-- A table without rows shows nothing, and its checks are skipped: run the seeds before.
begin;
"""


def pgtap(checks: Sequence[Check]) -> str:
    """Returns the script."""
    plan = f"select plan({len(checks)});\n" if checks else "select plan(1);\nselect pass('nothing is exposed');\n"
    return f"{_HEADER}{HELPER}{plan}{''.join(map(_check, checks))}select * from finish();\nrollback;\n"


def _check(check: Check) -> str:
    settings = literal(json.dumps(dict(check.settings), ensure_ascii=False))
    reached = f"pg_temp.rows_reached({settings}, {literal(check.statement)})"
    title = literal(check.title)
    said = f"cmp_ok({reached}, {literal('>' if check.reaches else '=')}, 0::bigint, {title})"
    if check.relation is None:
        return f"select {said};\n"
    skipped = f"skip({literal(f'no rows: {check.title}')}, 1)"
    return f"select case when exists (select from {check.relation}) then {said} else {skipped} end;\n"
