"""Tables share what is found of them only where nothing that matters tells them apart.

Each world is audited twice: as it is done, and with every table by itself. The two say the same, word for word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import psycopg
import pytest

from rlsaudit.audit import Options, examine
from rlsaudit.catalog import Catalog, take
from rlsaudit.connect import connect
from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights
from rlsaudit.model import Operation
from rlsaudit.policy.parse import parse
from rlsaudit.reach import predicates
from rlsaudit.reach.alike import Alike
from rlsaudit.reach.twins import Twins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation, Snapshot
    from rlsaudit.policy.formula import Formula
    from rlsaudit.policy.values import Scope

TABLE = """
create table public.{t} (id bigint primary key, user_id uuid not null, stage text not null, body text);
alter table public.{t} enable row level security;
create policy r on public.{t} for select to authenticated using (user_id = auth.uid() or stage = 'published');
create policy i on public.{t} for insert to authenticated with check (user_id = auth.uid());
create policy u on public.{t} for update to authenticated using (user_id = auth.uid());
create policy d on public.{t} for delete to authenticated using (user_id = auth.uid());
"""
BASICS = """
set check_function_bodies = off;
create sequence public.counted;
revoke all on sequence public.counted from anon, authenticated;
create table public.members (org bigint not null, user_id uuid not null, secret text);
alter table public.members enable row level security;
create policy m on public.members for select to authenticated using (user_id = auth.uid());
create function public.refuse() returns trigger language plpgsql as 'begin raise exception ''no''; end';
create function public.own(id uuid) returns boolean language sql stable security definer set search_path = ''
  as 'select id = auth.uid()';
create function public.hidden(id uuid) returns boolean language sql stable as 'select id = auth.uid()';
revoke execute on function public.hidden from public, anon, authenticated;
create function public.touch() returns trigger language plpgsql as 'begin new.body := ''new''; return new; end';
create function public.stage() returns trigger language plpgsql as 'begin new.stage := ''x''; return new; end';
create function public.known(it anyelement) returns boolean language sql stable as 'select it is not null';
create function public.published() returns boolean language sql stable security definer set search_path = ''
  as 'select exists (select from public.asked_a where stage = ''published'')';
"""
PLAIN = "plain"
DIFFERENT = {
    PLAIN: "",
    "owner": "alter table public.{t} owner to other;",
    "forced": "alter table public.{t} force row level security;",
    "open": "alter table public.{t} disable row level security;",
    "ungranted": "revoke all on public.{t} from authenticated, anon;",
    "column_grants": "revoke select, update on public.{t} from authenticated;"
    " grant select (id, stage), update (body) on public.{t} to authenticated;",
    "other_grants": "revoke select, update on public.{t} from authenticated;"
    " grant select (id, body), update (stage) on public.{t} to authenticated;",
    "insertable": "revoke insert on public.{t} from authenticated;"
    " grant insert (id, body) on public.{t} to authenticated;",
    "column": "alter table public.{t} add email text;",
    "nullable": "alter table public.{t} alter user_id drop not null;",
    "default": "alter table public.{t} alter user_id set default auth.uid();",
    "limited": "alter table public.{t} add check (stage <> 'published');",
    "no_key": "alter table public.{t} drop constraint {t}_pkey;",
    "numbered": "alter table public.{t} alter id set default nextval('public.counted');"
    " revoke insert on public.{t} from authenticated; grant insert (user_id, stage) on public.{t} to authenticated;",
    "serial": "create sequence public.{t}_ids owned by public.{t}.id;"
    " alter table public.{t} alter id set default nextval('public.{t}_ids');"
    " revoke all on sequence public.{t}_ids from anon, authenticated;"
    " revoke insert on public.{t} from authenticated; grant insert (user_id, stage) on public.{t} to authenticated;",
    "usable": "create sequence public.{t}_ids owned by public.{t}.id;"
    " alter table public.{t} alter id set default nextval('public.{t}_ids');"
    " revoke insert on public.{t} from authenticated; grant insert (user_id, stage) on public.{t} to authenticated;",
    "refused": "create trigger x before delete on public.{t} for each row execute function public.refuse();",
    "ruled": "create rule x as on delete to public.{t} do instead nothing;",
    "renamed": "alter policy r on public.{t} rename to readers;",
    "for_visitors": "alter policy r on public.{t} to anon;",
    "for_all": "create policy x on public.{t} to authenticated using (true);",
    "narrowed": "create policy x on public.{t} as restrictive for select to authenticated using (stage = 'draft');",
    "helped": "alter policy r on public.{t} using (public.own(user_id));",
    "uncallable": "alter policy r on public.{t} using (public.hidden(user_id));",
    "unreadable": "alter policy r on public.{t} using (exists (select from public.members m where m.secret = body));"
    " revoke select on public.members from authenticated; grant select (org) on public.members to authenticated;",
    "named": "alter policy r on public.{t} using"
    " (exists (select from public.members m where m.org = {t}.id and m.user_id = auth.uid()));",
    "circle": "alter policy r on public.{t} using (exists (select from public.{t} x where x.user_id = auth.uid()));",
    "named_and_wider": "alter table public.{t} add {t}_note text, add at date; alter policy r on public.{t} using"
    " (exists (select from public.members m where m.org = {t}.id and m.user_id = auth.uid()) or {t}.stage = 'x');",
    "called": "alter policy r on public.{t} using (stage = '{t}.x' or user_id = auth.uid());",
    "known": "alter policy r on public.{t} using (public.known({t}.*) and user_id = auth.uid());",
    "touched": "create trigger x before update on public.{t} for each row execute function public.touch();",
    "staged": "create trigger x before insert or update on public.{t} for each row execute function public.stage();",
    "belonging": "alter table public.{t} add part_of bigint not null references public.plain_a;",
    "perhaps_belonging": "alter table public.{t} add part_of bigint references public.plain_a;",
    "asked": "alter policy r on public.{t} using (public.published());",
    "read": "create table public.{t}_by (id bigint); alter table public.{t}_by enable row level security;"
    " create policy r on public.{t}_by for select using (exists (select from public.{t} x where x.id = {t}_by.id));",
    "viewed": "create view public.{t}_shown as select id, body from public.{t};",
    "pointed": "create table public.{t}_parts (id bigint references public.{t});",
    "inherited": "create table public.{t}_child () inherits (public.{t});",
}
"""In what tables differ from the plain ones: two of each are made."""
LIKE_PLAIN = ["column", "no_key", "belonging", "perhaps_belonging", "viewed", "pointed"]
"""What no policy asks for, or what others do with it, makes no difference to statements that name a table."""
ASKS_ALIKE = frozenset({"public.read_a_by", "public.read_b_by"})
"""Their policies read tables whose own policies say what those of others say."""


@pytest.fixture
def snapshot(supabase_database: str) -> Iterator[Snapshot]:
    with psycopg.connect(supabase_database, autocommit=True) as connection:
        grant_replay_rights(connection)
        connection.execute("create role other; grant other to postgres; grant usage, create on schema public to other")
        connection.execute("set role postgres")
        connection.execute(BASICS.encode())
        for name, change in DIFFERENT.items():
            for table in (f"{name}_a", f"{name}_b"):
                connection.execute(TABLE.format(t=table).encode())
                if change:
                    connection.execute(change.format(t=table).encode())
        connection.execute("reset role")
        revoke_replay_rights(connection)
        with connect(supabase_database) as session, session.read_only():
            yield take(session)
        connection.execute("drop owned by other cascade; drop role other")


def _by_itself(_alike: Alike, relation: Relation, _text: str = "") -> int:
    return -relation.oid


def _never(_twins: Twins, _relation: Relation, _operation: Operation) -> None:
    return None


def test_twins_reach_what_each_would_by_itself(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = examine(snapshot, Options(probe="none")).report
    monkeypatch.setattr(Twins, "of", _never)
    alone = examine(snapshot, Options(probe="none")).report
    assert len(shared.matrix) > len(DIFFERENT)
    assert [one for one in shared.matrix if one not in alone.matrix] == []
    assert msgspec.json.encode(shared) == msgspec.json.encode(alone)


def test_conditions_that_are_shared_mean_what_each_would_by_itself(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = examine(snapshot, Options(probe="none")).report
    monkeypatch.setattr(Alike, "kind", _by_itself)
    monkeypatch.setattr(Twins, "of", _never)
    alone = examine(snapshot, Options(probe="none")).report
    for one, other in zip(shared.matrix, alone.matrix, strict=True):
        # Of a table that is asked, the policies may have been read for one that is alike: then less is decided.
        if one.relation not in ASKS_ALIKE:
            assert one == other
        else:
            assert other.at_least >= one.at_least
            assert other.at_most <= one.at_most
    told, told_alone = (
        [one for one in each.findings if ASKS_ALIKE.isdisjoint(one.relations)] for each in (shared, alone)
    )
    assert told == told_alone


def test_only_what_nothing_tells_apart_is_shared(snapshot: Snapshot) -> None:
    catalog = Catalog(snapshot)
    twins = Twins(catalog, Alike(catalog))

    def number(name: str) -> tuple[int | None, ...]:
        relation = catalog.relations_by_name["public", name]
        return tuple(twins.of(relation, one) for one in Operation)

    plain = number("plain_a")
    assert number("plain_b") == plain
    assert None not in plain
    assert [name for name in DIFFERENT if name != PLAIN and number(f"{name}_a") == plain] == LIKE_PLAIN


@pytest.mark.parametrize("change", ["column", "named", "named_and_wider", "touched", "perhaps_belonging"])
def test_tables_that_differ_in_what_no_policy_asks_for_are_read_once(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    read: list[tuple[int, str]] = []

    def counted(text: str, scope: Scope) -> Formula:
        read.append((scope.table, text))
        return parse(text, scope)

    monkeypatch.setattr(predicates, "parse", counted)
    examine(snapshot, Options(probe="none"))
    catalog = Catalog(snapshot)
    alike = {change} if change.startswith("named") else {change, PLAIN}
    oids = {catalog.relations_by_name["public", f"{name}_{one}"].oid for name in alike for one in "ab"}
    assert read
    assert len({oid for oid, _ in read if oid in oids}) <= 1
