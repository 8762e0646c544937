"""Policies that nobody should write, and somebody will: long, deep, circular, broken, with types of their own.

An audit ends, and says of no cell what force disproves: `unknown` or right.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import psycopg
import pytest
from oracle.judged import judge
from oracle.world import A, World
from psycopg import sql

from rlsaudit.names import ident, literal

if TYPE_CHECKING:
    from collections.abc import Callable

TABLE = """
create table public.t (id uuid primary key, user_id uuid, mark text, n int not null default 1);
alter table public.t enable row level security;
"""
SEED = """
insert into public.t select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
    case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end,
    format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
"""
CONTENTS = """
insert into public.t values ('cccccccc-0000-4000-8000-100000000030', null, 'x0', 1),
  ('cccccccc-0000-4000-8000-100000000040', null, 'x', 2), ('cccccccc-0000-4000-8000-100000000050', null, '', 2),
  ('cccccccc-0000-4000-8000-100000000060', '00000000-0000-4000-8000-000000000000', '[nc6]', 1);
"""
"""Rows of strangers that have what the policies below compare with: else a right `some` would look wrong."""
MINE = "user_id = auth.uid()"
DEEP = 1_000
LONG = 100_000


def world(schema: str, seed: str = SEED + CONTENTS) -> World:
    return World("bad", schema, seed)


def policies(condition: str) -> str:
    return f"""
        create policy a on public.t for select using ({condition});
        create policy b on public.t for delete using ({condition});"""


def right_or_unknown(url: str, bad: World) -> None:
    """Audits and measures, and holds the two against each other."""
    judged = judge(url, bad)
    assert judged.faults(judged.cells) == []
    assert judged.faults(judged.unprobed) == []
    assert judged.inconsistent() == []


def deepest(url: str, condition: Callable[[int], str]) -> str:
    """The condition as deep as the server can create, print and evaluate it; its stack is what it is."""
    depth = DEEP
    with psycopg.connect(url, autocommit=True) as connection:
        while True:
            try:
                with connection.transaction(force_rollback=True):
                    connection.execute(f"{TABLE} {SEED} {policies(condition(depth))}".encode())
                    connection.execute("grant select on public.t to authenticated; set local role authenticated")
                    connection.execute("select * from public.t")
                    connection.execute("select pg_get_expr(polqual, polrelid) from pg_policy")
            except psycopg.errors.StatementTooComplex:
                depth //= 2
                assert depth
            else:
                return condition(depth)


def repeated(form: str, separator: str) -> str:
    """`form`, with a number put in, until it is long."""
    number = LONG // (len(form) + len(separator))
    return separator.join(form.format(one) for one in range(number))


IDENTIFIERS = ", ".join(f"$${n:08x}-0000-4000-8000-000000000000$$" for n in range(10_000))
LONG_ONES = {
    "many alternatives": f"{MINE} or {repeated('mark = $$x{}$$', ' or ')}",
    "many demands": repeated("mark <> $${}$$", " and "),
    "a long text": f"mark <> '{'x' * LONG}' or {MINE}",
    "a long text that decides": f"mark = '{'x' * LONG}' and {MINE}",
    "a long list of texts": f"mark in ({repeated('$$x{}$$', ', ')}) or {MINE}",
    "a long list of identifiers": f"user_id in ({IDENTIFIERS}, auth.uid())",
    "a long list that is left out": f"n not in ({', '.join(str(n) for n in range(2, 20_000))})",
    "a long array": f"{MINE} and n = any (array[{', '.join(str(n) for n in range(20_000))}])",
    "a long sum": f"n + {' + '.join('1' for _ in range(2_000))} > 0 and {MINE}",
    "a long chain of texts": f"mark || {' || '.join('mark' for _ in range(2_000))} = '' or {MINE}",
    "a long CASE": f"case {repeated('when mark = $$x{}$$ then false', ' ')} else {MINE} end",
    "many subqueries": " or ".join(f"exists (select from (select 1 as n) u where u.n = {n + 2})" for n in range(200))
    + f" or {MINE}",
}


@pytest.mark.parametrize("condition", LONG_ONES.values(), ids=LONG_ONES.keys())
def test_long_conditions(supabase_database: str, condition: str) -> None:
    right_or_unknown(supabase_database, world(TABLE + policies(condition)))


DEEP_ONES: dict[str, Callable[[int], str]] = {
    "parentheses": lambda depth: f"{'(' * depth}{MINE}{')' * depth}",
    "NOT": lambda depth: f"{'not (' * (depth // 2 * 2)}{MINE}{')' * (depth // 2 * 2)}",
    "odd NOT": lambda depth: f"{'not (' * (depth // 2 * 2 + 1)}{MINE}{')' * (depth // 2 * 2 + 1)}",
    "AND and OR": lambda depth: f"{'(n = 1 and (n = 2 or ' * (depth // 2)}{MINE}{'))' * (depth // 2)}",
    "CASE": lambda depth: f"{'case when n = 2 then true else ' * depth}{MINE}{' end' * depth}",
    "CASE in its own condition": lambda depth: f"{'case when ' * depth}{MINE}{' then true else false end' * depth}",
    "COALESCE": lambda depth: f"{'coalesce(null, ' * depth}{MINE}{', false)' * depth}",
    "calls": lambda depth: f"{'lower(' * depth}mark{')' * depth} = 'x' or {MINE}",
    "casts": lambda depth: f"(user_id{'::text::uuid' * (depth // 2)}) = auth.uid()",
    "IS TRUE": lambda depth: f"({'(' * depth}{MINE}{') is true' * depth})",
    "equality of Booleans": lambda depth: f"{'(true = ' * depth}({MINE}){')' * depth}",
    "subqueries": lambda depth: f"{'(select ' * depth}{MINE}{')' * depth}",
    "EXISTS": lambda depth: f"{'exists (select 1 where ' * depth}{MINE}{')' * depth}",
    "IN": lambda depth: (
        f"{'auth.uid() in (select u from (select auth.uid() as u) s where ' * (depth // 2)}{MINE}{')' * (depth // 2)}"
    ),
    "rows": lambda depth: f"{'row(' * depth}user_id{')' * depth} = {'row(' * depth}auth.uid(){')' * depth}",
    "JSON": lambda depth: (
        f"(jsonb_build_object('a', user_id) {'#> array[]::text[] ' * depth}) ->> 'a' = auth.uid()::text"
    ),
}


@pytest.mark.parametrize("condition", DEEP_ONES.values(), ids=DEEP_ONES.keys())
def test_deep_conditions(supabase_database: str, condition: Callable[[int], str]) -> None:
    right_or_unknown(supabase_database, world(TABLE + policies(deepest(supabase_database, condition))))


def growing(value: str) -> str:
    """Short, and without end where it is written out: what is compared is what is taken, each time."""
    for _ in range(60):
        value = f"coalesce(nullif({value}, 'q'), 'z')"
    return value


GROWING = {
    "in a subquery": policies(f"exists (select from public.t x where {growing('x.mark')} = 'y') or {MINE}"),
    "in a join": policies(
        f"exists (select from public.t x join public.t y on {growing('x.mark')} = {growing('y.mark')}) or {MINE}"
    ),
    "as an argument": f"""
        create function public.is_y(said text) returns boolean language sql stable as
          'select said = ''y'' and said <> ''n''';
        {policies(f"public.is_y({growing('mark')}) or {MINE}")}""",
    "in a function that reads": f"""
        create function public.found(said text) returns setof text language sql security definer set search_path = '' as
          {literal(f"select mark from public.t where {growing('mark')} = said and {MINE}")};
        {policies(MINE)}""",
    "in a function that writes": f"""
        create function public.done(said text) returns void language plpgsql security definer set search_path = '' as
          {literal(f"begin if {growing('said')} = 'y' then raise exception 'no'; end if; "
                   f"update public.t set n = 3 where {growing('mark')} = said and {MINE}; end")};
        {policies(MINE)}""",
    "in a view": f"""
        {policies(MINE)}
        create view public.seen as select x.mark from public.t x join public.t y on x.id = y.id
          where {growing('x.mark')} = 'y' and x.user_id = auth.uid();""",
}  # fmt: skip


@pytest.mark.parametrize("schema", GROWING.values(), ids=GROWING.keys())
def test_conditions_that_grow(supabase_database: str, schema: str) -> None:
    right_or_unknown(supabase_database, world(TABLE + schema))


def function(name: str, body: str, *, language: str = "sql") -> str:
    return f"create function public.{name}(who uuid) returns boolean language {language} stable as {literal(body)};"


def plpgsql(name: str, body: str) -> str:
    return function(name, body, language="plpgsql")


def chain(length: int, step: str) -> str:
    """`f`, which calls `f1`, which calls `f2`: in each body `{}` stands for a call of the next."""
    names = ["f", *(f"f{one}" for one in range(1, length + 1))]
    calls = [function(one, step.format(f"public.{other}(who)")) for one, other in pairwise(names)]
    return "".join((*calls, function(names[-1], "select who = auth.uid()")))


UNCHECKED = "set check_function_bodies = off;"
HELPERS = {
    "a circle of one": function("f", "select public.f(who)"),
    "a circle of two": function("f", "select public.g(who)") + function("g", "select public.f(who)"),
    "a circle of two languages": plpgsql("f", "begin return public.g(who); end")
    + function("g", "select public.f(who)"),
    "a circle that ends": plpgsql(
        "f",
        "begin if who = auth.uid() then return true; end if; return who is not null and public.f(null); end",
    ),
    "a circle that is not gone round": function("f", "select who = auth.uid() or (false and public.f(who))"),
    "a long way": chain(60, "select {0}"),
    "ways that multiply": chain(10, "select {0} and {0}"),
    "no PL/pgSQL": plpgsql("f", "begin retrun true; end"),
    "half a body": plpgsql("f", "begin if who = auth.uid() then return true;"),
    "an empty body": plpgsql("f", ""),
    "an empty SQL body": function("f", ""),
    "no SQL": function("f", "selekt true"),
    "two statements": function("f", "select true; select who = auth.uid()"),
    "a NUL by its escape": function("f", r"select E'\001' <> '' and who = auth.uid()"),
    "an unknown column": function("f", "select exists (select from public.other where gone = who)"),
    "an unknown function": function("f", "select public.nowhere(who)"),
    "a wrong type": function("f", "select 'yes and no'::boolean"),
    "a type that does not fit": function("f", "select who"),
    "nothing returned": plpgsql("f", "begin perform 1; end"),
    "an endless loop that is left": plpgsql("f", "begin loop exit; end loop; return who = auth.uid(); end"),
    "an exception that is caught": plpgsql("f", "begin return 1 / 0 = 1; exception when others then return true; end"),
    "an exception": plpgsql("f", "begin raise exception 'no'; return true; end"),
    "dynamic SQL": plpgsql("f", "declare r boolean; begin execute 'select true' into r; return r; end"),
}


@pytest.mark.parametrize("helper", HELPERS.values(), ids=HELPERS.keys())
def test_helpers_that_go_round_or_are_broken(supabase_database: str, helper: str) -> None:
    other = "create table public.other (id uuid primary key default gen_random_uuid(), mark text default '[o]');"
    schema = f"{UNCHECKED}{other}{TABLE}{helper}{policies('public.f(user_id)')}"
    # Circles end where the stack does: there are many statements, and each comes to the end of a small one sooner.
    with psycopg.connect(supabase_database, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("alter database {} set max_stack_depth = '250kB'").format(name))
    right_or_unknown(supabase_database, world(schema, f"{SEED} {CONTENTS} insert into public.other default values"))


GONE = {
    "a column": (
        "select exists (select from public.other o where o.gone = who)",
        "alter table public.other drop column gone",
    ),
    "a table": ("select exists (select from public.other o where o.gone = who)", "drop table public.other"),
    "a column that has come again": (
        "select exists (select from public.other o where o.gone = who)",
        "alter table public.other drop column gone; alter table public.other add column gone int",
    ),
    "a table that is a view now": (
        "select exists (select from public.other o where o.gone = who)",
        "drop table public.other; create view public.other as select auth.uid() as gone, 'v'::text as mark",
    ),
    "a column beside": (
        "select (select o from public.other o where o.gone = who limit 1) is not null",
        "alter table public.other drop column mark",
    ),
    "a function": ("select public.aside(who)", "drop function public.aside(uuid)"),
    "a schema": ("select aside.me() = who", "drop schema aside cascade"),
    "a type": ("select who::text::public.label is not null", "drop type public.label"),
}


@pytest.mark.parametrize("language", ["sql", "plpgsql"])
@pytest.mark.parametrize(("body", "gone"), GONE.values(), ids=GONE.keys())
def test_helpers_that_name_what_is_gone(supabase_database: str, body: str, gone: str, language: str) -> None:
    helper = function("f", body if language == "sql" else f"begin return ({body}); end", language=language)
    schema = f"""
        create table public.other (id uuid primary key default gen_random_uuid(), gone uuid, mark text);
        create function public.aside(uuid) returns boolean language sql stable as 'select $1 = auth.uid()';
        create schema aside; grant usage on schema aside to anon, authenticated;
        create function aside.me() returns uuid language sql stable as 'select auth.uid()';
        create domain public.label as text;
        insert into public.other (gone, mark) values ('{A}', '[o]');
        {TABLE}{helper}{policies("public.f(user_id)")} {gone};"""
    right_or_unknown(supabase_database, world(schema))


TYPES = {
    "a domain": ("create domain public.own as uuid;", "user_id::public.own = auth.uid()"),
    "a domain that refuses": (
        f"create domain public.own as uuid check (value = '{A}');",
        "user_id::public.own is not null",
    ),
    "a domain that has a name of the server's": (
        "create domain public.boolean as text;",
        "(n::text::public.boolean)::text = '1'",
    ),
    "a domain of Booleans that is never NULL": (
        "create domain public.sure as boolean not null;",
        f"({MINE})::public.sure",
    ),
    "an enum": ("create type public.who as enum ('[na1]', '[nb1]');", "mark::public.who is not null"),
    "an enum by its order": (
        "create type public.size as enum ('big', 'small');",
        "(case when n = 1 then 'big' else 'small' end)::public.size < 'small'",
    ),
    "a composite": (
        "create type public.pair as (a uuid, b text);",
        "((row(user_id, mark)::public.pair).a) = auth.uid()",
    ),
    "a composite as a whole": (
        "create type public.pair as (a uuid, b text);",
        "row(user_id, mark)::public.pair = row(auth.uid(), mark)::public.pair",
    ),
    "a cast of one's own": (
        (
            "create type public.pair as (a uuid, b text);"
            "create function public.yes(public.pair) returns boolean language sql immutable as 'select true';"
            "create cast (public.pair as boolean) with function public.yes(public.pair);"
        ),
        "(row(user_id, mark)::public.pair)::boolean",
    ),
    "a cast of one's own from a text": (
        (
            "create type public.pair as (a uuid, b text);"
            "create function public.made(text) returns public.pair language sql stable as"
            " 'select row(auth.uid(), $1)::public.pair';"
            "create cast (text as public.pair) with function public.made(text);"
        ),
        "((mark::public.pair).a) = user_id or ((mark::public.pair).a) = auth.uid()",
    ),
    "a range": ("create type public.span as range (subtype = int4);", f"public.span(1, 5) @> n and {MINE}"),
    "an array of domains": ("create domain public.own as uuid;", "auth.uid() = any (array[user_id]::public.own[])"),
    "an equality of one's own": (
        (
            "create function public.same(uuid, uuid) returns boolean language sql immutable as 'select true';"
            "create operator public.= (leftarg = uuid, rightarg = uuid, function = public.same);"
        ),
        "user_id operator(public.=) auth.uid()",
    ),
    "an operator that negates another": (
        (
            "create function public.same(uuid, uuid) returns boolean language sql immutable as 'select $1 is null';"
            "create operator public.=== (leftarg = uuid, rightarg = uuid, function = public.same,"
            " negator = operator(public.!==));"
            "create operator public.!== (leftarg = uuid, rightarg = uuid, function = public.same,"
            " negator = operator(public.===));"
        ),
        "not (user_id operator(public.!==) auth.uid())",
    ),
    "a prefix of one's own": (
        (
            "create function public.opposite(boolean) returns boolean language sql immutable as 'select $1';"
            "create operator public.! (rightarg = boolean, function = public.opposite);"
        ),
        f"operator(public.!) ({MINE})",
    ),
    "an IN with an equality of one's own": (
        (
            "create function public.same(public.pair, public.pair) returns boolean language sql as 'select true';"
            "create operator public.= (leftarg = public.pair, rightarg = public.pair, function = public.same);"
        ),
        "row(user_id, mark)::public.pair operator(public.=) any (array[row(auth.uid(), '')::public.pair])",
    ),
    "an aggregate of one's own": (
        (
            "create function public.always(boolean, boolean) returns boolean language sql immutable as 'select true';"
            "create aggregate public.bool_and(boolean) (sfunc = public.always, stype = boolean, initcond = 'true');"
        ),
        "(select public.bool_and(x.y) from (values (false)) x (y))",
    ),
    "a function that has a name of the server's": (
        (
            "create function public.coalesce(uuid, uuid) returns uuid language sql immutable as 'select null::uuid';"
            "create function public.lower(text) returns text language sql immutable as 'select ''x''';"
        ),
        "public.\"coalesce\"(user_id, auth.uid()) is null and public.lower(mark) = 'x'",
    ),
}


@pytest.mark.parametrize(("made", "condition"), TYPES.values(), ids=TYPES.keys())
def test_types_casts_and_operators_of_ones_own(supabase_database: str, made: str, condition: str) -> None:
    before = "" if "create type public.pair" in made else "create type public.pair as (a uuid, b text);"
    right_or_unknown(supabase_database, world(f"{before}{made}{TABLE}{policies(condition)}"))


@pytest.mark.parametrize("restrictive", [False, True])
def test_a_thousand_policies_on_one_table(supabase_database: str, *, restrictive: bool) -> None:
    kind, condition = ("restrictive", "mark <> $$x{}$$") if restrictive else ("permissive", "mark = $$x{}$$")
    many = "".join(
        f"create policy p{n} on public.t as {kind} for select using ({condition.format(n)});" for n in range(1_000)
    )
    right_or_unknown(supabase_database, world(f"{TABLE}{policies(MINE)}{many}"))


NAMES = (
    'a"b',
    "a'b",
    "a\nb",
    "a\\b",
    "%s %(x)s {0}",
    "🔓 offen",
    "select",
    "a.b",
    "$$",
    "--",
    "/* */",
    "auth.uid()",
    "x" * 63,
)


@pytest.mark.parametrize("name", NAMES)
def test_names(supabase_database: str, name: str) -> None:
    """The name stands for a policy, a column, a table that is asked, its column, a function and its argument."""
    said = ident(name)
    schema = f"""
        create table public.t (id uuid primary key, {said} uuid, mark text);
        create table public.{said} (id uuid primary key, {said} uuid, mark text);
        alter table public.t enable row level security;
        alter table public.{said} enable row level security;
        create policy {said} on public.{said} for select using ({said} = auth.uid());
        create function public.{said}({said} uuid) returns boolean language sql stable as
          {literal(f"select exists (select from public.{said} where {said}.{said} = {said}.{said})")};
        create policy {said} on public.t for select
          using (exists (select from public.{said} o where o.{said} = t.{said}));
        create policy b on public.t for delete using (public.{said}({said}) and {said} = auth.uid());
        create policy c on public.t for update using (mark = {literal(name)} or t.{said} is null);"""
    seed = SEED + f"insert into public.{said} select id, {said}, mark || 'o' from public.t;"
    right_or_unknown(supabase_database, world(schema, seed))
