"""The databases of a server: made, copied, dropped, and taken away from a server that is not ours."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from rlsaudit.engine import EngineRequest, Server, start
from rlsaudit.errors import EngineError

pytestmark = pytest.mark.majors


def names(server: Server, query: str) -> set[str]:
    with psycopg.connect(server.dsn("postgres")) as connection:
        return {name for (name,) in connection.execute(sql.SQL(query))}


def test_the_version_is_the_servers(server: Server, database: str) -> None:
    with psycopg.connect(database) as connection:
        assert connection.info.server_version == server.major * 10000 + int(server.version.partition(".")[2])


def test_a_database_is_a_copy_with_its_settings_and_grants(server: Server) -> None:
    with psycopg.connect(server.create_database("model"), autocommit=True) as connection:
        connection.execute("create role copied_reader login")
        connection.execute("create table kept (n int)")
        connection.execute("alter database model set datestyle to german, dmy")
        connection.execute("alter database model set app.motto to 'a, b = \"c\"'")
        connection.execute("alter role copied_reader in database model set work_mem to '5MB'")
        connection.execute("revoke all on database model from public")
        connection.execute("grant connect on database model to copied_reader with grant option")
    try:
        with psycopg.connect(server.create_database("copy", template="model")) as connection:
            assert connection.execute("select count(*) from kept").fetchone() == (0,)
            assert connection.execute("show datestyle").fetchone() == ("German, DMY",)
            assert connection.execute("show app.motto").fetchone() == ('a, b = "c"',)
            acls = connection.execute(
                "select datacl::text[] from pg_database where datname in ('model', 'copy')"
            ).fetchall()
            assert sorted(acls[0][0]) == sorted(acls[1][0])
        with psycopg.connect(server.dsn("copy", user="copied_reader")) as connection:
            assert connection.execute("show work_mem").fetchone() == ("5MB",)
    finally:
        server.drop_database("copy")
        server.drop_database("model")
        with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
            connection.execute("drop role copied_reader")


def test_a_name_that_is_taken_is_an_error(server: Server, database: str) -> None:
    with psycopg.connect(database) as connection:
        name = connection.info.dbname
    with pytest.raises(EngineError, match="already exists"):
        server.create_database(name)


def test_a_name_that_is_too_long_is_an_error(server: Server) -> None:
    with pytest.raises(EngineError, match="too long"):
        server.create_database("n" * 64)


def test_a_database_in_use_can_be_dropped(server: Server) -> None:
    with psycopg.connect(server.create_database("busy")) as connection:
        server.drop_database("busy")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")
    assert "busy" not in names(server, "select datname from pg_database")
    server.drop_database("busy")


def test_the_environment_does_not_lead_elsewhere(
    server: Server, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOSTADDR", "192.0.2.1")
    monkeypatch.setenv("PGOPTIONS", "-c default_transaction_read_only=on")
    monkeypatch.setenv("PGUSER", "somebody")
    with psycopg.connect(database) as connection:
        assert connection.execute("show default_transaction_read_only").fetchone() == ("off",)
    server.drop_database("never_there")


def test_stubs_can_be_created_where_the_real_extension_is_missing(server: Server, database: str) -> None:
    assert server.stubs
    with psycopg.connect(database) as connection:
        available = {name for (name,) in connection.execute("select name from pg_available_extensions")}
        assert server.stubs <= available
        assert "plpgsql" not in server.stubs


def test_a_supabase_project(server: Server, supabase_database: str) -> None:
    with psycopg.connect(supabase_database) as connection:
        connection.execute("set role anon")
        assert connection.execute("select current_user, auth.uid()").fetchone() == ("anon", None)
    assert {"anon", "authenticated"} <= names(server, "select rolname from pg_roles")


def test_projects_do_not_share_tables(server: Server) -> None:
    with psycopg.connect(server.supabase_database("one")) as connection:
        connection.execute("create table only_here ()")
    with psycopg.connect(server.supabase_database("two", era="explicit")) as connection:
        assert connection.execute("select to_regclass('only_here')").fetchone() == (None,)
    server.drop_database("one")
    server.drop_database("two")


def test_a_server_given_by_url_is_left_as_it_was() -> None:
    with start() as owner:
        databases = names(owner, "select datname from pg_database")
        roles = names(owner, "select rolname from pg_roles")
        with start(EngineRequest(url=owner.dsn("postgres"))) as guest:
            assert guest.provider == "url"
            with psycopg.connect(guest.create_database("app")) as connection:
                assert connection.info.dbname.startswith("rlsaudit_")
                connection.execute("create role app_owner")
                connection.execute("create table t ()")
                connection.execute("alter table t owner to app_owner")
            with psycopg.connect(guest.supabase_database("project")) as connection:
                assert connection.execute("select auth.uid()").fetchone() == (None,)
            open_still = psycopg.connect(guest.dsn("project"))
        open_still.close()
        assert names(owner, "select datname from pg_database") == databases
        assert names(owner, "select rolname from pg_roles") == roles


def test_a_role_that_somebody_else_needs_stays() -> None:
    with start() as owner:
        owner.create_database("theirs")
        with start(EngineRequest(url=owner.dsn("postgres"))) as guest:
            with psycopg.connect(guest.create_database("app")) as connection:
                connection.execute("create role shared_reader")
            with psycopg.connect(owner.dsn("theirs")) as connection:
                connection.execute("create table t ()")
                connection.execute("grant select on t to shared_reader")
        assert "shared_reader" in names(owner, "select rolname from pg_roles")


def test_an_ordinary_role_is_not_enough_for_a_url() -> None:
    with start() as owner:
        with psycopg.connect(owner.dsn("postgres"), autocommit=True) as connection:
            connection.execute("create role ordinary login")
        with (
            pytest.raises(EngineError, match="the role is no superuser"),
            start(EngineRequest(url=owner.dsn("postgres", user="ordinary"))),
        ):
            pass
