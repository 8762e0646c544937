"""How far the own statements of functions that run as their owner lead whoever calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rlsaudit.access import Access
from rlsaudit.catalog import Catalog, take
from rlsaudit.catalog.platform import Platform
from rlsaudit.connect import connect
from rlsaudit.model import Operation, Reach
from rlsaudit.personas import built_in
from rlsaudit.reach.bounds import anything
from rlsaudit.reach.footprint import Footprints
from rlsaudit.reach.predicates import Predicates
from rlsaudit.reach.rpc import Calls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.engine import Server

SKELETON = """
create table public.orgs (id uuid primary key, name text);
create table public.members (org_id uuid not null references public.orgs, user_id uuid not null, role text not null,
  primary key (org_id, user_id));
create table public.docs (id uuid primary key, user_id uuid, org_id uuid not null references public.orgs, mark text,
  views integer, open boolean not null);
create table public.log (id bigint generated always as identity primary key, words text);
create function public.is_member(wanted uuid) returns boolean language sql stable security definer set search_path = ''
as 'select exists (select 1 from public.members m where m.org_id = wanted and m.user_id = auth.uid())';
create function public.join_any(wanted uuid) returns void language sql security definer set search_path = ''
as 'insert into public.members values (wanted, auth.uid(), ''member'')';
"""
DOCS = "returns setof public.docs"
NONE, OWN, SOME, ALL = Reach.NONE, Reach.OWN, Reach.SOME, Reach.ALL
UNKNOWN = None
IS_MEMBER = "if not public.is_member(p) then raise exception 'no'; end if;"
OWNED = "if not exists (select 1 from public.docs d where d.id = p and d.user_id = auth.uid()) then raise 'no'; end if;"
BY_ID = "select * from public.docs where id = p"

SQL = [
    (DOCS, BY_ID, "select", ALL),
    (DOCS, "select * from public.docs", "select", ALL),
    (DOCS, "select * from public.docs where user_id = auth.uid()", "select", OWN),
    (DOCS, "select * from public.docs where id = $1 and user_id = auth.uid()", "select", OWN),
    (DOCS, "select * from public.docs where open", "select", SOME),
    (DOCS, "select * from public.docs where false", "select", NONE),
    (DOCS, "select * from public.docs where open union all select * from public.docs where not open", "select", ALL),
    (DOCS, "select d.* from public.docs d join public.members m using (org_id) where m.user_id = auth.uid()",
     "select", OWN),
    ("returns json", "select json_agg(d) from public.docs d where d.user_id = auth.uid()", "select", OWN),
    ("returns json", "select json_build_object('a', (select json_agg(d) from public.docs d))", "select", UNKNOWN),
    ("returns text", "select o.name from public.orgs o where exists (select from public.docs d where d.id = p)",
     "select", NONE),
    ("returns void", "update public.docs set mark = 'x' where id = p and user_id = auth.uid()", "update", OWN),
    ("returns void", "update public.docs set views = views + 1 where id = p", "update", ALL),
    ("returns void", ("delete from public.docs d using public.members m where m.org_id = d.org_id "
     "and m.user_id = auth.uid()"), "delete", OWN),
    ("returns text", "delete from public.docs where user_id = auth.uid() returning mark", "select", OWN),
    ("returns text", "update public.docs set mark = '' where id = p returning mark", "select", ALL),
    ("returns void", "insert into public.docs values (p, auth.uid(), p) on conflict (id) do update set mark = ''",
     "update", UNKNOWN),
    (DOCS, ("select public.join_any(p); select d.* from public.docs d join public.members m using (org_id) "
     "where m.user_id = auth.uid()"), "select", UNKNOWN),
    (DOCS, ("insert into public.members values (p, auth.uid(), ''); select d.* from public.docs d "
     "join public.members m using (org_id) where m.user_id = auth.uid()"), "select", ALL),
]  # fmt: skip
PLPGSQL = [
    (DOCS, f"begin {IS_MEMBER} return query select * from public.docs where org_id = p; end", "select", OWN),
    (DOCS, "begin if auth.uid() is null then raise exception 'no'; end if; return query select * from public.docs; end",
     "select", ALL),
    ("returns text", (f"declare d public.docs; begin {BY_ID.replace(' from', ' into d from')}; "
     "if d.user_id is distinct from auth.uid() then raise exception 'no'; end if; return d.mark; end"), "select", OWN),
    ("returns text", (f"declare d public.docs; begin {BY_ID.replace(' from', ' into d from')}; "
     "if d.user_id is distinct from auth.uid() then raise exception 'no, %', d.mark; end if; return d.mark; end"),
     "select", ALL),
    ("returns text", "declare v text := (select mark from public.docs where id = p); begin return v; end",
     "select", UNKNOWN),
    ("returns text", ("declare v text; r record; begin for r in select * from public.docs loop v := v || r.mark; "
     "end loop; return v; end"), "select", ALL),
    ("returns text", ("declare v text; r record; begin for r in select * from public.docs where user_id = auth.uid() "
     "loop v := v || r.mark; end loop; return v; end"), "select", OWN),
    ("returns text", "begin return (select mark from public.docs where id = p); end", "select", UNKNOWN),
    ("returns text", ("declare v text; begin select mark into v from public.docs where user_id = auth.uid(); return v; "
     "exception when others then return 'failed'; end"), "select", OWN),
    ("returns text", "declare v text; begin execute 'select mark from public.docs' into v; return v; end",
     "select", UNKNOWN),
    ("returns void", f"begin {OWNED} update public.docs set mark = '' where id = p; end", "update", OWN),
    ("returns void", ("begin update public.docs set user_id = auth.uid() where id = p; "
     f"{OWNED} update public.docs set mark = '' where id = p; end"), "update", ALL),
    ("returns void", ("begin insert into public.members values (p, auth.uid(), ''); "
     f"{IS_MEMBER} delete from public.docs where org_id = p; end"), "delete", ALL),
    ("returns void", ("begin perform set_config('request.jwt.claims', p::text, true); "
     "delete from public.docs where user_id = auth.uid(); end"), "delete", UNKNOWN),
]  # fmt: skip
SHAPES = [("sql", *one) for one in SQL] + [("plpgsql", *one) for one in PLPGSQL]
DATABASE = "reach_of_functions"


@pytest.fixture(scope="module")
def catalog(server: Server) -> Iterator[Catalog]:
    with connect(server.supabase_database(DATABASE)) as session:
        session.execute(SKELETON)
        for number, (language, returns, body, _, _) in enumerate(SHAPES):
            session.execute(
                f"create function public.f{number}(p uuid) {returns} language {language} security definer "
                f"set search_path = '' as $body$ {body} $body$"
            )
        yield Catalog(take(session))
    server.drop_database(DATABASE)


@pytest.mark.parametrize("number", range(len(SHAPES)), ids=[f"{one[3]} {one[2]}"[:60] for one in SHAPES])
def test_what_a_function_reaches_of_documents(catalog: Catalog, number: int) -> None:
    _, _, _, operation, expected = SHAPES[number]
    assert bound(catalog, f"f{number}", Operation(operation)) is expected


def bound(catalog: Catalog, name: str, operation: Operation) -> Reach | None:
    """How far a call by a signed-in user may reach at most, None where it is not known."""
    persona = built_in("authenticated")
    assert persona is not None
    access = Access(catalog)
    footprints = Footprints(access)
    calls = Calls(access, Predicates(access, Platform.SUPABASE), footprints)
    (function,) = catalog.functions_by_name["public", name]
    docs = catalog.relations_by_name["public", "docs"].oid
    touched = footprints.of_call(function, catalog.roles_by_name["authenticated"].oid)
    touches = [one for one in touched if one.operation is operation and one.relation in (docs, None)]
    assert touches
    ways = [calls.way(persona, function, one, anything("called")) for one in touches]
    found = [one.at_most for one in ways if one is not None]
    return max(found) if len(found) == len(ways) else None
