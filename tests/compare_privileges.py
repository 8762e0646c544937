"""Compares every privilege in a database with what its server says: `python tests/compare_privileges.py CONNINFO`.

For databases that nobody here wrote. It asks as superuser, in a transaction that is rolled back.
"""

from __future__ import annotations

import sys
from collections import Counter

from privileges_oracle import answers, oracle

from rlsaudit.access import Access
from rlsaudit.catalog import Catalog, take
from rlsaudit.connect import connect

MOST = 20


def main() -> int:
    """Prints how many answers were compared, and those that differ; returns an exit code."""
    with connect(sys.argv[1], statement_timeout_ms=600_000) as session, session.rolled_back():
        snapshot = take(session)
        roles = [one.name for one in snapshot.roles]
        expected = oracle(session, roles, [one.name for one in snapshot.parameters])
    found = answers(Access(Catalog(snapshot)), expected)
    wrong = [key for key, told in expected.items() if found[key] != told]
    kinds = Counter(kind for kind, *_ in expected)
    print(f"{len(roles)} roles, {len(snapshot.relations)} relations, {len(snapshot.functions)} functions:", end=" ")  # noqa: T201
    print(f"{len(expected)} answers compared, {len(wrong)} differ ({dict(kinds)})")  # noqa: T201
    for key in wrong[:MOST]:
        print(key, "server:", expected[key], "rlsaudit:", found[key])  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
