"""Which database is taken, and what is said where none can be."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from installations import DUMPED
from plugin_runs import made, ran, told
from psycopg.conninfo import make_conninfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.engine import Server

pytest_plugins = ["pytester"]

TEST = "def test_it(audited): audited.table('public.t').lets('plugin_reader').select.no_row()"
SCHEMA = (
    "create role plugin_reader login; create table public.t (id int); alter table public.t enable row level security"
)


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in the environment names a database."""
    for name in ("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def project(server: Server) -> Iterator[str]:
    dsn = server.create_database("plugin_configuration")
    made(dsn, SCHEMA)
    yield dsn
    server.drop_database("plugin_configuration")
    made(make_conninfo(dsn, dbname="postgres"), "drop role plugin_reader")


def ini(pytester: pytest.Pytester, *lines: str) -> None:
    pytester.makeini("\n".join(["[pytest]", *lines]))


def refused(pytester: pytest.Pytester, *words: str, arguments: tuple[str, ...] = ()) -> str:
    """The fixture fails with these words, and shows neither a traceback nor the test that asked."""
    result = ran(pytester, TEST, *arguments)
    result.assert_outcomes(errors=1)
    told(result, "ERROR at setup of test_it", *words)
    out = str(result.stdout) + str(result.stderr)
    assert "Traceback" not in out
    assert "fault of rlsaudit's own" not in out
    return out


def test_a_variable_in_the_ini_file(pytester: pytest.Pytester, project: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ini(pytester, "rlsaudit_url = $THE_TEST_DATABASE", "rlsaudit_probe = none")
    monkeypatch.setenv("THE_TEST_DATABASE", project)
    ran(pytester, TEST).assert_outcomes(passed=1)


def test_the_fixture_goes_before_the_ini_file_and_the_command_line_before_both(
    pytester: pytest.Pytester, project: str
) -> None:
    fixture = "@pytest.fixture(scope='session')\ndef rlsaudit_url(): return {!r}\n"
    ini(pytester, "rlsaudit_url = $NOT_SET", "rlsaudit_probe = none")
    ran(pytester, fixture.format(project) + TEST).assert_outcomes(passed=1)
    ran(pytester, fixture.format("host=nowhere.invalid") + TEST, f"--rlsaudit-url={project}").assert_outcomes(passed=1)


def test_paths_of_the_ini_file_start_from_its_directory(pytester: pytest.Pytester) -> None:
    ini(pytester, "rlsaudit_migrations = db", "rlsaudit_intent = db/intent.toml", "rlsaudit_probe = none")
    for name, content in {
        "db/1_init.sql": SCHEMA + "; grant select on t to plugin_reader; create policy p on t using (true)",
        "db/intent.toml": '[[allow]]\nrelation = "public.t"\npersona = "plugin_reader"\nselect = "all"\n',
        "tests/test_t.py": "def test_it(audited):\n"
        "    found = [one for one in audited.report.matrix if one.persona == 'plugin_reader']\n"
        "    assert [one.intended for one in found if one.operation == 'select'] == ['all']\n",
    }.items():
        file = pytester.path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(content, encoding="utf-8")
    pytester.chdir()
    result = pytester.runpytest_inprocess("-c", "tox.ini", "tests")
    result.assert_outcomes(passed=1)


def test_a_clone(pytester: pytest.Pytester, project: str, server: Server) -> None:
    if server.major > DUMPED:
        pytest.skip(f"the tests' packages have no pg_dump of Postgres {server.major}; that it is told has its own test")
    tests = """
    def test_it(audited, as_persona):
        assert audited.report.target.probe == "clone"
        with as_persona("plugin_reader") as db:  # of the database itself
            assert db.rows("select current_database()::text") == [("plugin_configuration",)]
            db.refuses("select * from t", by="grant")
    """
    ran(pytester, tests, f"--rlsaudit-url={project}", "--rlsaudit-probe=clone").assert_outcomes(passed=1)


def test_no_database(pytester: pytest.Pytester, project: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", project)
    refused(pytester, "There is no database to audit.", "rlsaudit_migrations", "DATABASE_URL is not taken by itself")


def test_two_databases(pytester: pytest.Pytester, project: str) -> None:
    arguments = (f"--rlsaudit-url={project}", "--rlsaudit-migrations=.")
    refused(pytester, "There is both a database and migrations to make one from.", arguments=arguments)


def test_no_such_variable(pytester: pytest.Pytester) -> None:
    ini(pytester, "rlsaudit_url = ${NOT_SET}")
    refused(pytester, "names the environment variable NOT_SET, which is not set.")


def test_no_such_mode(pytester: pytest.Pytester) -> None:
    arguments = ("--rlsaudit-migrations=.", "--rlsaudit-probe=clone")
    refused(pytester, "There is no probe mode 'clone' here.", "none, read, write.", arguments=arguments)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://someone:S3cret@127.0.0.1:1/none", "127.0.0.1"),
        ("postgresql://someone:S3cret@@host/none", "mean something else in a URL"),
        ("mysql://someone:S3cret@host/none", "is not for Postgres"),
        ("S3cret", "is neither a postgresql:// URL nor"),
    ],
)
def test_an_address_that_leads_nowhere_is_not_repeated(pytester: pytest.Pytester, url: str, words: str) -> None:
    ini(pytester, f"rlsaudit_url = {url}")
    out = refused(pytester, words, arguments=("--showlocals",))
    assert "S3cret" not in out


def test_migrations_that_fail(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("1_init.sql").write_text("create table t (id int);\nselect nothing;\n", encoding="utf-8")
    arguments = ("--rlsaudit-migrations=.",)
    refused(pytester, "A migration failed, so nothing was audited: 1_init.sql:2: ", "42703", arguments=arguments)


def test_nothing_of_ours_is_loaded_where_no_fixture_is_asked_for(pytester: pytest.Pytester) -> None:
    tests = """
    import sys

    def test_it():
        ours = {one for one in sys.modules if one.startswith("rlsaudit")}
        assert ours == {"rlsaudit", "rlsaudit.pytest_plugin"}
    """
    pytester.makepyfile(tests)
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_the_command_line_does_without_pytest(pytester: pytest.Pytester) -> None:
    code = "import sys; sys.modules['pytest'] = None; from rlsaudit.cli import main; main(['rules'])"
    result = pytester.run(sys.executable, "-c", code)
    assert result.ret == 0
    assert "rls-off" in str(result.stdout)
