"""What a body leaves behind: settings of the session, and copies of a trigger's row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pytest

from rlsaudit.policy.copied import Copy, copies_of
from rlsaudit.policy.lasting import lasting_settings

if TYPE_CHECKING:
    from rlsaudit.catalog.facts import Function, Parameter

LOG = ("public", "log")


@dataclass(frozen=True)
class _Text:
    body: str
    language: str = "plpgsql"
    name: str = "f"
    parameters: tuple[Parameter, ...] = ()


def function(body: str, language: str = "plpgsql") -> Function:
    return cast("Function", _Text(body, language))


@pytest.mark.parametrize(
    ("body", "left"),
    [
        ("begin perform set_config('app.tenant', 'a', false); end", {"app.tenant"}),
        ("begin perform pg_catalog.set_config('App.Tenant'::text, 'a', false); end", {"app.tenant"}),
        ("begin set app.tenant = 'a'; end", {"app.tenant"}),
        ("begin set local app.tenant = 'a'; end", set()),
        ("begin perform set_config('app.tenant', 'a', true); end", set()),
        ("begin perform set_config(name, 'a', false); end", set()),
        ("begin reset app.tenant; end", set()),
    ],
)
def test_settings_that_last(body: str, left: set[str]) -> None:
    assert lasting_settings(function(body)) == left


def test_settings_that_last_in_sql() -> None:
    assert lasting_settings(function("select set_config('app.tenant', $1, false)", "sql")) == {"app.tenant"}


@pytest.mark.parametrize(
    ("statement", "copies"),
    [
        ("insert into public.log (who) values (new.email)", {("email", "who")}),
        ("insert into public.log (at, who) values (now(), lower(coalesce(new.email, '')::text))", {("email", "who")}),
        ("insert into public.log (who, what) select old.email, t.name from t", {("email", "who")}),
        ("insert into public.log (who) values ('a'), (new.phone)", {("phone", "who")}),
        ("insert into public.log (who) values (new.data ->> 'name')", set()),
        (
            "insert into public.log (was, who) values (to_jsonb(old), row_to_json(new.*)::text)",
            {("*", "was"), ("*", "who")},
        ),
        ("insert into public.log (who) values (to_jsonb(new) - 'email')", set()),
        ("insert into public.log (who) values (to_jsonb(new.id))", set()),
        ("insert into public.log (who) values (to_jsonb(t))", set()),
        ("insert into public.log (who) values (md5(new.email))", set()),
        ("insert into public.log (who) values (t.email)", set()),
        ("insert into public.log values (new.email)", set()),
        ("update public.log set who = new.email", set()),
    ],
)
def test_copies(statement: str, copies: set[tuple[str, str]]) -> None:
    found = copies_of(function(f"begin {statement}; return new; end"))
    assert set(found) == {Copy(source, LOG, column) for source, column in copies}
