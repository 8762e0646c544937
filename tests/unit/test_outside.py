"""What a function hands on to the outside of what its caller gives it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pytest

from rlsaudit.catalog.facts import Parameter
from rlsaudit.policy.outside import handed_by

if TYPE_CHECKING:
    from rlsaudit.catalog.facts import Function


@dataclass(frozen=True)
class _Text:
    body: str
    oid: int = 1
    language: str = "plpgsql"
    name: str = "f"
    arguments: str = "text, text"
    parameters: tuple[Parameter, ...] = (Parameter("i", "p"), Parameter("i", "q"))


@pytest.mark.parametrize(
    ("body", "handed"),
    [
        ("begin perform net.http_post(url := p); end", {"p"}),
        ("begin perform net.http_post(url => 'https://' || p || '/hook', body => q); end", {"p"}),
        ("begin perform http_get(format('https://%s/x?q=%s', p, q)); end", {"p"}),
        ("declare a text := trim(p); begin perform http_get(a); end", {"p"}),
        ("begin perform http(('GET', q, null, null, null)::http_request); end", {"q"}),
        ("begin return query select * from dblink(p, 'select 1') as t (x int); end", {"p"}),
        ("begin return query select * from dblink('dbname=x', 'select ' || q) as t (x int); end", {"q"}),
        ("begin return pg_read_file('/srv/' || p); end", {"p"}),
        ("begin perform net.http_post(url := 'https://example.com/' || p, body := q); end", set()),
        ("begin perform http_get(format('https://example.com/%s', p)); end", set()),
        ("begin perform net.http_post('https://example.com', p::jsonb); end", set()),
        ("begin if p not in ('https://a.example') then return; end if; perform http_get(p); end", set()),
        ("begin if p not like 'https://a.example/%' then return; end if; perform http_get(p); end", set()),
        ("begin if not is_admin() then return; end if; perform http_get(p); end", set()),
        ("begin perform own.http_get(p); end", set()),
    ],
)
def test_handed(body: str, handed: set[str]) -> None:
    found = handed_by(
        cast("Function", _Text(body)), lambda name: name[-1] == "is_admin", lambda name: name[0] != "own"
    )  # fmt: skip
    assert {argument for one in found for argument in one.arguments} == handed


@pytest.mark.parametrize(
    ("call", "handed"),
    [
        ("http_get('https://example.com/files/' || p, 'Bearer x')", {"p"}),
        ("http_get('https://example.com/files/' || p, headers)", {"p"}),
        ("http_get(format('https://example.com/%s?q=%s', p, q), 'apikey')", {"p"}),
        ("http_get('https://example.com/search?q=' || p, 'apikey')", set()),
        ("http_get('https://example.com/files/' || urlencode(p), 'apikey')", set()),
        ("http_get('https://example.com/files/' || p, 'accept')", set()),
    ],
)
def test_path_of_a_request_with_a_key(call: str, handed: set[str]) -> None:
    body = f"declare headers text := 'Authorization: ' || key(); begin perform {call}; end"
    found = handed_by(cast("Function", _Text(body)), lambda _: False, lambda _: True)
    assert {argument for one in found for argument in one.arguments if one.keyed} == handed


@pytest.mark.parametrize(
    ("call", "handed"),
    [
        ("inner(q, 'x')", {"q"}),
        ("inner(q => 'x', p => q)", {"q"}),
        ("inner('https://a.example', q)", set()),
        ("inner('https://a.example/' || q, q)", set()),
    ],
)
def test_handed_by_way_of_another(call: str, handed: set[str]) -> None:
    inner = _Text("begin perform http_get(p); end", oid=2)
    found = handed_by(
        cast("Function", _Text(f"begin perform {call}; end")),
        lambda _: False,
        lambda _: True,
        lambda name: [cast("Function", inner)] if name[-1] == "inner" else [],
    )
    assert {argument for one in found for argument in one.arguments} == handed
