"""Random expressions over the table of `policy_world` and a few small ones, and who computes them."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from policy_world import ALICE, BOB, NAMED, SKELETON, VALUES, leaf

from rlsaudit.names import literal

CAROL = "d4444444-4444-4444-8444-444444444444"
"""A user whom no constant names."""
ROWS = 32

WORLD = (
    SKELETON
    + """
alter table public.t add column doc jsonb, add column nums int[], add column day date, add column big bigint;
create policy everything on public.t for select using (true);
create table public.teams (id int primary key, name text, lead uuid, quota int, open boolean not null default false);
create table public.posts (id int, team text, author uuid, score numeric, state public.stage, tags text[]);
create table public.sealed (id int, owner uuid);
alter table public.members enable row level security;
alter table public.teams enable row level security;
alter table public.posts enable row level security;
alter table public.sealed enable row level security;
create policy own on public.members for select to authenticated using (user_id = auth.uid() or rank = 'admin');
create policy led on public.teams for select to authenticated
  using (lead = auth.uid() or name in (select team from public.members where user_id = auth.uid()));
create policy opened on public.teams for select to anon using (open);
create policy shown on public.posts for select using (state = 'live' or author = (select auth.uid()));
create function public.leads(whose uuid) returns boolean language sql stable as $$
  select exists (select 1 from public.teams x where x.lead = whose)
$$;
create function public.leads_any(whose uuid) returns boolean language sql stable security definer as $$
  select exists (select 1 from public.teams x where x.lead = whose and x.quota > 1)
$$;
create function public.my_teams() returns setof text language sql stable security definer as $$
  select m.team from public.members m where m.user_id = auth.uid()
$$;
create function public.team_of(whose uuid) returns text language sql stable security definer as $$
  select m.team from public.members m where m.user_id = whose limit 1
$$;
create function public.rank_of(whose uuid) returns text language plpgsql stable security definer as $$
begin
  return (select m.rank from public.members m where m.user_id = whose);
end $$;
create function public.quota_of(wanted text) returns int language sql stable as $$
  select x.quota from public.teams x where x.name = wanted
$$;
create function public.counted(whose uuid) returns bigint language sql stable security definer as $$
  select count(*) from public.posts p where p.author = whose
$$;
create function public.either_team(whose uuid, wanted text default 'T1') returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.members m where m.user_id = $1 and m.team = wanted)
    or exists (select from public.teams x where x.lead = whose and x.name = $2)
$$;
create function public.as_number(word text) returns int language sql immutable strict as $$
  select case when word ~ '^[0-9]+$' then word::int end
$$;
create function public.led() returns setof public.teams language sql stable security definer as $$
  select * from public.teams where lead = auth.uid()
$$;
create function public.decided(word text) returns boolean language plpgsql stable as $$
begin
  if word is null then
    return false;
  end if;
  return word = 'a' or exists (select 1 from public.members m where m.team = word);
end $$;
create function public.is_admin() returns boolean language plpgsql stable security definer as $$
begin
  if exists (select 1 from public.members m where m.user_id = auth.uid() and m.rank = 'admin') then
    return true;
  end if;
  return false;
end $$;
create function public.ranked(whose uuid, wanted text) returns boolean language plpgsql stable security definer as $$
declare
  v_rank public.members.rank%type;
  v_team text := 'x';
begin
  select m.rank, m.team into v_rank, v_team from public.members m where m.user_id = whose and m.team = wanted;
  if not found then
    return v_team is not null;
  end if;
  return v_rank = 'admin' or v_team = wanted;
end $$;
create function public.strict_quota(wanted text) returns int language plpgsql stable as $$
declare
  one public.teams%rowtype;
begin
  if wanted is null then
    return null;
  end if;
  select * into strict one from public.teams x where x.name = wanted;
  return one.quota + 1;
end $$;
create function public.by_case(word text, n numeric) returns text language plpgsql immutable as $$
declare
  said text default 'a';
  whole int := n;
begin
  case word
    when 'a', 'T1' then said := said || whole;
    when 'x' then
      if whole > 3 then
        return null;
      end if;
    when '' then raise exception 'nothing';
    else whole := whole + 1;
  end case;
  return coalesce(said, '-') || whole;
end $$;
create function public.allowed(whose uuid, wanted text) returns boolean language plpgsql stable security definer as $$
declare
  seen boolean;
  r record;
begin
  if auth.uid() is null then
    return false;
  elsif whose = auth.uid() then
    return true;
  end if;
  perform 1 from public.teams x where x.lead = auth.uid() and x.name = wanted;
  seen := found;
  select count(*) as many, max(p.score) as best into r from public.posts p where p.team = wanted;
  return seen or r.many > 1 or r.best = 5;
end $$;
create function public.converts(n int) returns boolean language plpgsql immutable as $$
declare
  v boolean;
begin
  v := n;
  return v;
end $$;
create function public.cut(word text) returns text language plpgsql immutable as $$
declare
  v varchar(2) := word;
  w bigint not null := length(word);
begin
  return v || w;
end $$;
create view public.live as select id, author, team from public.posts where state = 'live';
create view public.seen with (security_invoker) as select m.team, m.user_id as who from public.members m;
grant select on public.teams, public.posts, public.sealed, public.live, public.seen to anon, authenticated;
grant execute on all functions in schema public to anon, authenticated;
create role expression_reader;
create function public.written(expression text) returns text language plpgsql as $$
declare
  shown text;
begin
  execute format('create policy p on public.t for select to expression_reader using (%s)', expression);
  select pg_get_expr(polqual, polrelid) into shown from pg_policy
    where polrelid = 'public.t'::regclass and polname = 'p';
  drop policy p on public.t;
  return shown;
exception when others then
  return null;
end $$;
create function public.measured(expression text) returns jsonb language plpgsql as $$
declare
  every jsonb;
  one record;
  value text;
  shown jsonb;
begin
  begin
    execute format('select coalesce(jsonb_agg(id), ''[]'') from public.t where (%s)', expression) into shown;
  exception when others then
    shown := 'null';
  end;
  begin
    execute format('select jsonb_object_agg(id, (%s)::text) from public.t', expression) into every;
    return every || jsonb_build_object('shown', shown);
  exception when others then
    every := jsonb_build_object('shown', shown);
  end;
  for one in select id from public.t loop
    begin
      execute format('select (%s)::text from public.t where id = %s', expression, one.id) into value;
    exception when others then
      value := 'failed ' || sqlstate;
    end;
    every := every || jsonb_build_object(one.id, value);
  end loop;
  return every;
end $$;
grant execute on function public.measured(text) to anon, authenticated;
alter database random_expressions set timezone to 'UTC';
set timezone to 'UTC';
"""
)

_MORE: dict[str, tuple[str | None, ...]] = {
    "note": (*VALUES["note"], "\u00e4", " a", "a\\", "t", "2024-02-29", "A%", "1e3", "{a}"),
    "owner": (None, ALICE, BOB, CAROL, NAMED),
    "org": (None, "T1", "T2", "x", "zz"),
    "doc": (
        None,
        "{}",
        "null",
        '{"a": 1, "b": {"c": "x"}, "tags": ["a", "b"]}',
        f'{{"owner": "{ALICE}", "open": true, "n": 5}}',
        '{"a": "1", "open": null, "n": "x", "tags": []}',
        '["a", "x", 5]',
        '"a"',
        "5",
    ),
    "nums": (None, "{}", "{1,2}", "{5,NULL}", "{NULL}"),
    "day": (None, "2001-01-31", "2200-01-01", "2024-02-29"),
    "big": (None, "0", "5", "9223372036854775807", "-1"),
}


def inserted() -> str:
    """The rows of the wide table, the same in every run: each value often enough."""
    chosen = random.Random(1)  # noqa: S311  nothing secret
    pools = {**VALUES, **_MORE}
    made = []
    for _ in range(ROWS):
        row = {name: chosen.choice(pool) for name, pool in pools.items()}
        if row["lo"] is not None:
            row["hi"] = None
        made.append("(" + ", ".join("null" if one is None else literal(one) for one in row.values()) + ")")
    return f"insert into public.t ({', '.join(pools)}) values {', '.join(made)}"


SMALL: dict[str, dict[str, tuple[str | None, ...]]] = {
    "members": {
        "user_id": (None, ALICE, BOB, CAROL),
        "team": (None, "T1", "T2", "x", "a", "5"),
        "rank": (None, "admin", "member"),
    },
    "teams": {
        "name": (None, "T1", "T2", "x"),
        "lead": (None, ALICE, CAROL),
        "quota": (None, "0", "1", "5"),
        "open": ("true", "false"),
    },
    "posts": {
        "id": ("1", "5", None),
        "team": (None, "T1", "x"),
        "author": (None, ALICE, BOB, CAROL),
        "score": (None, "5", "5.0", "-1.5"),
        "state": (None, "draft", "live"),
        "tags": (None, "{}", "{a}", "{b,NULL}"),
    },
    "sealed": {"id": ("1",), "owner": (ALICE, CAROL)},
}
_KEYED = frozenset({"teams"})


@st.composite
def filled(draw: st.DrawFn) -> str:
    """Statements that fill the small tables anew."""
    statements = []
    for table, pools in SMALL.items():
        statements.append(f"delete from public.{table}")
        for number in range(draw(st.integers(0, 4))):
            row = {name: draw(st.sampled_from(pool)) for name, pool in pools.items()}
            if table in _KEYED:
                row["id"] = str(number)
            values = ", ".join("null" if one is None else literal(one) for one in row.values())
            statements.append(f"insert into public.{table} ({', '.join(row)}) values ({values})")
    return ";".join(statements)


@dataclass(frozen=True)
class Asking:
    """Who computes: `role` with `claims`, `headers` beside them."""

    role: str
    claims: dict[str, Any]
    headers: dict[str, str]

    @property
    def settings(self) -> str:
        """The SELECT that makes the following statements this one's."""
        made = (("request.jwt.claims", self.claims), ("request.headers", self.headers))
        return "select " + ", ".join(
            f"set_config({literal(name)}, {literal(json.dumps(to))}, true)" for name, to in made
        )


@st.composite
def askings(draw: st.DrawFn) -> Asking:
    """Anybody."""
    headers = draw(st.sampled_from(({}, {"x-key": "k"}, {"x-key": "other"})))
    if draw(st.integers(0, 3)) == 0:
        return Asking("anon", {"role": "anon"}, headers)
    claims = {
        "sub": draw(st.sampled_from((ALICE, BOB, CAROL))),
        "role": "authenticated",
        "aud": "authenticated",
        "iss": "https://project.example/auth/v1",
        "email": draw(st.sampled_from(("s@example.com", "boss@corp.example"))),
        "is_anonymous": False,
        "aal": draw(st.sampled_from(("aal1", "aal2"))),
        "app_metadata": {
            "provider": "email",
            "providers": ["email"],
            **draw(
                st.sampled_from(({}, {"org": "T1"}, {"org": "T2", "role": "member", "level": 5, "orgs": ["T1", "x"]}))
            ),
        },
        "user_metadata": draw(st.sampled_from(({}, {"role": "a"}, {"role": "admin", "plan": "true"}, {"plan": "zz"}))),
        **draw(st.sampled_from(({}, {"team": "T2"}))),
    }
    return Asking("authenticated", claims, headers)


_UID = ("auth.uid()", "(select auth.uid())", "owner", f"'{ALICE}'::uuid", "other", "keeper", "null::uuid")
_WORDS = (
    "org", "note", "status", "byname", "path", "label", "short", "tagged", "shout", "phase::text", "owner::text", "'a'",
    "'T1'", "''", "'x'", "null::text", "num::text", "doc ->> 'a'", "doc ->> 'owner'", "doc #>> '{b,c}'", "doc ->> 0",
    "words[1]", "split_part(path, '/', 1)", "split_part(path, '/', -1)", "(storage.foldername(path))[1]",
    "storage.filename(path)", "storage.extension(path)", "upper(note)", "lower(byname)", "substr(path, 2)",
    "substring(path, 1, 3)", "left(note, -1)", "right(path, 2)", "replace(note, 'a', 'b')", "btrim(note, 'a')",
    "note || org", "note || num", "concat(note, num, shown)", "concat_ws('-', org, note, null)", "reverse(note)",
    "position('/' in path)::text", "note || shown", "substring(path from 2 for 3)", "rpad(org, 3, 'ab')",
    "repeat(note, 2)", "md5(note)", "auth.jwt() ->> 'role'", "auth.jwt() -> 'app_metadata' ->> 'org'",
    "coalesce(note, org)", "nullif(note, '')", "case when shown then note else org end", "greatest(note, 'a')",
    "array_to_string(words, ',')", "array_to_string(words, ',', 'q')", "crew::text", "words::text", "price::text",
    "public.team_of(owner)", "public.rank_of(owner)", "doc::text", "shown::text", "jsonb_typeof(doc)", "big::text",
    "note::varchar(2)", "lpad(note, 4, 'x')", "auth.jwt() -> 'app_metadata' ->> 'level'", "nums::text",
    "(select m.team from public.members m where m.user_id = auth.uid())",
    "(select max(m.rank) from public.members m)",
    "(select m.team from public.members m where m.user_id = t.owner limit 1)",
)  # fmt: skip
_NUMBERS = (
    "num", "tiny", "price", "big", "5", "0", "5.0", "-1", "null::int", "num + 1", "tiny * 2", "num / tiny", "num % 5",
    "-num", "price + num", "price * 1.50", "price - 0.5", "big + 1", "length(note)", "strpos(path, '/')",
    "cardinality(words)",
    "array_length(words, 1)", "nums[1]", "nums[5]", "price::int", "note::int", "(doc ->> 'n')::int",
    "(doc ->> 'a')::numeric",
    "coalesce(num, 0)", "nullif(tiny, 0)", "greatest(num, tiny, 0)", "least(num, tiny)", "abs(num)", "big::int",
    "array_position(words, 'a')", "public.quota_of(org)", "public.counted(owner)", "shown::int", "char_length(path)",
    "(select count(*) from public.posts p where p.author = auth.uid())", "jsonb_array_length(doc)",
    "(select sum(p.score) from public.posts p where p.team = t.org)", "(select max(x.quota) from public.teams x)",
    "(select min(p.score) from public.posts p)", "(select count(x.quota) from public.teams x where x.lead is not null)",
    "(select count(p.score) from public.posts p where p.state = t.phase)",
    "(select x.quota from public.teams x where x.name = t.org)", "(select avg(x.quota) from public.teams x)",
    "(auth.jwt() -> 'app_metadata' ->> 'level')::int",
)  # fmt: skip
_TIMES = (
    "due", "now()", "day", "now() - interval '1 day'", "now() + interval '2 hours'", "day + 1", "day - 30",
    "day + interval '1 month'", "current_date", "due - interval '1 year'", "'2100-01-01'::timestamptz",
    "due::date", "day::timestamptz", "'2024-02-29'::date", "null::date",
)  # fmt: skip
_SETS = (
    "words", "array['a', 'b']", "'{}'::text[]", "string_to_array(path, '/')", "array[note, org]", "words || 'a'::text",
    "array_append(words, note)", "array_remove(words, 'a')", "string_to_array(note, '')", "storage.foldername(path)",
    "words || array['x']", "array['a', null]", "array[null, note]", "string_to_array(path, '/', 'a')", "null::text[]",
    "array_cat(words, words)",
    "array(select m.team from public.members m)", "crew::text[]",
)  # fmt: skip
_COMPARE = ("=", "=", "<>", "is distinct from", "is not distinct from")
_ORDER = (*_COMPARE, "<", "<=", ">", ">=")
_QUERIES = (
    "exists (select 1 from public.members m where m.user_id = {id} and m.team = {word})",
    ("exists (select 1 from public.members m join public.teams x on x.name = m.team"
     " where m.user_id = {id} and x.quota > {number})"),
    "exists (select 1 from public.members m, public.posts p where p.team = m.team and p.author = {id})",
    "exists (select 1 from public.members m left join public.teams x on x.name = m.team where x.lead is null)",
    "not exists (select 1 from public.posts p where p.author = {id} and p.state <> 'live')",
    "exists (select 1 from public.sealed s where s.owner = {id})",
    "{word} in (select m.team from public.members m where m.user_id = {id})",
    "{word} not in (select m.team from public.members m)",
    "{id} in (select x.lead from public.teams x)",
    "{id} not in (select m.user_id from public.members m where m.rank = 'admin')",
    "{word} = any (select x.name from public.teams x where x.quota >= {number})",
    "{word} <> all (select m.team from public.members m)",
    "{number} > all (select x.quota from public.teams x)",
    "{number} < any (select p.score from public.posts p)",
    "{word} = (select m.team from public.members m where m.user_id = {id})",
    "(select count(*) from public.members m where m.user_id = {id}) > {number}",
    "(select bool_or(x.open) from public.teams x where x.name = {word})",
    "(select bool_and(x.open) from public.teams x)",
    "(select m.rank = 'admin' from public.members m where m.user_id = {id} limit 1)",
    "(select count(distinct m.team) from public.members m) > 1",
    "exists (select 1 from public.members m where m.team in (select x.name from public.teams x where x.lead = {id}))",
    ("exists (select 1 from public.members m"
     " where exists (select 1 from public.posts p where p.team = m.team and p.author = {id}))"),
    "{word} in (select public.my_teams())",
    "{word} in (select * from public.my_teams())",
    "exists (select 1 from public.posts p where 'a' = any (p.tags) and p.author = {id})",
    "exists (select 1 from public.posts p where p.tags && t.words)",
    "exists (select 1 from public.posts p where p.id = {number} and p.team::int = 1)",
    "exists (select from public.members m where m.user_id = {id} union select from public.teams x where x.lead = {id})",
    ("exists (with w as (select m.team from public.members m where m.user_id = {id})"
     " select 1 from w where w.team = {word})"),
    "(select x.open from (select * from public.teams y where y.lead = {id}) x where x.name = {word})",
    "exists (select 1 from public.members m where (m.user_id, m.team) = ({id}, {word}))",
    "({id}, {word}) in (select m.user_id, m.team from public.members m)",
    "exists (select m.team from public.members m group by m.team having count(*) > 1)",
    "{word} = (select m.team from public.members m order by m.team limit 1)",
    "public.leads({id})", "public.leads_any({id})", "public.either_team({id})", "public.either_team({id}, {word})",
    "public.decided({word})", "public.as_number({word}) = {number}", "{word} in (select l.name from public.led() l)",
    "public.is_admin()", "public.ranked({id}, {word})", "public.allowed({id}, {word})",
    "public.converts({number}::int)",
    "public.strict_quota({word}) {order} {number}", "public.by_case({word}, {number}) {compare} {word}",
    "public.cut({word}) {compare} {word}",
    "exists (select 1 from public.members m where public.ranked(m.user_id, {word}) and public.is_admin())",
    "exists (select 1 from public.live l where l.author = {id})", "{word} in (select s.team from public.seen s)",
    "exists (select 1 from public.seen s join public.teams x on x.name = s.team and x.open where s.who = {id})",
    "exists (select 1 from public.members m join public.posts p using (team) where p.author = {id})",
    "exists (select 1 from public.members m full join public.teams x on x.name = m.team where m.team is null)",
    "exists (select 1 from public.t u where u.owner = t.other and u.org = {word})",
    "{id} in (select u.owner from public.t u where u.num = t.num)",
    "exists (select 1 from public.members m where m.user_id = {id} limit 0)",
    "exists (select 1 from public.members m where m.user_id = {id} offset 1)",
    "exists (select distinct m.team from public.members m where m.rank = {word})",
    "{word} in (select distinct m.team from public.members m)",
    "(select count(*) filter (where m.rank = 'admin') from public.members m where m.user_id = {id}) = 1",
    "(select max(m.team) from public.members m where m.user_id = {id}) = {word}",
    "(select count(*) from public.members m join public.posts p on p.team = m.team and p.author = m.user_id) > 1",
    "{word} in (select m.team from public.members m union all select x.name from public.teams x)",
    "{number} in (select unnest(t.nums))", "exists (select 1 from unnest(t.words) w where w = {word})",
    "exists (select 1 from public.teams x where x.quota / x.id > {number})",
    "exists (select 1 from public.teams x, lateral (select p.team from public.posts p where p.team = x.name) y)",
    "(select x.quota + 1 from public.teams x where x.lead = {id}) {order} {number}",
    "(select coalesce(sum(x.quota), 0) from public.teams x where x.name in ('T1', {word})) > {number}",
    "exists (select 1 from public.teams x where x.name = {word} and (x.open or x.lead = {id}) and x.quota is not null)",
    "not exists (select 1 from public.teams x where x.lead is distinct from {id})",
    "exists (select 1 from public.posts p where p.state::text = {word} or p.score > {number})",
    "exists (select 1 from public.members m where m.team like t.org || '%' and m.user_id = {id})",
    "(select array_agg(m.team) from public.members m where m.user_id = {id}) @> {set}",
)  # fmt: skip
_TESTS = (
    "{word} {compare} {word}", "{word} {compare} {word}", "{number} {order} {number}", "{number} {order} {number}",
    "{time} {order} {time}", "{word} < {word}", "{id} {compare} {id}", "{id} < {id}", "phase {order} 'live'",
    "{word} like {pattern}", "{word} ilike {pattern}", "{word} not like {pattern}", "{word} ~ {regex}",
    "{word} !~* {regex}",
    "{word} = any ({set})", "{word} <> all ({set})", "{word} like any (array['a%', null])", "{set} @> {set}",
    "{set} && {set}", "{set} <@ {set}", "{set} = {set}", "{set} <> {set}", "cardinality({set}) > {number}",
    "{id} = any (crew)", "{number} = any (nums)", "{number} in (1, 5, null)", "{number} not in (5, {number})",
    "{word} in ('a', 'T1', {word})", "{number} between {number} and {number}", "{word}::uuid = {id}",
    "{word}::boolean", "({word})::int > 1", "{word}::public.stage = phase", "({word})::date = day",
    "doc @> {json}", "{json} <@ doc", "doc ? {word}", "doc ?| {set}", "doc ?& {set}", "doc = {json}",
    "doc -> 'b' = {json}",
    "doc['a'] = {json}", "doc[0] = {json}", "doc['0'] = {json}", "doc[tiny] is null",
    "(doc ->> 'open')::boolean", "(doc -> 'open')::boolean", "doc -> 'tags' ? {word}", "doc #> '{{b,c}}' = {json}",
    "({word}) is null", "({number}) is null", "({set}) is not null", "starts_with({word}, 'a')",
    "coalesce({word} = {word}, shown)", "case when {word} ~ '^[0-9]+$' then ({word})::int = 5 else shown end",
    "case {word} when 'a' then true when {word} then false end", "case when {number} <> 0 then 5 / {number} > 1 end",
    "auth.jwt() -> 'app_metadata' -> 'orgs' ? {word}", "(auth.jwt() -> 'app_metadata' -> 'orgs') @> {json}",
    "greatest({number}, {number}) = {number}", "least({time}, {time}) = due", "({word} || {word}) = {word}",
    "num_nulls({word}, {number}) = 1", "({word} = {word}) = ({number} = {number})", "doc is null",
)  # fmt: skip
_PATTERNS = ("'a%'", "'%/x'", "'_'", "'%a%_'", "'\\_%'", "''", "note", "'T_'", "'a\\'")
_REGEXES = (
    "'^a'",
    "'x$'",
    "'^[a-z]+$'",
    "'a|T'",
    "'^T[0-9]$'",
    "'.*/'",
    "'^(a|b)$'",
    "'^\\d+$'",
    "note",
    "'a+?'",
    "'\\.'",
)
_JSONS = ("'1'::jsonb", "'{}'::jsonb", "'[\"a\"]'::jsonb", "'{\"open\": true}'::jsonb", "'\"a\"'::jsonb",
    "'{\"b\": {}}'::jsonb",
          "'null'::jsonb", "'[\"T1\"]'::jsonb", "'\"x\"'::jsonb", "'[]'::jsonb")  # fmt: skip
_HOLES = {
    "id": _UID,
    "word": _WORDS,
    "number": _NUMBERS,
    "time": _TIMES,
    "set": _SETS,
    "compare": _COMPARE,
    "order": _ORDER,
    "pattern": _PATTERNS,
    "regex": _REGEXES,
    "json": _JSONS,
}


@st.composite
def _test(draw: st.DrawFn) -> str:
    shape = draw(st.sampled_from(draw(st.sampled_from((_TESTS, _QUERIES)))))
    made = ""
    for piece in shape.replace("{{", "\0").replace("}}", "\1").split("{"):
        name, brace, rest = piece.partition("}")
        if brace:
            inner = draw(st.sampled_from(_HOLES[name]))
            made += (inner if name in {"compare", "order", "pattern", "regex"} else f"({inner})") + rest
        else:
            made += piece
    return made.replace("\0", "{").replace("\1", "}")


def _combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def joined(shape: str) -> st.SearchStrategy[str]:
        return st.tuples(inner, inner, inner).map(lambda parts: shape.format(*parts))

    shapes = (
        "({0}) and ({1})", "({0}) or ({1})", "not ({0})", "({0}) is true", "({0}) is not false", "({0}) is unknown",
        "case when {0} then {1} else {2} end", "case when {0} then {1} end", "coalesce({0}, {1})", "nullif({0}, {1})",
        "({0}) = ({1})", "({0}) is distinct from ({1})", "({0}) and ({1}) or ({2})", "(select {0})",
        "exists (select 1 from public.members m where m.user_id = auth.uid() and ({0}))",
        "exists (select 1 from public.posts q where ({0}) or q.author = auth.uid())",
    )  # fmt: skip
    return st.sampled_from(shapes).flatmap(joined)


expressions = st.recursive(st.one_of(_test(), _test(), leaf()), _combined, max_leaves=4)
