"""The pytest plugin: access rules as tests, which fail with the evidence. docs/pytest.md tells how to use it.

pytest loads this module in every run of a project that has rlsaudit installed, wanted or not: so it imports nothing of
ours until a fixture is asked for. No module in here may have the name of a fixture: importing it would put it in the
fixture's place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rlsaudit.pytest_plugin.asking import Opening
    from rlsaudit.pytest_plugin.assertions import Audited

_OPTIONS = (
    ("url", "URL", "The test database: a connection string, or $NAME for the environment variable of that name."),
    ("migrations", "PATH", "What to replay in a throwaway Postgres: a repository, migrations, or a dump."),
    ("intent", "FILE", "What is meant to be reached (docs/intent.md)."),
    ("probe", "MODE", "none, read, write or clone, as for `rlsaudit audit`; write for migrations, else read."),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options, each for the command line and for the ini file."""
    group = parser.getgroup("rlsaudit", "who can read or write what in Postgres")
    for name, metavar, about in _OPTIONS:
        group.addoption(f"--rlsaudit-{name}", metavar=metavar, default=None, help=about)
        parser.addini(f"rlsaudit_{name}", about, default="")


@pytest.fixture(scope="session")
def rlsaudit_url() -> str | None:
    """The connection string of the test database, for a `conftest.py` to override where it is known only then."""
    return None


@pytest.fixture(scope="session")
def audited(request: pytest.FixtureRequest, rlsaudit_url: str | None) -> Iterator[Audited]:
    """The audit of the database that the options name: made once, and there until the last test is done."""
    __tracebackhide__ = True
    from rlsaudit.pytest_plugin.configured import configured  # noqa: PLC0415 — not in runs that do without
    from rlsaudit.pytest_plugin.failing import guarded  # noqa: PLC0415
    from rlsaudit.pytest_plugin.opened import opened  # noqa: PLC0415

    with guarded():
        wanted = configured(request.config, rlsaudit_url)
    with opened(wanted) as found:
        yield found


@pytest.fixture
def as_persona(audited: Audited) -> Callable[..., Opening]:
    """What opens a transaction as somebody, to be rolled back in the end.

    It is used as in `with as_persona("anon") as db: …`.
    """
    from rlsaudit.pytest_plugin.asking import asking_in  # noqa: PLC0415 — not in runs that do without

    return asking_in(audited)
