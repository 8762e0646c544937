"""A session on a real server."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
import time
from _thread import interrupt_main
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from rlsaudit.connect import connect
from rlsaudit.errors import ConnectionFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.engine import Server

pytestmark = pytest.mark.majors

PASSWORD = "QXZ@:/?#%&=+ 'JVK\\789é"  # noqa: S105
_numbers = itertools.count(1)


@contextlib.contextmanager
def made(dsn: str, create: str, drop: str) -> Iterator[None]:
    """Something in the whole server, gone at the end."""
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(create)
        try:
            yield
        finally:
            admin.execute(drop)


@contextlib.contextmanager
def encoded_database(dsn: str, encoding: str) -> Iterator[str]:
    name = f"encoded_{next(_numbers)}"
    create = f"create database {name} encoding '{encoding}' template template0 lc_collate 'C' lc_ctype 'C'"
    with made(dsn, create, f"drop database if exists {name} with (force)"):
        yield make_conninfo(dsn, dbname=name)


@pytest.fixture
def login(database: str) -> Iterator[str]:
    """A role that may log in."""
    name = f"login_{next(_numbers)}"
    with made(database, f"create role {name} login", f"drop role {name}"):
        yield name


@pytest.fixture
def guarded(server: Server, database: str, login: str) -> Iterator[str]:
    """The conninfo, without password, of a role that the server asks for its password."""
    if server.provider == "url":
        pytest.skip("pg_hba.conf of a server that is not ours stays as it is")
    with psycopg.connect(database, autocommit=True) as admin:
        statement = sql.SQL("alter role {} password {}").format(sql.Identifier(login), sql.Literal(PASSWORD))
        admin.execute(statement)
        before = admin.execute("select pg_read_file(current_setting('hba_file'))").fetchone()
        assert before is not None
        rules = f"local all {login} scram-sha-256\nhost all {login} all scram-sha-256\n"

        def write(content: str) -> None:
            path = admin.execute("show hba_file").fetchone()
            assert path is not None
            lines = sql.SQL(", ").join(map(sql.Literal, content.splitlines()))
            admin.execute(sql.SQL("copy (select unnest(array[{}])) to {}").format(lines, sql.Literal(path[0])))
            admin.execute("select pg_reload_conf()")

        write(rules + str(before[0]))
        try:
            with contextlib.suppress(psycopg.Error):
                _wait_until_asked(make_conninfo(database, user=login, password=""))
            yield make_conninfo(database, user=login, password="")
        finally:
            write(str(before[0]))


def _wait_until_asked(conninfo: str) -> None:
    for _ in range(100):
        psycopg.connect(conninfo).close()
        time.sleep(0.05)


def with_password(conninfo: str, password: str) -> str:
    """As a URL, percent-encoded, as users have it."""
    parts = conninfo_to_dict(conninfo)
    where = f"host={quote(str(parts['host']), safe='')}&port={parts['port']}"
    return f"postgresql://{parts['user']}:{quote(password, safe='')}@/{parts['dbname']}?{where}"


class TestSession:
    def test_it_knows_whom_and_what_it_talks_to(self, server: Server, database: str, login: str) -> None:
        with connect(make_conninfo(database, user=login)) as session:
            assert session.user == login
            assert session.database == conninfo_to_dict(database)["dbname"]
            assert session.server_version_num // 10_000 == server.major
            assert not session.in_transaction

    def test_the_monitoring_shows_our_name(self, database: str) -> None:
        with connect(database) as session:
            name = session.fetch_value("select application_name from pg_stat_activity where pid = pg_backend_pid()")
            assert name == "rlsaudit"

    def test_every_setting_is_local_to_the_transaction(self, database: str) -> None:
        names = ["statement_timeout", "lock_timeout", "search_path", "transaction_isolation", "transaction_read_only"]
        query = "select " + ", ".join(f"current_setting('{name}')" for name in names)
        with connect(database, statement_timeout_ms=7_000) as session:
            before = session.fetch_all(query)
            with session.read_only():
                assert session.in_transaction
                assert session.fetch_all(query) == [("7s", "2s", "", "repeatable read", "on")]
                assert session.fetch_value("select current_setting('row_security')") == "on"
                assert session.fetch_value("select current_setting('idle_in_transaction_session_timeout')") != "0"
            assert session.fetch_all(query) == before
            assert not session.in_transaction

    def test_hostile_defaults_of_a_role_do_not_change_what_is_read(self, database: str, login: str) -> None:
        with psycopg.connect(database, autocommit=True) as admin:
            for setting in ("quote_all_identifiers = on", "standard_conforming_strings = off", "row_security = off"):
                admin.execute(f"alter role {login} set {setting}")
        with connect(make_conninfo(database, user=login)) as session, session.read_only():
            assert session.fetch_value(r"select 'a\b'") == r"a\b"
            assert session.fetch_value("select quote_ident('a')") == "a"
            assert session.fetch_value("show row_security") == "on"

    def test_nothing_can_be_written(self, database: str) -> None:
        with connect(database) as session, session.read_only():
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                session.execute("create table public.t ()")
            assert session.in_transaction

    def test_what_is_written_is_rolled_back(self, database: str) -> None:
        with connect(database) as session:
            with session.rolled_back():
                session.execute("create table public.t ()")
                assert session.fetch_value("select to_regclass('public.t')") == "public.t"
            assert session.fetch_value("select to_regclass('public.t')") is None

    def test_a_failed_statement_leaves_a_session_that_works(self, database: str) -> None:
        with connect(database) as session:
            with pytest.raises(psycopg.errors.DivisionByZero), session.read_only():
                session.fetch_value("select 1/0")
            assert not session.in_transaction
            with session.read_only():
                assert session.fetch_value("select 1") == 1

    def test_transactions_do_not_nest(self, database: str) -> None:
        with connect(database) as session, session.read_only():
            with pytest.raises(RuntimeError, match="do not nest"), session.read_only():
                pass
            assert session.fetch_value("select 1") == 1

    def test_round_trips_are_counted(self, database: str) -> None:
        with connect(database) as session:
            before = session.round_trips
            with session.read_only():
                assert session.fetch_value("select %s::int + 1", [1]) == 2
            assert session.round_trips - before == 3

    def test_rows_and_values(self, database: str) -> None:
        with connect(database) as session, session.read_only():
            assert session.fetch_all("select generate_series(1, 2), 'x'") == [(1, "x"), (2, "x")]
            assert session.fetch_value("select 1 where false") is None
            assert session.fetch_value("select %(a)s::text", {"a": "y"}) == "y"

    def test_no_prepared_statement_is_left_behind(self, database: str) -> None:
        with connect(database) as session, session.read_only():
            for number in range(20):
                session.fetch_value("select %s::int", [number])
            assert session.fetch_value("select count(*) from pg_prepared_statements") == 0

    def test_a_query_that_takes_too_long_is_explained_on_the_way_out(self, database: str) -> None:
        with (
            pytest.raises(ConnectionFailedError, match="taking too long"),
            connect(database, statement_timeout_ms=50) as session,
            session.read_only(),
        ):
            session.execute("select pg_sleep(10)")

    def test_a_refused_query_is_explained_on_the_way_out(self, database: str, login: str) -> None:
        with (
            pytest.raises(ConnectionFailedError, match="42501") as caught,
            connect(make_conninfo(database, user=login)) as session,
            session.read_only(),
        ):
            session.execute("select * from pg_catalog.pg_authid")
        assert caught.value.__suppress_context__

    def test_our_own_errors_pass_as_they_are(self, database: str) -> None:
        with pytest.raises(ZeroDivisionError), connect(database) as session, session.read_only():
            raise ZeroDivisionError

    def test_a_lost_connection_is_explained(self, database: str) -> None:
        with (
            pytest.raises(ConnectionFailedError, match="was lost"),
            connect(database) as session,
            session.read_only(),
        ):
            session.execute("select pg_terminate_backend(pg_backend_pid())")

    def test_two_sessions_do_not_disturb_one_another(self, database: str) -> None:
        with connect(database) as one, connect(database) as other, one.read_only(), other.read_only():
            assert one.fetch_value("select 1") == other.fetch_value("select 1")

    def test_a_locked_table_does_not_hold_us(self, database: str) -> None:
        with psycopg.connect(database) as owner:
            owner.execute("create table public.busy ()")
            owner.commit()
            owner.execute("lock table public.busy in access exclusive mode")
            with (
                pytest.raises(ConnectionFailedError, match="lock"),
                connect(database) as session,
                session.read_only(),
            ):
                session.execute("select * from public.busy")

    def test_ctrl_c_cancels_the_query_and_rolls_back(self, database: str) -> None:
        with psycopg.connect(database, autocommit=True) as admin, connect(database) as session:
            pid = session.connection.info.backend_pid
            timer = threading.Timer(0.5, interrupt_main)
            timer.start()
            started = time.monotonic()
            with pytest.raises(KeyboardInterrupt), session.read_only():
                session.execute("select pg_sleep(60)")
            timer.join()
            assert time.monotonic() - started < 20
            state = admin.execute("select state from pg_stat_activity where pid = %s", [pid]).fetchone()
            assert state == ("idle",)
            with session.read_only():
                assert session.fetch_value("select 1") == 1


class TestEncodings:
    def test_names_of_a_latin1_database_are_converted(self, database: str) -> None:
        with encoded_database(database, "LATIN1") as latin, psycopg.connect(latin, client_encoding="utf8") as admin:
            admin.execute('create table public."café" ()')
            admin.commit()
            with connect(latin) as session, session.read_only():
                assert session.fetch_value("select relname from pg_class where relname like 'caf%'") == "café"

    def test_bytes_that_are_no_text_are_shown_and_do_not_crash(self, database: str) -> None:
        with encoded_database(database, "SQL_ASCII") as ascii_database:
            with psycopg.connect(ascii_database, client_encoding="SQL_ASCII") as admin:
                admin.execute(b'create table public."caf\xe9" ("na\xffme" text)')
                admin.execute('create table public."café" ()'.encode())
            with connect(ascii_database) as session, session.read_only():
                names, tables = ["café", "caf<E9>"], "from pg_class where relname like 'caf%'"
                assert session.fetch_all(f"select relname {tables} order by relname") == [(name,) for name in names]
                for collect in ("json_agg", "jsonb_agg", "array_agg"):
                    assert session.fetch_value(f"select {collect}(relname order by relname) {tables}") == names
                text = session.fetch_value(f"select json_agg(relname order by relname)::text {tables}")
                assert json.loads(text) == names
                assert session.fetch_value("select count(*) from pg_class where relname = 'café'") == 1
                assert session.fetch_value("select %s::text", ["é"]) == "é"
                column = "select attname from pg_attribute where attname like 'na%me' and attnum > 0"
                assert "na<FF>me" in [name for (name,) in session.fetch_all(column)]
                shown = session.fetch_value("select oid::regclass from pg_class where relname like 'caf%' limit 1")
                assert "caf" in shown

    def test_a_role_made_in_another_encoding_does_not_crash(self, database: str) -> None:
        with encoded_database(database, "LATIN1") as latin, psycopg.connect(latin, client_encoding="utf8") as admin:
            admin.execute('create role "rôle_of_latin1"')
            admin.commit()
            try:
                with connect(database) as session, session.read_only():
                    names = session.fetch_all("select rolname from pg_roles where rolname like 'r%of_latin1'")
                    assert names == [("r<F4>le_of_latin1",)]
            finally:
                admin.execute('drop role "rôle_of_latin1"')
                admin.commit()


class TestRefusals:
    def test_a_database_that_is_not_there(self, database: str) -> None:
        with pytest.raises(ConnectionFailedError, match='has no database "not there"'):
            connect(make_conninfo(database, dbname="not there"))

    def test_a_role_that_is_not_there(self, database: str) -> None:
        with pytest.raises(ConnectionFailedError, match="nobody_of_ours"):
            connect(make_conninfo(database, user="nobody_of_ours", password="x"))  # noqa: S106

    def test_a_role_without_login(self, database: str, login: str) -> None:
        with psycopg.connect(database, autocommit=True) as admin:
            admin.execute(f"alter role {login} nologin")
        with pytest.raises(ConnectionFailedError, match="may not log in"):
            connect(make_conninfo(database, user=login))

    def test_a_role_without_connect(self, database: str, login: str) -> None:
        name = conninfo_to_dict(database)["dbname"]
        with psycopg.connect(database, autocommit=True) as admin:
            admin.execute(f'revoke connect on database "{name}" from public')
        with pytest.raises(ConnectionFailedError, match="may not connect to the database"):
            connect(make_conninfo(database, user=login))

    def test_a_role_that_has_all_its_connections(self, database: str, login: str) -> None:
        with psycopg.connect(database, autocommit=True) as admin:
            admin.execute(f"alter role {login} connection limit 1")
        conninfo = make_conninfo(database, user=login)
        with connect(conninfo), pytest.raises(ConnectionFailedError, match="no connection left"):
            connect(conninfo)

    def test_the_right_password_gets_in_however_odd_it_is(self, guarded: str) -> None:
        for conninfo in (make_conninfo(guarded, password=PASSWORD), with_password(guarded, PASSWORD)):
            with connect(conninfo) as session:
                assert session.fetch_value("select 1") == 1
                assert PASSWORD not in repr(session)

    def test_no_password_where_one_is_asked_for(self, guarded: str) -> None:
        with pytest.raises(ConnectionFailedError, match="wants a password"):
            connect(guarded)

    def test_a_query_that_quotes_the_password_is_masked(self, guarded: str) -> None:
        conninfo = make_conninfo(guarded, password=PASSWORD)
        with pytest.raises(ConnectionFailedError) as caught, connect(conninfo) as session, session.read_only():
            session.execute("select %s::int", [PASSWORD])
        assert PASSWORD not in caught.value.message
        assert "***" in caught.value.message


# Not in the class: hypothesis wants every run of a test to have the same `self`.
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(password=st.text("QXZJVK789@:/?#%&=+ '\"\\[]{}$!é√", min_size=6, max_size=20))
def test_a_wrong_password_is_not_repeated(guarded: str, password: str) -> None:
    for conninfo in (make_conninfo(guarded, password=password), with_password(guarded, password)):
        with pytest.raises(ConnectionFailedError, match="or the password") as caught:
            connect(conninfo)
        said = f"{caught.value.message} {caught.value.hint} {caught.value!r}"
        for spelling in (password, quote(password, safe=""), repr(password)[1:-1]):
            assert spelling not in said
        assert caught.value.__context__ is None
