"""Fixes that change roles, which no copy of a database holds: tried, and the server's roles put back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from benches import fixed_by, plain

from rlsaudit.fix import Outcome, mended, migration
from rlsaudit.fix.roles import put_back, roles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.engine import Server
    from rlsaudit.source import Standing

ROLES = ("shop_app", "shop_admin")
SCHEMA = """
    create table public.orders (id bigint primary key, tenant text not null, total numeric);
    alter table public.orders enable row level security;
    create policy tenant on public.orders using (tenant = current_setting('app.tenant', true));
    grant select, insert, update, delete on public.orders to shop_app;
    grant select on public.orders to shop_admin;
    alter role shop_admin bypassrls;
    grant shop_admin to shop_app;
"""
RULE = "bypass-roles"


@pytest.fixture(scope="module")
def standing(server: Server) -> Iterator[Standing]:
    with plain(server, SCHEMA, ROLES) as made:
        yield made


@pytest.fixture
def admin(server: Server, standing: Standing) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.dsn(standing.name), autocommit=True) as connection:
        yield connection


def test_a_role_is_left_and_the_server_is_as_it_was(standing: Standing) -> None:
    with psycopg.connect(standing.login) as watching:
        before = roles(watching)
    done = mended(standing, wanted=lambda one: one.rule == RULE and one.severity.value == "high")
    with psycopg.connect(standing.login) as watching:
        assert roles(watching) == before
    (one,) = done.tried
    assert one.outcome is Outcome.VERIFIED, one.because
    assert [(each.kind, each.what, each.after) for each in one.closed] == [("role", "shop_app", "login")]
    assert "\nrevoke shop_admin from shop_app;\n" in migration(done)


@pytest.mark.parametrize(
    "fix",
    [
        "revoke shop_admin from shop_app; create role shop_audit;",
        "revoke shop_admin from shop_app; alter role shop_app set work_mem = '4MB';",
    ],
)
def test_what_cannot_be_put_back_is_not_tried(admin: psycopg.Connection, standing: Standing, fix: str) -> None:
    before = roles(admin)
    admin.close()
    done = mended(fixed_by(standing, RULE, fix), wanted=lambda one: one.severity.value == "high")
    assert [one.because[0][:16] for one in done.tried] == ["it changes roles"]
    with psycopg.connect(standing.login) as watching:
        assert roles(watching) == before


def test_on_a_server_of_others_roles_are_left_alone(
    server: Server, standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "shared", True)
    (one,) = mended(standing, wanted=lambda one: one.rule == RULE and one.severity.value == "high").tried
    assert one.outcome is Outcome.DRAFT
    assert one.because == ("it changes roles, which are the whole server's, so that it cannot be tried on a copy",)


def test_grants_that_rest_on_others_are_put_back(admin: psycopg.Connection) -> None:
    before = roles(admin)
    admin.execute("grant shop_admin to shop_app with admin option")
    admin.execute("create role shop_more")
    try:
        admin.execute("set role shop_app")
        admin.execute("grant shop_admin to shop_more")
        admin.execute("reset role")
        wanted = roles(admin)
        admin.execute("revoke shop_admin from shop_app cascade")
        admin.execute("alter role shop_app createrole connection limit 3 nologin")
        assert roles(admin) != wanted
        put_back(admin, wanted)
        assert roles(admin) == wanted
    finally:
        admin.execute("reset role")
        admin.execute("drop role shop_more")
        put_back(admin, before)
