"""A user's id that the intent file lets vary, read by functions of the project's: whose rows that lets through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.model import Operation, Reach

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rlsaudit.engine import Server

INTENT = """
[[persona]]
name = "oracle_member"
role = "oracle_member"
claims = { sub = "$user" }
"""
SCHEMA = """
create role oracle_member;
create schema app;
grant usage on schema app to oracle_member;
create function app.me() returns uuid language sql stable as
$$ select (nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub')::uuid $$;
create function app.name() returns text language sql stable as
$$ select current_setting('request.jwt.claims', true)::json ->> 'sub' $$;
create table app.by_key (id uuid primary key, tenant uuid, n int);
create table app.by_column (like app.by_key including all);
create table app.by_text (like app.by_key including all);
create table app.by_members (like app.by_key including all);
create table app.by_number (like app.by_key including all);
create policy p on app.by_key using (id = app.me());
create policy p on app.by_column using (tenant = app.me());
create policy p on app.by_text using (tenant::text = app.name());
create policy p on app.by_members using (tenant in (select m.tenant from app.by_key m where m.id = app.me()));
create policy p on app.by_number using (n = app.name()::int);
do $$ declare t text; begin
  foreach t in array array['by_key', 'by_column', 'by_text', 'by_members', 'by_number'] loop
    execute format('alter table app.%I enable row level security; grant select on app.%I to oracle_member', t, t);
  end loop;
end $$;
"""


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    found = server.create_database("oracle_plain")
    with psycopg.connect(found, autocommit=True) as connection:
        connection.execute(SCHEMA)
    yield found
    server.drop_database("oracle_plain")
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
        connection.execute("drop role oracle_member")


def test_rows_of_whoever_asks_are_reached(url: str, tmp_path: Path) -> None:
    """They were `none` by proof: no uuid was thought to be `$user`, nor any number."""
    intent = tmp_path / "intent.toml"
    intent.write_text(INTENT, "utf-8")
    with connect(url) as session:
        cells = audit(session, Options(roles=("oracle_member",), intent=intent, probe="none")).matrix
    read = {one.relation: one for one in cells if one.operation is Operation.SELECT}
    assert {name: one.reach for name, one in read.items() if name != "app.by_number"} == {
        "app.by_key": Reach.OWN,
        "app.by_column": Reach.OWN,
        "app.by_text": Reach.OWN,
        "app.by_members": Reach.OWN,
    }
    assert read["app.by_number"].at_most is Reach.OWN
