"""Every cell of the matrix against what roles of a plain Postgres really reach, found out by force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from oracle.plain import PLAIN, forget_roles, judge_plain, read_plain

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.model import Operation, Reach

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rlsaudit.engine import Server


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    yield server.create_database("oracle_plain")
    server.drop_database("oracle_plain")
    forget_roles(server.dsn("postgres"))


@pytest.mark.parametrize("name", sorted(one.stem for one in PLAIN.glob("*.sql")))
def test_what_roles_reach_lies_within_the_bounds(url: str, name: str, tmp_path: Path) -> None:
    plain = read_plain(name)
    judged = judge_plain(url, plain, tmp_path)
    assert judged.unlike(plain.world) == []
    assert judged.faults(judged.cells) == []
    assert judged.faults(judged.unprobed) == []
    assert judged.faults(judged.attacked) == []
    assert judged.faults(judged.empty) == []
    assert judged.inconsistent() == []
    assert judged.unconfirmed() == []


TEMPORARY = """
create role oracle_app login;
create schema app;
grant usage on schema app to oracle_app;
create table app.filled (mark text);
create table app.other (mark text);
insert into app.filled values ('of others');
insert into app.other values ('of others');
create function app.fills() returns void language plpgsql security definer set search_path = '' as
$$ begin
  create temp table{} w_passed (mark text);
  insert into w_passed select t.mark from app.filled t;
end $$;
grant execute on function app.fills to oracle_app;
"""
TRICK = """
create temp table w_passed (mark text);
grant insert on w_passed to public;
create temp table w_kept (mark text);
grant insert on w_kept to public;
create function pg_temp.reads() returns trigger language plpgsql as
$$ begin insert into w_kept select o.mark from app.other o; return new; end $$;
create trigger reads after insert on w_passed for each row execute function pg_temp.reads();
"""


def test_a_temporary_table_that_is_there_already_is_its_callers(url: str) -> None:
    """What a body puts there whoever calls it can read, and the table's triggers do as its owner may."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TEMPORARY.format(" if not exists").encode())
        connection.execute("set session authorization oracle_app")
        connection.execute(TRICK)
        connection.execute("select app.fills()")
        assert connection.execute("select mark from w_passed").fetchall() == [("of others",)]
        assert connection.execute("select mark from w_kept").fetchall() == [("of others",)]
    assert _most_read(url) == {"app.filled": Reach.ALL, "app.other": Reach.ALL}


def test_a_temporary_table_that_is_new_is_nobody_elses(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TEMPORARY.format("").encode())
        connection.execute("set session authorization oracle_app")
        connection.execute("select app.fills()")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select mark from w_passed")
        connection.execute("discard temp")
        connection.execute(TRICK)
        with pytest.raises(psycopg.errors.DuplicateTable):
            connection.execute("select app.fills()")
    assert _most_read(url) == {"app.filled": Reach.NONE, "app.other": Reach.NONE}


OTHERS = """
create role oracle_ann login;
create schema app;
grant usage on schema app to oracle_ann;
create table app.notes (id int primary key, owner name not null);
alter table app.notes enable row level security;
create policy others on app.notes using (owner <> current_user);
grant select on app.notes to oracle_ann;
insert into app.notes values (1, 'oracle_ann'), (2, 'somebody'), (3, 'else');
"""


def test_rows_that_a_role_does_not_read_may_be_its_own(url: str) -> None:
    """Its own one was missing, and so the proof that all of the others are read was thought to be refuted."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(OTHERS)
    with connect(url) as session:
        cells = audit(session, Options(roles=("oracle_ann",))).matrix
    assert [one.reach for one in cells if one.operation is Operation.SELECT] == [Reach.ALL]


def _most_read(url: str) -> dict[str, Reach]:
    with connect(url) as session:
        cells = audit(session, Options(roles=("oracle_app",), probe="none")).matrix
    return {one.relation: one.at_most for one in cells if one.operation is Operation.SELECT}
