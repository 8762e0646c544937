"""Which settings a function changes, by its text: those that say who is asking among them."""

from __future__ import annotations

import pytest

from rlsaudit.catalog.facts import Function
from rlsaudit.policy.changes import ANY_SETTING, changed_settings, roles_taken


def _function(body: str, language: str, settings: tuple[str, ...] = ()) -> Function:
    return Function(
        oid=1, schema=1, name="f", kind="f", arguments="", returns="void", returns_set=False, language=language,
        owner=1, acl=(), security_definer=False, volatility="v", leakproof=False, settings=settings, body=body,
        extension=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        ("begin perform 1; end", set()),
        ("begin set local role service_role; end", {"role"}),
        ("begin reset role; end", {"role"}),
        ("begin reset all; end", {ANY_SETTING}),
        ("begin set session authorization 'x'; end", {"session_authorization"}),
        ("begin set local request.jwt.claims to '{}'; end", {"request.jwt.claims"}),
        ("begin perform set_config('Role', 'x', true); end", {"role"}),
        ("begin perform pg_catalog.set_config('role'::text, 'x', true); end", {"role"}),
        ("begin perform set_config('ro' || 'le', 'x', true); end", {ANY_SETTING}),
        ("begin perform set_config(a, 'x', true); end", {ANY_SETTING}),
        ("declare x text := set_config('role', 'x', true); begin null; end", {"role"}),
        ("begin update t set role = 'x'; end", set()),
        ("begin update t set role = set_config('app.x', 'x', true); end", {"app.x"}),
        ("begin create temp table t (a int); end", set()),
        ("begin create temp table t (a int); set local role x; end", {"role"}),
        ("begin set constraints all deferred; end", set()),
        ("begin set constraints all deferred; set local role x; end", {"role"}),
        ("this is no body; set constraints.x to y", {ANY_SETTING}),
        ("begin -- set local role x;\n perform 1; end", set()),
        ("declare x public.things; begin if true then set local role x; end if; end", {"role"}),
        ("this is no body; set role x", {ANY_SETTING}),
        ("this is no body", set()),
    ],
)
def test_what_a_body_changes(body: str, changed: set[str]) -> None:
    assert changed_settings(_function(body, "plpgsql")) == changed


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        ("select 1", set()),
        ("set role x; select 1", {"role"}),
        ("select set_config('request.jwt.claim.sub', 'x', true)", {"request.jwt.claim.sub"}),
        ("begin atomic select set_config('role'::text, 'x'::text, true); end", {"role"}),
    ],
)
def test_what_sql_changes(body: str, changed: set[str]) -> None:
    assert changed_settings(_function(body, "sql")) == changed


def test_what_comes_with_the_function() -> None:
    assert changed_settings(_function("select 1", "sql", ("role=x", "search_path=public"))) == {"role"}
    assert changed_settings(_function("x", "plv8")) == {ANY_SETTING}


@pytest.mark.parametrize(
    ("body", "taken"),
    [
        ("begin set local role x; end", {"x"}),
        ("begin set role to 'x'; end", {"x"}),
        ("begin perform set_config('role', 'x', true); end", {"x"}),
        ("begin execute 'set local role x'; end", {"x"}),
        ("begin perform set_config('role', y, true); end", set()),
        ("begin set local app.role = x; reset role; end", set()),
    ],
)
def test_which_roles_a_body_takes_by_name(body: str, taken: set[str]) -> None:
    assert roles_taken(_function(body, "plpgsql")) == taken
