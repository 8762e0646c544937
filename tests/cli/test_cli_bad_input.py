"""What users get wrong, through the real command: a message, a hint, code 2, and no credential."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg
import pytest
from command import environment, rlsaudit, start
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from rlsaudit.connect import check_version
from rlsaudit.errors import ConnectionFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from command import Answer

    from rlsaudit.engine import Server

    Ask = Callable[..., Answer]

PASSWORD = "geheim@:/?#% 'wort"  # noqa: S105
ENCODED = quote(PASSWORD, safe="")
_numbers = itertools.count(1)


def url(conninfo: str, *, user: str | None = None, password: str = "", database: str | None = None) -> str:
    parts = conninfo_to_dict(conninfo)
    place = f"host={quote(str(parts['host']), safe='')}&port={parts['port']}"
    name = quote(database or str(parts["dbname"]), safe="")
    return f"postgresql://{user or parts['user']}:{quote(password, safe='')}@/{name}?{place}"


@pytest.fixture
def login(database: str) -> Iterator[str]:
    name = f"cli_login_{next(_numbers)}"
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute(f"create role {name} login")
        yield name
        admin.execute(f"drop owned by {name}")
        admin.execute(f"drop role {name}")


@pytest.fixture
def guarded(server: Server, database: str, login: str) -> Iterator[str]:
    """A role that the server asks for its password, which is `PASSWORD`."""
    assert server.provider != "url", "pg_hba.conf of a server that is not ours stays as it is"
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute(sql.SQL("alter role {} password {}").format(sql.Identifier(login), sql.Literal(PASSWORD)))
        path, before = admin.execute(
            "select setting, pg_read_file(setting) from pg_settings where name = 'hba_file'"
        ).fetchall()[0]

        def write(content: str) -> None:
            lines = sql.SQL(", ").join(map(sql.Literal, content.splitlines()))
            admin.execute(sql.SQL("copy (select unnest(array[{}])) to {}").format(lines, sql.Literal(path)))
            admin.execute("select pg_reload_conf()")

        write(f"local all {login} scram-sha-256\nhost all {login} all scram-sha-256\n{before}")
        try:
            with contextlib.suppress(psycopg.OperationalError):
                for _ in range(100):
                    psycopg.connect(make_conninfo(database, user=login, password="")).close()
                    time.sleep(0.05)
            yield login
        finally:
            write(before)


def no_credential(*texts: str) -> None:
    for text in texts:
        for secret in (PASSWORD, ENCODED, "geheim", "wort"):
            assert secret not in text


class TestConnecting:
    def test_a_wrong_password_is_named_and_not_shown(self, database: str, guarded: str) -> None:
        answer = rlsaudit("audit", url(database, user=guarded, password=f"{PASSWORD}x"))
        answer.refused("password", guarded)
        no_credential(answer.err)

    def test_the_right_password_is_shown_nowhere(self, database: str, guarded: str) -> None:
        target = url(database, user=guarded, password=PASSWORD)
        for arguments in (["audit", target], ["audit", target, "--format", "json"], ["snapshot", target]):
            answer = rlsaudit(*arguments)
            assert answer.code == 0, answer.err
            no_credential(answer.out, answer.err)
        by_environment = rlsaudit("audit", env=environment(DATABASE_URL=target))
        assert by_environment.code == 0
        no_credential(by_environment.out, by_environment.err)

    def test_help_shows_nothing_of_the_environment(
        self, ask: Ask, database: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", url(database, password=PASSWORD))
        monkeypatch.setenv("PGPASSWORD", PASSWORD)
        for command in ([], ["audit"], ["snapshot"], ["demo"], ["engine"], ["rules"], ["explain"]):
            answer = ask(*command, "--help")
            assert answer.code == 0
            no_credential(answer.out, answer.err)

    @pytest.mark.parametrize(
        ("target", "words"),
        [
            (f"postgresql://u:{ENCODED}@127.0.0.1:1/app", ["Nothing listens", "127.0.0.1:1"]),
            (f"postgresql://u:{ENCODED}@no-such-host.invalid/app", ["no-such-host.invalid"]),
            (f"postgresql://u:{PASSWORD}@host/app", ["cannot be understood"]),
            (f"mysql://u:{ENCODED}@host/app", ["another scheme"]),
            (f"https://u:{ENCODED}@host.example", ["web address"]),
            (f"host=h password='{ENCODED}' nonsense=1", ["does not know"]),
            (f"postgresql://u:{ENCODED}@127.0.0.1:notaport/app", ["port"]),
            (f"u:{ENCODED}@host/app", ["neither"]),
            (f"postgresql://u:{ENCODED * 9}@127.0.0.1:1/app", ["Nothing listens"]),
            (f"u:{ENCODED * 9}@host", ["neither"]),
            ("", ["empty"]),
        ],
    )
    def test_what_is_no_database_is_told_without_the_password(self, ask: Ask, target: str, words: list[str]) -> None:
        answer = ask("audit", target)
        answer.refused(*words)
        no_credential(answer.err)

    def test_without_a_target_it_says_how_to_give_one(self) -> None:
        rlsaudit("audit").refused("No database is given", "DATABASE_URL")
        rlsaudit("snapshot").refused("No database is given")

    def test_a_database_that_is_not_there(self, database: str) -> None:
        rlsaudit("audit", url(database, database="not there")).refused("no database", "not there")

    def test_a_role_that_is_not_there(self, database: str) -> None:
        rlsaudit("audit", url(database, user="nobody_here")).refused("nobody_here")

    def test_a_role_without_connect(self, database: str, login: str) -> None:
        name = sql.Identifier(str(conninfo_to_dict(database)["dbname"]))
        with psycopg.connect(database, autocommit=True) as admin:
            admin.execute(sql.SQL("revoke connect on database {} from public").format(name))
        rlsaudit("audit", url(database, user=login)).refused(login, "may not connect", "grant connect")

    def test_a_role_that_may_not_log_in(self, database: str, login: str) -> None:
        with psycopg.connect(database, autocommit=True) as admin:
            admin.execute(f"alter role {login} nologin")
        rlsaudit("audit", url(database, user=login)).refused(login, "may not log in")

    def test_what_is_not_a_postgres(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:

            def answer_as_the_web_does() -> None:
                for _ in range(2):
                    with contextlib.suppress(OSError):
                        connection, _ = listening.accept()
                        with connection:
                            connection.recv(1024)
                            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

            threading.Thread(target=answer_as_the_web_does, daemon=True).start()
            port = listening.getsockname()[1]
            answer = rlsaudit("audit", f"postgresql://u:{ENCODED}@127.0.0.1:{port}/app")
        answer.refused("does not speak as Postgres does")
        no_credential(answer.err)

    def test_a_server_that_is_too_old(self) -> None:
        with pytest.raises(ConnectionFailedError, match=r"Postgres 13\.4; rlsaudit needs 14"):
            check_version(130_004)

    def test_database_url_stands_in_for_the_argument(self, database: str) -> None:
        answer = rlsaudit("audit", env=environment(DATABASE_URL=url(database)))
        assert (answer.code, answer.err) == (0, "")
        assert str(conninfo_to_dict(database)["dbname"]) in answer.out

    def test_a_broken_database_url_is_called_by_its_name(self) -> None:
        answer = rlsaudit("audit", env=environment(DATABASE_URL=f"postgres//u:{ENCODED}@h/d"))
        answer.refused("DATABASE_URL")
        no_credential(answer.err)

    def test_the_variables_of_libpq_name_a_database(self, database: str) -> None:
        parts = conninfo_to_dict(database)
        variables = environment(
            PGHOST=str(parts["host"]),
            PGPORT=str(parts["port"]),
            PGUSER=str(parts["user"]),
            PGDATABASE=str(parts["dbname"]),
        )
        answer = rlsaudit("audit", env=variables)
        assert (answer.code, answer.err) == (0, "")

    def test_a_service_file_names_a_database(self, database: str, tmp_path: Path) -> None:
        parts = conninfo_to_dict(database)
        lines = [f"{key}={parts[key]}" for key in ("host", "port", "user", "dbname")]
        services = tmp_path / "pg_service.conf"
        services.write_text("\n".join(["[mine]", *lines, f"password={PASSWORD}", ""]))
        variables = environment(PGSERVICEFILE=str(services), PGSERVICE="mine")
        answer = rlsaudit("audit", env=variables)
        assert (answer.code, answer.err) == (0, "")
        no_credential(answer.out)
        rlsaudit("audit", env=variables | {"PGSERVICE": "other"}).refused("service")


class TestOptions:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--role", "no_such_role"], ["no role", "no_such_role"]),
            (["--schema", "no_such_schema"], ["no schema", "no_such_schema"]),
            (["--schema", ""], ["no schema"]),
            (["--format", "yaml"], ["no format", "json", "text"]),
            (["--probe", "everything"], ["does not exist", "none, read, write"]),
            (["--fail-on", "terrible"], ["no severity", "critical"]),
            (["--intent", "missing.toml"], ["missing.toml"]),
            (["--intent", "."], ["."]),
            (["--intent", "not-toml.toml"], ["not-toml.toml"]),
            (["--intent", "binary.toml"], ["binary.toml"]),
            (["--output", "no/such/directory/report.txt"], ["cannot be written"]),
            (["--output", "."], ["is a directory"]),
            (["--output", "/dev/full"], ["cannot be written", "No space"]),
            (["--no-such-option"], ["--no-such-option"]),
            (["--role"], ["--role"]),
            (["--strict", "one", "two"], ["two"]),
        ],
    )
    def test_options_that_mean_nothing_are_refused(
        self, ask: Ask, database: str, tmp_path: Path, arguments: list[str], words: list[str]
    ) -> None:
        (tmp_path / "not-toml.toml").write_text("[relations\n")
        (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
        ask("audit", url(database), *arguments).refused(*words)

    @pytest.mark.parametrize("command", [["matrix"], ["explain", "--cell", "anon", "select", "public.notes"]])
    @pytest.mark.parametrize("way", ["url", "conninfo", "DATABASE_URL", "PGHOST"])
    def test_what_answers_questions_writes_to_no_database(
        self, ask: Ask, monkeypatch: pytest.MonkeyPatch, command: list[str], way: str
    ) -> None:
        """It is not even connected to: nobody is there who could refuse."""
        targets = {"url": "postgresql://192.0.2.1/app", "conninfo": "host=192.0.2.1 dbname=app"}
        monkeypatch.setenv(way, "192.0.2.1" if way == "PGHOST" else targets["url"])
        named = [targets[way]] if way in targets else []
        said = ask(*command, "--probe", "write", *named)
        said.refused("rlsaudit: This command only reads a database.", "`rlsaudit audit --probe write`")
        assert "leave out --probe" in said.err

    @pytest.mark.parametrize("command", [["matrix"], ["explain", "--cell", "anon", "select", "public.notes"]])
    def test_where_a_clone_is_not_made_it_is_said_what_there_is(self, ask: Ask, command: list[str]) -> None:
        ask(*command, "--probe", "clone", "host=192.0.2.1").refused("does not exist here", "none, read, write")

    @pytest.mark.parametrize(
        ("name", "content", "words"),
        [
            ("missing.json", None, ["missing.json", "No such file"]),
            ("empty.json", b"", ["empty.json"]),
            ("text.json", b"hello", ["text.json"]),
            ("binary.json", b"\xff\xfe{}", ["binary.json"]),
            ("damaged.json", b'{"schema": "rlsaudit.snapshot/1", "snapshot": {"server": {}}}', ["damaged.json"]),
            ("newer.json", b'{"schema": "rlsaudit.snapshot/2", "snapshot": {}}', ["newer.json"]),
            ("report.json", b'{"schema": "rlsaudit.report/1"}', ["report.json"]),
            ("other.txt", b"hello", ["other.txt is a file", ".json"]),
        ],
    )
    def test_files_that_are_no_snapshot_are_refused(
        self, ask: Ask, tmp_path: Path, name: str, content: bytes | None, words: list[str]
    ) -> None:
        if content is not None:
            (tmp_path / name).write_bytes(content)
        ask("audit", name).refused(*words)

    def test_a_directory_is_no_snapshot(self, ask: Ask, tmp_path: Path) -> None:
        (tmp_path / "facts.json").mkdir()
        ask("audit", "facts.json").refused("facts.json")
        ask("audit", ".").refused("is a directory")

    def test_an_unreadable_intent_file_is_refused(self, ask: Ask, database: str, tmp_path: Path) -> None:
        (tmp_path / "intent.toml").symlink_to("intent.toml")  # even root cannot read a link to itself
        ask("audit", url(database), "--intent", "intent.toml").refused("intent.toml")

    def test_a_forgotten_command_does_not_print_the_url(self, ask: Ask) -> None:
        for arguments in (
            [f"postgresql://u:{ENCODED}@host/app"],
            ["audit", "one", f"postgresql://u:{ENCODED}@host/app"],
            ["audit", f"--password={PASSWORD}"],
            ["demo", "--pg", f"postgresql://u:{ENCODED}@host/app"],
            ["demo", f"--pg=postgresql://u:{ENCODED}@host/app"],
            ["demo", "--engine", f"postgresql://u:{ENCODED}@host/app"],
        ):
            answer = ask(*arguments)
            answer.refused()
            no_credential(answer.err)

    def test_the_demo_refuses_a_server_it_cannot_reach_without_its_password(self, ask: Ask) -> None:
        answer = ask("demo", "--engine-url", f"postgresql://u:{ENCODED}@127.0.0.1:1/app")
        answer.refused()
        no_credential(answer.err)

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (["--engine", "podman"], ["docker", "--engine-url"]),
            (["--engine", "url"], ["--engine url", "Give --engine-url"]),
            (["--engine", "pg-bin"], ["--engine pg-bin", "Give --pg-bin"]),
            (["--engine", "docker", "--pg-bin", "/nowhere"], ["--engine docker and --pg-bin"]),
            (["--engine", "wheel", "--engine-url", "postgresql://h/d"], ["--engine wheel and --engine-url"]),
        ],
    )
    @pytest.mark.parametrize("command", [["demo"], ["engine"], ["check"], ["diff", "a", "b"]], ids=lambda one: one[0])
    def test_engines_that_mean_nothing_are_refused(
        self, ask: Ask, tmp_path: Path, command: list[str], options: list[str], words: list[str]
    ) -> None:
        for name in (".", "a", "b"):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / "20240101000000_first.sql").write_text("create table notes (id int);")
        ask(*command, *options).refused(*words)

    def test_the_engine_auto_is_as_good_as_none(self, ask: Ask) -> None:
        ask("demo", "--engine", "auto", "--pg-bin", "/nowhere").refused("given by --pg-bin", "/nowhere")

    @pytest.mark.parametrize("command", ["explain", "check"])
    @pytest.mark.parametrize("target", [f"postgresql://u:{ENCODED}@h/d", f"host=h password={ENCODED}"])
    def test_a_database_where_none_is_meant_is_not_repeated(self, ask: Ask, command: str, target: str) -> None:
        answer = ask(command, target)
        answer.refused("database")
        no_credential(answer.err)

    @pytest.mark.parametrize("options", [["--format", "json"], ["--output", "rule.json"]])
    def test_a_rule_is_not_written_otherwise_than_was_asked(
        self, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
    ) -> None:
        monkeypatch.chdir(tmp_path)
        ask("explain", "rls-off", *options).refused("about a cell", "Leave them out")

    def test_an_unknown_rule_is_refused(self, ask: Ask) -> None:
        ask("explain", "rls-of").refused("rls-off")

    def test_what_is_there_is_kept_where_the_audit_fails(self, ask: Ask, tmp_path: Path) -> None:
        report = tmp_path / "report.txt"
        report.write_text("before")
        ask("audit", "postgresql://u@127.0.0.1:1/d", "-o", str(report)).refused()
        assert report.read_text() == "before"


class TestOutput:
    @pytest.mark.parametrize("arguments", [["audit"], ["audit", "--format", "json"], ["snapshot"], ["rules"]])
    def test_a_closed_pipe_is_no_finding(self, database: str, arguments: list[str]) -> None:
        process = start(*arguments, env=environment(DATABASE_URL=url(database)))
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()  # as `| head` does, when it has what it wants
        err = process.stderr.read()
        process.stderr.close()
        assert (process.wait(60), err) == (2, "")

    def test_a_full_disk_is_told(self, database: str) -> None:
        with Path("/dev/full").open("w", encoding="utf-8") as full:
            process = start("audit", url(database), out=full)
            _, err = process.communicate(timeout=60)
        assert process.returncode == 2
        assert "No space left" in err
        assert "Traceback" not in err
