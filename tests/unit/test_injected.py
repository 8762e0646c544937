"""Which arguments become a part of SQL that is run, behind whatever a body asks of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pytest

from rlsaudit.catalog.facts import Parameter
from rlsaudit.policy.injected import injected_of

if TYPE_CHECKING:
    from rlsaudit.catalog.facts import Function


@dataclass(frozen=True)
class _Text:
    body: str
    language: str = "plpgsql"
    name: str = "f"
    arguments: str = "text, text, integer"
    parameters: tuple[Parameter, ...] = (Parameter("i", "p"), Parameter("i", "q"), Parameter("i", "n"))


def injected(body: str, language: str = "plpgsql") -> set[str]:
    return set(injected_of(cast("Function", _Text(body, language)), lambda name: name[-1] == "is_admin"))


ADDED = "execute 'select * from t order by ' || p;"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (f"begin {ADDED} end", {"p"}),
        ("declare s text; begin s := 'select ' || p; execute s; end", {"p"}),
        ("begin return query execute format('select * from %I where %s', p, q); end", {"q"}),
        ("begin execute p; end", {"p"}),
        ("begin execute f.p; end", {"p"}),
        ("begin execute $2; end", {"q"}),
        ("begin execute format(p, q); end", {"p"}),
        ("declare r record; begin for r in execute p loop null; end loop; end", {"p"}),
        ("declare c refcursor; begin open c for execute p; end", {"p"}),
        ("begin execute 'select ' || lower(trim(coalesce(p, ''))); end", {"p"}),
        ("declare s text := ''; begin if p <> '' then s := ' where ' || p; end if; execute 'x' || s; end", {"p"}),
        ("declare s text := case when p is not null then p else '' end; begin execute s; end", {"p"}),
        ("begin perform query_to_xml(p, true, false, ''); end", {"p"}),
        ("begin execute 'select ' || quote_literal(p); end", set()),
        ("begin execute format('select %L', p); end", set()),
        ("begin execute 'select $1' using p; end", set()),
        ("begin execute 'select ' || n; end", set()),
        ("declare r record; begin for r in select * from t loop execute r.body; end loop; end", set()),
    ],
)
def test_what_becomes_sql(body: str, found: set[str]) -> None:
    assert injected(body) == found


@pytest.mark.parametrize(
    "before",
    [
        "if p not in ('a', 'b') then raise exception 'no'; end if;",
        "if p not in ('a', 'b') then return; end if;",
        "if p not in ('a', 'b') then p := 'a'; end if;",
        "if not (p = any (array['a', 'b'])) then return; end if;",
        "if p <> all (array['a', 'b']) then return; end if;",
        "if p is null or p not in ('a', 'b') then return; end if;",
        "if p is null then p := 'a'; elsif p <> 'b' then return; end if;",
        "if p = 'a' then null; elsif p = 'b' then null; else return; end if;",
        "case p when 'a' then null; when 'b' then null; end case;",
        "if p !~ '^[a-z_]+$' then return; end if;",
        "if p ~ '[^a-z_]' then return; end if;",
        "if not exists (select 1 from columns c where c.name = p) then return; end if;",
        "perform 1 from columns c where c.name = p; if not found then return; end if;",
        "select count(*) into m from columns c where c.name = p; if m = 0 then return; end if;",
        "ok := p in ('a', 'b'); if not ok then return; end if;",
        "if not is_known(p) then return; end if;",
        "assert p in ('a', 'b');",
        "if not is_admin() then return; end if;",
        "if auth.uid() <> '00000000-0000-0000-0000-000000000000' then raise exception 'no'; end if;",
        "select true into ok from staff where id = auth.uid(); if not ok then return; end if;",
        "if p not in ('a', 'b') then raise notice 'no'; return; end if;",
    ],
)
def test_what_is_asked_before(before: str) -> None:
    assert injected(f"declare m int; ok boolean; begin {before} {ADDED} end") == set()


@pytest.mark.parametrize(
    "around",
    [
        "if p in ('a', 'b') then {} end if;",
        "if p = 'a' or p = 'b' then {} else raise exception 'no'; end if;",
        "case when p = 'a' then {} else null; end case;",
        "case p when 'a' then {} else null; end case;",
        "while p = 'a' loop {} end loop;",
        "loop exit when p not in ('a', 'b'); {} end loop;",
        "if p in ('a', 'b') then s := p; end if; execute 'x' || s;",
        "s := case when p in ('a', 'b') then p else 'a' end; execute 'x' || s;",
        "s := case p when 'a' then p when 'b' then p end; execute 'x' || s;",
        "s := lower(p); if s not in ('a', 'b') then return; end if; execute 'x' || s;",
    ],
)
def test_what_is_asked_around(around: str) -> None:
    assert injected(f"declare s text; begin {around.format(ADDED)} end") == set()


@pytest.mark.parametrize(
    "before",
    [
        "if p is null then raise exception 'which?'; end if;",
        "if p is null or p = '' then return; end if;",
        "if length(trim(p)) = 0 then return; end if;",
        "if p = 'all' then return; end if;",
        "if p = 'all' then null; else null; end if;",
        "if p not in ('a', 'b') then raise notice 'odd'; end if;",
        "if p not in ('a', 'b') then p := q || p; end if;",
        "if q not in ('a', 'b') then return; end if;",
        "if p in ('a', 'b') then return; end if;",
        "if n > 10 then raise exception 'too many'; end if;",
        "if auth.uid() is null then raise exception 'sign in'; end if;",
        "me := auth.uid(); if me is null then raise exception 'sign in'; end if;",
        "if auth.role() <> 'authenticated' then raise exception 'sign in'; end if;",
        "if p not in ('a', 'b') then return; end if; p := q || p;",
    ],
)
def test_what_asks_nothing(before: str) -> None:
    assert "p" in injected(f"declare me uuid; begin {before} {ADDED} end")


def test_sql_that_runs_a_text() -> None:
    assert injected("select query_to_xml(p, true, false, '')", "sql") == {"p"}
    assert injected("select query_to_xml($2, true, false, '')", "sql") == {"q"}
    assert injected("select query_to_xml('select 1', true, false, '')", "sql") == set()
    assert injected("return 1", "plv8") == set()
