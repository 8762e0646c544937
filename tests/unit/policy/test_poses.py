"""What functions set for their callers, unasked: which setting, whether the caller says to what, what comes after."""

from __future__ import annotations

import pytest

from rlsaudit.catalog.facts import Function, Parameter
from rlsaudit.policy.poses import Pose, poses_of


def _function(body: str, language: str = "plpgsql", name: str = "f", oid: int = 1) -> Function:
    return Function(
        oid=oid, schema=1, name=name, kind="f", arguments="text", returns="void", returns_set=False, language=language,
        owner=1, acl=(), security_definer=False, volatility="v", leakproof=False, settings=(), body=body,
        extension=None, parameters=(Parameter("i", "who"),),
    )  # fmt: skip


OURS: dict[tuple[str, ...], Function] = {
    ("become",): _function("select set_config('app.who', who, true)", "sql", "become", 2),
    ("is_mine",): _function("select who = auth.uid()::text", "sql", "is_mine", 3),
    ("resolved",): _function("select id from public.keys where key = who", "sql", "resolved", 4),
}


def _poses(body: str, language: str = "plpgsql") -> tuple[Pose, ...]:
    return poses_of(_function(body, language), lambda name: filter(None, [OURS.get(name)]))


@pytest.mark.parametrize(
    ("body", "setting"),
    [
        ("begin perform set_config('App.Who', who, true); end", "app.who"),
        ("begin perform set_config('app.who', f.who, true); end", "app.who"),
        ("begin perform set_config('app.who', 'x' || lower(who), true); end", "app.who"),
        ("begin perform set_config('app.' || who, who, true); end", "app.*"),
        ("begin perform set_config(who, 'x' || who, true); end", "*"),
        ("declare x text := who; begin perform set_config('app.who', x, true); end", "app.who"),
        ("declare x text; begin x := trim(who); perform set_config('app.who', x, true); end", "app.who"),
        ("declare x text; begin select who into x; perform set_config('app.who', x, true); end", "app.who"),
        ("begin if true then perform become(who); end if; end", "app.who"),
        ("begin execute format('set local role %I', who); end", "role"),
        ("begin execute 'set app.who = ' || quote_literal(who); end", "app.who"),
        ("begin perform set_config('app.who', current_setting('request.headers')::json ->> 'x', true); end", "app.who"),
        ("begin perform set_config('app.who', (select who), true); end", "app.who"),
    ],
)  # fmt: skip
def test_what_the_caller_chooses(body: str, setting: str) -> None:
    (found,) = _poses(body)
    assert (found.setting, found.chosen) == (setting, True)


@pytest.mark.parametrize(
    "body",
    [
        "begin perform set_config('app.who', 'x', true); end",
        "begin perform set_config('app.who', auth.uid()::text, true); end",
        "begin perform set_config('app.who', resolved(who), true); end",
        "begin perform set_config('app.who', (select id from public.keys where key = who), true); end",
        "declare x text := who; begin x := auth.uid()::text; perform set_config('app.who', x, true); end",
        "declare x text; begin select id into x from public.keys where key = who; perform become(x); end",
        "begin if not is_mine(who) then raise exception 'no'; end if; perform set_config('app.who', who, true); end",
        "begin if auth.uid()::text <> who then return; end if; perform become(who); end",
        "begin if current_user <> 'postgres' then return; end if; perform become(who); end",
        "begin if exists (select from public.bans b where b.name = who) then return; end if; perform become(who); end",
        "begin perform set_config('app.who', who, true) where is_mine(who); end",
        "begin perform become('x'); end",
        "begin reset role; end",
    ],
)
def test_what_the_caller_does_not_choose_or_was_asked_before(body: str) -> None:
    assert _poses(body) == ()


def test_what_is_always_the_same_is_told_of_roles() -> None:
    (found,) = _poses("begin set local role service_role; end")
    assert (found.setting, found.chosen, found.value, found.local) == ("role", False, "service_role", True)


@pytest.mark.parametrize(
    ("body", "local"),
    [
        ("select set_config('app.who', who, true)", True),
        ("select set_config('app.who', who, false)", False),
        ("select set_config('app.who', $1, who is null)", True),
    ],
)
def test_what_stays_in_the_session(body: str, *, local: bool) -> None:
    (found,) = _poses(body, "sql")
    assert found.local is local


def test_what_comes_after_and_what_before() -> None:
    (found,) = _poses(
        "begin perform 1 from public.before; perform become(who); delete from public.later;"
        " return query select * from public.shown where owner = auth.uid(); end"
    )
    assert found.writes == {("delete", ("public", "later"))}
    assert found.reads == {("public", "shown"), ("public", "later")}
    assert found.asks
