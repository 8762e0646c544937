"""A table with columns of every sort, the rows and identities to measure with, and random policies over it."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

ALICE = "a1111111-1111-4111-8111-111111111111"
BOB = "b2222222-2222-4222-8222-222222222222"
NAMED = "c3333333-3333-4333-8333-333333333333"
"""An id that policies name, which is no ordinary user's."""

SKELETON = f"""
create type public.stage as enum ('draft', 'live', 'gone');
create type public.only as enum ('sole');
create domain public.tag as text check (value <> '');
create domain public.who as uuid;
create table public.t (
  id int generated always as identity primary key,
  owner uuid,
  other uuid not null default '{NAMED}',
  byname text,
  status text check (status in ('open', 'done', 'held')),
  note text,
  label varchar(8) not null default 'x',
  shown boolean,
  hidden boolean not null default false,
  num int,
  tiny smallint not null default 0,
  price numeric,
  due timestamptz,
  phase public.stage,
  mono public.only not null default 'sole',
  crew uuid[],
  words text[],
  tagged public.tag,
  keeper public.who,
  org text,
  path text not null default 'x',
  shout text generated always as (upper(note)) stored,
  lo uuid,
  hi uuid,
  short text check (length(short) < 3),
  check (lo is null or hi is null)
);
create table public.members (user_id uuid, team text, rank text);
-- Nobody who asks is one of the staff: what their rank opens is none of an ordinary user's reach.
insert into public.members values ('{ALICE}', 'T1', 'member'), ('{BOB}', 'T2', 'admin'), (null, 'T3', 'admin');
create function public.is_member(team text) returns boolean language sql stable security definer as $$
  select exists (select 1 from public.members m where m.team = $1 and m.user_id = auth.uid())
$$;
create function public.has_rank(wanted text) returns boolean language plpgsql stable security definer as $$
begin
  return exists (select 1 from public.members m where m.rank = wanted and m.user_id = auth.uid());
end $$;
create function public.is_service() returns boolean language sql stable as $$
  select auth.role() = 'service_role'
$$;
create function public.is_signed_in() returns boolean language plpgsql as $$
begin
  return auth.role() in ('authenticated', 'service_role');
end $$;
create function public.as_owner() returns boolean language sql stable security definer as $$
  select current_user not in ('anon', 'authenticated')
$$;
create function public.is_mine(whose uuid) returns boolean language sql stable as $$
  select whose = auth.uid()
$$;
create function public.not_mine(uuid) returns boolean language sql stable as $$
  select $1 is distinct from auth.uid()
$$;
create function public.either(whose uuid, flag boolean default true) returns boolean language plpgsql stable as $$
begin
  return public.is_mine(either.whose) or flag;
end $$;
create function public.mine_if_any(whose uuid) returns boolean language sql stable strict security definer as $$
  select whose = auth.uid() or true
$$;
create function public.word(a text, b text) returns boolean language sql immutable as $$
  select case when a = b then true when a is null then b = 'x' else a in ('y', b) end
$$;
create function public.named(owner uuid) returns boolean language sql stable security definer as $$
  select exists (select from public.t where owner is null)
$$;
create function public.who(whose uuid) returns boolean language sql stable security definer as $$
  select whose = (select auth.uid()) and current_user = 'anon'
$$;
create function public.loops(n int) returns boolean language plpgsql stable as $$
begin
  return case when n <= 0 then auth.role() = 'nobody' else public.loops(n - 1) end;
end $$;
create function public.flips() returns boolean language sql volatile as $$
  select set_config('rlsaudit.flips',
                    (1 - coalesce(nullif(current_setting('rlsaudit.flips', true), ''), '0')::int)::text, true) = '1'
$$;
grant usage on schema public to anon, authenticated;
grant select on public.t, public.members to anon, authenticated;
grant execute on all functions in schema public to anon, authenticated;
alter table public.t enable row level security;
"""

IDS = (None, ALICE, BOB, NAMED)
VALUES: dict[str, tuple[str | None, ...]] = {
    "owner": IDS,
    "other": IDS[1:],
    "byname": (*IDS, ALICE.upper(), "", "q", "zed", "abc", "nobody"),
    "status": (None, "open", "done", "held"),
    "note": (None, "", "a", "abc", "A", "5", "x", "zzz", "/q", "T2", "a/x", f"{ALICE}/x", "T1"),
    "label": ("x", "open", "a", "zed"),
    "shown": (None, "true", "false"),
    "hidden": ("true", "false"),
    "num": (None, "-9", "-1", "0", "5", "6", "100000", "200000"),
    "tiny": ("-9", "-1", "0", "5", "6", "7"),
    "price": (None, "-9", "-1", "0", "5", "6", "100000", "200000"),
    "due": (None, "2001-01-01", "2200-01-01", "infinity"),
    "phase": (None, "draft", "live", "gone"),
    "mono": ("sole",),
    "crew": (None, "{}", f"{{{ALICE}}}", f"{{{BOB},{NAMED}}}", f"{{{ALICE},NULL}}", "{NULL}"),
    "words": (None, "{}", "{a}", "{b,NULL}", "{a,b}", "{anon}", "{authenticated}"),
    "tagged": (None, "a", "b"),
    "keeper": IDS,
    "org": (None, "T1", "T2", "x", "zz"),
    "path": ("x", "", "a/x", f"{ALICE}/x", f"{BOB}/y/z", "/x", "zz/x", "nobody", ALICE, NAMED),
    "lo": IDS,
    "hi": IDS,
    "short": (None, "a", "zz"),
}
"""Of each column whatever policies ask for, and something else."""
_COMPUTED_FROM = {"shout": "note"}
_WORD = re.compile(r"[a-z_]+")


@dataclass(frozen=True)
class Rows:
    """The rows to measure with, as one INSERT, and how many it makes at most."""

    insert: str
    count: int


def rows(policy: str) -> Rows:
    """Every combination of the columns that the policy reads."""
    words = {_COMPUTED_FROM.get(one, one) for one in _WORD.findall(policy)}
    used = [one for one in VALUES if one in words] or ["owner"]
    sources = [
        f"(values {', '.join('(' + _literal(value) + ')' for value in VALUES[one])}) as v_{one} (x)" for one in used
    ]
    shown = ", ".join(f"v_{one}.x::{TYPES.get(one, 'text')}" for one in used)
    limits = " where v_lo.x is null or v_hi.x is null" if {"lo", "hi"} <= set(used) else ""
    count = 1
    for one in used:
        count *= len(VALUES[one])
    return Rows(
        f"insert into public.t ({', '.join(used)}) select {shown} from {' cross join '.join(sources)}{limits}", count
    )


TYPES = {
    **dict.fromkeys(("owner", "other", "keeper", "lo", "hi"), "uuid"),
    **dict.fromkeys(("shown", "hidden"), "boolean"),
    "num": "int",
    "tiny": "smallint",
    "price": "numeric",
    "due": "timestamptz",
    "phase": "public.stage",
    "mono": "public.only",
    "crew": "uuid[]",
    "words": "text[]",
}


def _literal(value: str | None) -> str:
    return "null" if value is None else "'" + value.replace("'", "''") + "'"


@dataclass(frozen=True)
class Identity:
    """Who asks: `claims` of the request, the `settings` beside them, and what a row of its own mentions."""

    role: str
    claims: dict[str, Any]
    mentions: tuple[str, ...]
    settings: tuple[tuple[str, str], ...] = ()


def _given_to(policy: str) -> tuple[str, ...]:
    """What Alice's membership gives to her: rows of her team, and as an admin all of them."""
    if "rank" in policy:
        return ("",)
    return ("T1",) if "member" in policy else ()


ROLES_WRITTEN = (None, "a", "admin", "zz")
PLANS_WRITTEN = (None, "pro", "5", "true", "zz")


def identities(policy: str, stranger: str, *, anon: bool) -> list[Identity]:
    """Everybody that the persona may be, with everything that it may write, as far as the policy asks for it."""
    headers: tuple[dict[str, str], ...] = (
        ({}, {"x-key": "k"}, {"x-key": "other"}) if "request.headers" in policy else ({},)
    )
    asked = [(("request.headers", json.dumps(one)),) for one in headers]
    if anon:
        return [Identity("anon", {"role": "anon"}, (), one) for one in asked]
    written: list[dict[str, str]] = [{}]
    if "user_metadata" in policy:
        written = [
            {key: value for key, value in (("role", role), ("plan", plan)) if value is not None}
            for role, plan in itertools.product(ROLES_WRITTEN, PLANS_WRITTEN)
        ]
    given: list[dict[str, str]] = [{}]
    teams = (None, "T2") if "'team'" in policy else (None,)
    if "app_metadata" in policy:
        given += [{"org": "T1", "role": "member"}, {"org": "T1"}]
    e_mails = (
        ("stranger@example.com", "boss@corp.example", "me@corp.example") if "mail" in policy else ("s@example.com",)
    )
    levels = ("aal1", "aal2") if "aal" in policy else ("aal1",)
    made = []
    for user in (stranger, ALICE):
        for wrote, got, team, e_mail, level, setting in itertools.product(
            written, given, teams, e_mails, levels, asked
        ):
            claims = {
                "sub": user,
                "role": "authenticated",
                "aud": "authenticated",
                "iss": "https://project.example/auth/v1",
                "email": e_mail,
                "is_anonymous": False,
                "aal": level,
                "app_metadata": {"provider": "email", "providers": ["email"], **got},
                "user_metadata": wrote,
                **({"team": team} if team else {}),
            }
            mentions = (user, user.upper(), *((got["org"],) if "org" in got else ()), *((team,) if team else ()))
            mentions += _given_to(policy) if user == ALICE else ()
            made.append(Identity("authenticated", claims, mentions, setting))
    return made


def _uid(draw: st.DrawFn) -> str:
    return draw(
        st.sampled_from(
            (
                "auth.uid()",
                "(select auth.uid())",
                "(select auth.uid() as uid)",
                "(auth.jwt() ->> 'sub')::uuid",
                "(current_setting('request.jwt.claims', true)::json ->> 'sub')::uuid",
                "(nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub')::uuid",
                f"coalesce(auth.uid(), '{NAMED}'::uuid)",
                f"nullif(auth.uid(), '{NAMED}'::uuid)",
            )
        )
    )


_ID_COLUMNS = ("owner", "other", "keeper", "lo", "hi")
_TEXTS = {
    "status": ("open", "done", "held", "gone"),
    "note": ("a", "abc", "", "A"),
    "label": ("x", "open", "much too long"),
    "byname": (NAMED, "", "q"),
    "shout": ("A", "ABC"),
    "tagged": ("a", "b"),
    "org": ("x", "zz"),
    "path": ("x", "a/x"),
    "short": ("a", "long"),
}
_CLAIMS = (
    "auth.jwt() -> 'app_metadata' ->> 'org'",
    "(select auth.jwt()) -> 'app_metadata' ->> 'org'",
    "auth.jwt() ->> 'team'",
)


@st.composite
def leaf(draw: st.DrawFn) -> str:
    """One condition."""
    kind = draw(st.sampled_from(_LEAVES))
    return kind(draw)


def _id_value(draw: st.DrawFn) -> str:
    return draw(st.sampled_from((_uid(draw), _uid(draw), _uid(draw), f"'{NAMED}'::uuid", "null::uuid")))


def _is_own(draw: st.DrawFn) -> str:
    column, operator = draw(st.sampled_from(_ID_COLUMNS)), _comparison(draw)
    sides = [column, _id_value(draw)]
    if draw(st.booleans()):
        sides.reverse()
    return f"{sides[0]} {operator} {sides[1]}"


def _comparison(draw: st.DrawFn) -> str:
    return draw(st.sampled_from(("=", "=", "=", "=", "<>", "is distinct from", "is not distinct from")))


def _own_as_text(draw: st.DrawFn) -> str:
    column = draw(st.sampled_from(("byname", "owner::text", "other::text", "path", "byname::varchar", "keeper::text")))
    value = draw(st.sampled_from((f"{_uid(draw)}::text", f"'{NAMED}'", "auth.jwt() ->> 'sub'", "'nobody'")))
    return f"{column} {_comparison(draw)} {value}"


def _text_as_id(draw: st.DrawFn) -> str:
    return f"nullif(byname, '')::uuid {_comparison(draw)} {_id_value(draw)}"


def _has_text(draw: st.DrawFn) -> str:
    column = draw(st.sampled_from(tuple(_TEXTS)))
    return f"{column} {_comparison(draw)} '{draw(st.sampled_from(_TEXTS[column]))}'"


def _in_list(draw: st.DrawFn) -> str:
    column = draw(st.sampled_from((*_TEXTS, *_ID_COLUMNS, "phase", "mono", "num")))
    pool = {
        "num": ("5", "6", "0"),
        "phase": ("'draft'", "'live'", "'gone'"),
        "mono": ("'sole'",),
    }.get(column) or (tuple(f"'{one}'" for one in _TEXTS[column]) if column in _TEXTS else (f"'{NAMED}'", _uid(draw)))
    items = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=3))
    if draw(st.integers(0, 4)) == 0:
        items.append("null")
    listed = ", ".join(items)
    shape = draw(st.sampled_from(("{} in ({})", "{} not in ({})", "{} = any (array[{}])", "{} <> all (array[{}])")))
    if not shape.endswith("])") or column in _TEXTS:
        return shape.format(column, listed)
    kind = TYPES[column]
    return shape.replace("])", f"]::{kind}[])").format(column, listed)


def _in_array(draw: st.DrawFn) -> str:
    return draw(
        st.sampled_from(
            (
                f"{_uid(draw)} = any (crew)",
                "'a' = any (words)",
                f"'{NAMED}' = any (crew)",
                f"{_uid(draw)} = any (array[owner, other])",
                f"{_uid(draw)} = any (array[owner, '{NAMED}'])",
                f"{_uid(draw)} in (owner, other)",
                f"{_uid(draw)} <> all (crew)",
                "words && array['a']",
                "words @> array['a']",
                "cardinality(words) > 0",
                "auth.jwt() ->> 'role' = any (words)",
            )
        )
    )


def _boolean(draw: st.DrawFn) -> str:
    column = draw(st.sampled_from(("shown", "hidden")))
    test = (
        "",
        " is true",
        " is not true",
        " is false",
        " is not false",
        " is unknown",
        " = true",
        " <> false",
        " is null",
    )
    return f"{column}{draw(st.sampled_from(test))}"


def _null(draw: st.DrawFn) -> str:
    columns = ("owner", "other", "byname", "status", "note", "num", "due", "phase", "crew", "tagged", "keeper", "shout")
    value = draw(st.sampled_from((*columns, "lo", "hi", _uid(draw), *_CLAIMS, "auth.jwt()", "auth.jwt() ->> 'role'")))
    return f"({value}) is {draw(st.sampled_from(('null', 'not null')))}"


def _number(draw: st.DrawFn) -> str:
    column = draw(st.sampled_from(("num", "tiny", "price")))
    operator = draw(st.sampled_from(("=", "<>", "<", "<=", ">", ">=", "is distinct from")))
    return f"{column} {operator} {draw(st.sampled_from(('5', '0', '6', '5.0', '100000', '-1')))}"


def _time(draw: st.DrawFn) -> str:
    operator = draw(st.sampled_from(("<", ">", "<=", ">=")))
    moment = draw(st.sampled_from(("now()", "current_date", "now() - interval '1 day'", "'2100-01-01'")))
    return f"due {operator} {moment}"


def _phase(draw: st.DrawFn) -> str:
    return draw(
        st.sampled_from(
            (
                f"phase {_comparison(draw)} '{draw(st.sampled_from(('draft', 'live')))}'",
                f"phase::text {_comparison(draw)} '{draw(st.sampled_from(('draft', 'nonsense')))}'",
                f"mono {_comparison(draw)} 'sole'",
                "mono::text = 'sole'",
                "phase > 'draft'",
            )
        )
    )


def _like(draw: st.DrawFn) -> str:
    column = draw(st.sampled_from(("note", "status", "label", "path", "shout", "byname")))
    operator = draw(st.sampled_from(("like", "not like", "ilike", "~")))
    pattern = "'^a'" if operator == "~" else draw(st.sampled_from(("'a%'", "'%'", "'%a%'", "'_'", "'z%'")))
    return f"{column} {operator} {pattern}"


def _identity_alone(draw: st.DrawFn) -> str:
    return draw(
        st.sampled_from(
            (
                f"{_uid(draw)} {_comparison(draw)} '{NAMED}'",
                f"{_uid(draw)} is not null",
                f"auth.role() {_comparison(draw)} '{draw(st.sampled_from(('authenticated', 'anon', 'service_role')))}'",
                "auth.role() in ('authenticated', 'service_role')",
                "(auth.jwt() ->> 'is_anonymous')::boolean is false",
                "(auth.jwt() ->> 'is_anonymous')::boolean",
                f"auth.jwt() ->> 'iss' {_comparison(draw)} 'https://project.example/auth/v1'",
                f"current_user {_comparison(draw)} 'anon'",
                "current_user = 'postgres'",
                "session_user = current_user",
                f"auth.jwt() ->> 'aal' {_comparison(draw)} '{draw(st.sampled_from(('aal1', 'aal2', 'aal3')))}'",
                f"auth.jwt() -> 'app_metadata' ->> 'role' {_comparison(draw)} 'admin'",
                "auth.jwt() -> 'app_metadata' ->> 'provider' in ('email', 'google')",
                "auth.jwt() -> 'app_metadata' ->> 'role' in ('admin', 'staff')",
                "coalesce(auth.jwt() -> 'app_metadata' ->> 'role', '') = 'admin'",
                f"auth.uid() {_comparison(draw)} auth.uid()",
            )
        )
    )


def _given(draw: st.DrawFn) -> str:
    column = draw(st.sampled_from(("org", "note", "org")))
    return f"{column} {_comparison(draw)} {_paren(draw(st.sampled_from(_CLAIMS)))}"


def _written(draw: st.DrawFn) -> str:
    role, plan = "(auth.jwt() -> 'user_metadata' ->> 'role')", "(auth.jwt() -> 'user_metadata' ->> 'plan')"
    mail = draw(st.sampled_from(("auth.email()", "(auth.jwt() ->> 'email')")))
    header = "(current_setting('request.headers', true)::json ->> 'x-key')"
    return draw(
        st.sampled_from(
            (
                f"{role} {_comparison(draw)} '{draw(st.sampled_from(('a', 'admin')))}'",
                f"{plan} {_comparison(draw)} 'pro'",
                f"{role} in ('a', 'admin')",
                f"{role} is {draw(st.sampled_from(('null', 'not null')))}",
                f"{role} like 'a%'",
                f"coalesce({role}, '') = 'admin'",
                f"coalesce({plan} = 'true', false)",
                f"case when {plan} = 'true' then {plan}::boolean else false end",
                f"{mail} {_comparison(draw)} 'boss@corp.example'",
                f"{mail} {_comparison(draw)} 'Not An Address'",
                f"{mail} like '%@corp.example'",
                f"{header} = 'k'",
                f"{header} is null",
                f"note = {role}",
                "auth.jwt() -> 'user_metadata' = '{}'",
            )
        )
    )


def _subquery(draw: st.DrawFn) -> str:
    return draw(
        st.sampled_from(
            (
                f"exists (select 1 from public.members m where m.team = t.org and m.user_id = {_uid(draw)})",
                f"exists (select 1 from public.members m where m.user_id = {_uid(draw)} and m.rank = 'admin')",
                "exists (select 1 from public.members m where m.user_id = auth.uid() and auth.role() = 'service_role')",
                f"org in (select m.team from public.members m where m.user_id = {_uid(draw)})",
                f"org not in (select m.team from public.members m where m.user_id = {_uid(draw)})",
                f"org = (select m.team from public.members m where m.user_id = {_uid(draw)} limit 1)",
                "exists (select count(*) from public.members m where m.user_id = auth.uid() and false)",
                "exists (select 1 from public.members m where auth.role() = 'nobody' order by count(*))",
                "exists (select 1 from public.members m where auth.role() = 'nobody')",
                "(select count(*) from public.members m where m.user_id = auth.uid()) = 0",
                "auth.uid() in (select m.user_id from public.members m)",
                "owner not in (select m.user_id from public.members m where m.user_id is not null)",
            )
        )
    )


def _helper(draw: st.DrawFn) -> str:
    return draw(
        st.sampled_from(
            (
                "public.is_member(org)",
                "public.has_rank('admin')",
                "public.is_service()",
                "(select public.is_service())",
                "public.is_signed_in()",
                "public.as_owner()",
                "public.is_mine(owner)",
                "public.is_mine(other)",
                "public.not_mine(owner)",
                "public.not_mine(null)",
                "public.either(owner)",
                "public.either(owner, note = 'x')",
                "public.either(flag => note is null, whose => other)",
                "public.mine_if_any(owner)",
                "public.word(note, 'x')",
                "public.word(note, org)",
                "public.named(owner)",
                "public.who(owner)",
                "public.loops(2)",
                "public.flips()",
            )
        )
    )


def _folder(draw: st.DrawFn) -> str:
    first = draw(
        st.sampled_from(
            (
                "(storage.foldername(path))[1]",
                "(string_to_array(path, '/'))[1]",
                "split_part(path, '/', 1)",
                "(storage.foldername(path))[2]",
                "storage.filename(path)",
                "(string_to_array(note, '/'))[1]",
            )
        )
    )
    value = draw(st.sampled_from((f"{_uid(draw)}::text", f"{_uid(draw)}::text", "'a'", "'a/x'", "''")))
    return draw(st.sampled_from((f"{first} {_comparison(draw)} {value}", f"{first} is null", f"{value} = {first}")))


def _coalesced(draw: st.DrawFn) -> str:
    return draw(
        st.sampled_from(
            (
                f"coalesce(owner, other) {_comparison(draw)} {_uid(draw)}",
                f"coalesce(owner, '{NAMED}') = {_id_value(draw)}",
                f"coalesce(owner, {_uid(draw)}) = {_uid(draw)}",
                f"coalesce(status, 'open') {_comparison(draw)} 'open'",
                "coalesce(shown, false)",
                "not coalesce(shown, hidden)",
                f"nullif(status, 'open') {_comparison(draw)} 'done'",
                "nullif(status, 'open') is null",
                f"nullif(owner, {_uid(draw)}) is null",
                f"case status when 'open' then true when 'held' then {_is_own(draw)} else false end",
                f"case when shown then owner else other end = {_uid(draw)}",
                "owner = owner",
                "other = other",
                "note = note",
                "coalesce(owner, keeper) is null",
                f"(owner = {_uid(draw)}) is not null",
                "(status = 'open') = shown",
                "note = byname",
                "owner = other",
                "upper(note) = 'A'",
                "length(note) > 1",
                "price::text = '5'",
                "num::text = 'abc'",
            )
        )
    )


def _constant(draw: st.DrawFn) -> str:
    return draw(st.sampled_from(("true", "false", "null::boolean", "'a' = 'a'::text", "1 = 2", "now() > '2001-01-01'")))


_LEAVES = (
    _is_own, _is_own, _is_own, _own_as_text, _text_as_id, _has_text, _has_text, _in_list, _in_list, _in_array, _boolean,
    _boolean, _null, _null, _number, _time, _phase, _like, _identity_alone, _given, _written, _written, _subquery,
    _helper,
    _folder, _coalesced, _coalesced, _constant,
)  # fmt: skip


def _paren(text: str) -> str:
    return f"({text})"


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    tests = st.sampled_from(("true", "not true", "false", "not false", "unknown", "not unknown"))
    return st.one_of(
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) and ({pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) or ({pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) or ({pair[1]})"),
        inner.map(lambda one: f"not ({one})"),
        st.tuples(inner, tests).map(lambda pair: f"({pair[0]}) is {pair[1]}"),
        st.tuples(inner, inner).map(lambda pair: f"coalesce(({pair[0]}), ({pair[1]}))"),
        st.tuples(inner, inner, inner).map(lambda of: f"case when {of[0]} then ({of[1]}) else ({of[2]}) end"),
        inner.map(lambda one: f"(select ({one}))"),
    )


policies = st.recursive(leaf(), _compound, max_leaves=5)
"""USING expressions over `public.t`."""
