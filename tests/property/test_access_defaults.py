"""What the next object will be open to is what it is open to once it is there, over random default privileges."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from rlsaudit.access import Access
from rlsaudit.access.defaults import KINDS, next_acl, openings
from rlsaudit.catalog import Catalog, take
from rlsaudit.catalog.facts import Grant
from rlsaudit.connect import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.connect import Session
    from rlsaudit.engine import Server

DATABASE = "random_defaults"
ROLES = tuple(f"dfl_{number}" for number in range(3))
SCHEMAS = ("d0", "d1")
PRIVILEGES = {
    "tables": ("select", "insert", "update", "delete", "truncate", "references", "trigger", "all"),
    "sequences": ("select", "update", "usage", "all"),
    "functions": ("execute",),
    "types": ("usage",),
}
CREATE = {
    "r": "create table {0}.made (a int)",
    "S": "create sequence {0}.made",
    "f": "create function {0}.made() returns int language sql return 1",
    "T": "create type {0}.made as enum ('a')",
}
STORED = {
    "r": "select coalesce(relacl, acldefault('r', relowner)) from pg_class where oid = '{0}.made'::regclass",
    "S": "select coalesce(relacl, acldefault('s', relowner)) from pg_class where oid = '{0}.made'::regclass",
    "f": "select coalesce(proacl, acldefault('f', proowner)) from pg_proc where oid = '{0}.made()'::regprocedure",
    "T": "select coalesce(typacl, acldefault('T', typowner)) from pg_type where oid = '{0}.made'::regtype",
}


@pytest.fixture(scope="module")
def session(server: Server) -> Iterator[Session]:
    with connect(server.create_database(DATABASE)) as admin:
        admin.execute("".join(f"create schema {one};" for one in SCHEMAS))
        admin.execute("".join(f"create role {one};" for one in ROLES))
        yield admin
    server.drop_database(DATABASE)
    with connect(server.dsn("postgres")) as admin:
        admin.execute("".join(f"drop role {one};" for one in ROLES))


@st.composite
def statements(draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from(sorted(PRIVILEGES)))
    privilege = draw(st.sampled_from(PRIVILEGES[kind]))
    grantee = draw(st.sampled_from((*ROLES, "public")))
    where = draw(st.sampled_from(("", *(f" in schema {one}" for one in SCHEMAS))))
    head = f"alter default privileges for role {draw(st.sampled_from(ROLES))}{where}"
    if draw(st.booleans()):
        return f"{head} revoke {privilege} on {kind} from {grantee}"
    option = " with grant option" if grantee != "public" and draw(st.booleans()) else ""
    return f"{head} grant {privilege} on {kind} to {grantee}{option}"


@given(made=st.lists(statements(), max_size=8), creator=st.sampled_from(ROLES), schema=st.sampled_from(SCHEMAS))
def test_the_next_object_is_as_open_as_was_said(session: Session, made: list[str], creator: str, schema: str) -> None:
    note(";\n".join(made))
    with session.rolled_back():
        for one in SCHEMAS:
            session.execute(f"grant usage, create on schema {one} to {', '.join(ROLES)}")
        for one in made:
            session.execute(one)
        access = Access(Catalog(take(session)))
        by_name = {one.name: one for one in access.catalog.snapshot.schemas}
        owner = access.catalog.roles_by_name[creator].oid
        session.execute(f"set local role {creator}")
        for letter, kind in KINDS.items():
            session.execute(CREATE[letter].format(schema))
            stored = session.fetch_all(
                "select grantee::bigint, grantor::bigint, privilege_type, is_grantable"
                f" from aclexplode(({STORED[letter].format(schema)})) a"
            )
            expected = Counter(Grant(*row) for row in stored)
            assert Counter(next_acl(access, owner, by_name[schema], letter)) == expected, kind
            session.execute(f"drop {kind} {schema}.made{'()' if letter == 'f' else ''}")


def test_openings_leave_out_what_one_opens_to_oneself(session: Session) -> None:
    with session.rolled_back():
        session.execute(
            "grant usage, create on schema d0 to dfl_0; grant dfl_0 to dfl_1;"
            " alter default privileges for role dfl_0 grant select on tables to dfl_1, dfl_2"
        )
        access = Access(Catalog(take(session)))
        oids = {one: access.catalog.roles_by_name[one].oid for one in ROLES}
        by_dfl_0 = [one for one in openings(access, oids["dfl_2"]) if one.creator == oids["dfl_0"]]
        assert {(one.schema.name, one.kind, one.privileges) for one in by_dfl_0} == {
            ("d0", "table", ("SELECT",)),
            ("d0", "function", ("EXECUTE",)),
            ("d0", "type", ("USAGE",)),
        }
        session.execute("alter default privileges for role dfl_0 grant all on tables to dfl_2")
        (everything,) = (
            one
            for one in openings(Access(Catalog(take(session))), oids["dfl_2"])
            if one.kind == "table" and one.creator == oids["dfl_0"]
        )
        assert ("MAINTAIN" in everything.privileges) is (session.server_version_num >= 170_000)
        assert {"SELECT", "TRUNCATE", "TRIGGER"} <= set(everything.privileges)
        assert not [one for one in openings(access, oids["dfl_1"]) if one.creator == oids["dfl_0"]]
