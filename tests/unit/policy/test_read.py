"""Policies as expressions: what names, helpers and subqueries come to, on a real server's catalog."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rlsaudit.access import Access
from rlsaudit.catalog import Catalog, take
from rlsaudit.catalog.platform import Platform
from rlsaudit.connect import connect
from rlsaudit.names import ident
from rlsaudit.personas import built_in
from rlsaudit.policy import tree
from rlsaudit.policy.expr import (
    BOOLEAN,
    INTEGER,
    TEXT,
    UUID,
    Aggregate,
    AnyRow,
    Call,
    Const,
    Expr,
    Field,
    Given,
    IsTrue,
    Lookup,
    Opaque,
    Type,
    Who,
    below,
    type_of,
    walk,
)
from rlsaudit.policy.formula import FALSE, NULL, TRUE, And, Atom, AtomKind, Coalesce, Formula, Is, Not, Or
from rlsaudit.policy.parse import parse
from rlsaudit.policy.read import read, read_node
from rlsaudit.policy.read.here import moved
from rlsaudit.policy.shown import shown
from rlsaudit.reach.predicates import Predicates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.engine import Server
    from rlsaudit.policy.values import Scope

HERE = Path(__file__).parent
DATABASE = "read_policies"
CASES: dict[str, str] = dict(re.findall(r"^(\S.*)\n    (.*)$", (HERE / "read_policies.txt").read_text(), re.MULTILINE))


@dataclass(frozen=True)
class World:
    """The catalog, and the policies of the cases as the server deparses them."""

    catalog: Catalog
    predicates: Predicates
    docs: Relation
    deparsed: dict[str, str]

    def scope(self, persona: str = "authenticated") -> Scope:
        who = built_in(persona)
        assert who is not None
        return self.predicates.scope(who, self.docs)

    def read(self, policy: str, persona: str = "authenticated") -> Expr:
        return read(parse(self.deparsed.get(policy, policy), self.scope(persona)))

    def value(self, sql: str) -> Expr:
        return read_node(tree.expression(sql), self.scope())


@pytest.fixture(scope="module")
def world(server: Server) -> Iterator[World]:
    with connect(server.supabase_database(DATABASE)) as session:
        session.execute((HERE / "read_world.sql").read_text())
        session.execute("set search_path = public")
        for number, policy in enumerate(CASES):
            session.execute(f"create policy {ident(str(number))} on public.docs for select using ({policy})")
        session.execute("set search_path = ''")
        catalog = Catalog(take(session))
        docs = catalog.relations_by_name["public", "docs"]
        made = {int(one.name): one.using or "" for one in catalog.policies[docs.oid]}
        deparsed = {policy: made[number] for number, policy in enumerate(CASES)}
        yield World(catalog, Predicates(Access(catalog), Platform.SUPABASE), docs, deparsed)
    server.drop_database(DATABASE)


@pytest.mark.parametrize("policy", CASES)
def test_a_policy_reads_as_it_is_meant(world: World, policy: str) -> None:
    assert shown(world.read(policy)) == CASES[policy]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("owner = auth.uid()", "null"),
        ("shown or (auth.jwt() ->> 'sub')::uuid = owner", "shown or null = owner"),
        ("(auth.jwt() -> 'app_metadata' -> 'roles') ? 'admin'", "null ? 'admin'"),
        ("is_member(org)", 'exists(public.members m: m.org = org and m."user" = null)'),
        ("exists (select 1 from narrow n where n.org = docs.org)", "[? reads public.narrow, which the role may not]"),
        ("who() and who_calls()", "'supabase_admin' = 'authenticated' and 'anon' = 'authenticated'"),
    ],
)
def test_a_stranger_has_no_claims(world: World, policy: str, expected: str) -> None:
    assert shown(world.read(policy, "anon")) == expected


def field(world: World, name: str) -> Expr:
    one = world.scope().columns[name]
    kinds = {"enum": "e", "domain": "d"}
    kind = Type(re.sub(r"\(.*?\)", "", one.declared), kinds.get(one.type, "b"))
    return Field(0, world.docs.oid, one.number, name, kind, one.nullable)


ME = Given(Who.IDENTITY, "sub", UUID, nullable=False)


def test_every_part_has_its_type(world: World) -> None:
    stage, array = Type("public.stage", "e"), Type("uuid[]")
    assert world.read("phase = 'live'::public.stage") == Call(
        "=", (field(world, "phase"), Const("live", stage)), BOOLEAN
    )
    assert world.read("auth.uid() = any (crew)") == Call("= ANY", (ME, field(world, "crew")), BOOLEAN)
    assert type_of(field(world, "crew")) == array
    assert type_of(field(world, "price")) == Type("numeric")
    assert type_of(field(world, "tagged")) == Type("public.tag", "d")


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("num + 1", INTEGER),
        ("num + price", Type("numeric")),
        ("now() - interval '1 day'", Type("timestamp with time zone")),
        ("due - now()", Type("interval")),
        ("day - 1", Type("date")),
        ("day - day", INTEGER),
        ("title || 'x'", TEXT),
        ("words || 'x'", Type("text[]")),
        ("meta -> 'a'", Type("jsonb")),
        ("meta ->> 'a'", TEXT),
        ("words[1]", TEXT),
        ("coalesce(num, 1.5)", Type("numeric")),
        ("nullif(title, '')", TEXT),
        ("case when shown then phase end", Type("public.stage", "e")),
        ("(select count(*) from public.likes)", Type("bigint")),
        ("(select max(l.org) from public.likes l)", UUID),
        ("(select sum(l.doc) from public.likes l)", Type("bigint")),
        ("array(select l.org from public.likes l)", Type("uuid[]")),
        ("date_trunc('day', due)", Type("timestamp with time zone")),
        ("public.rank_in(org)", TEXT),
        ("public.over(num)", Type("unknown", "?")),
        ("(storage.foldername(path))", Type("text[]")),
        ("'x'::public.stage::text", TEXT),
        ("owner in (select 1)", BOOLEAN),
        ("current_user", Type("name")),
        ("current_date", Type("date")),
    ],
)
def test_a_value_has_the_type_that_the_server_gives_it(world: World, sql: str, kind: Type) -> None:
    assert type_of(world.value(sql)) == kind


@pytest.mark.parametrize(
    ("sql", "value", "kind"),
    [
        ("'YES'::boolean", "t", BOOLEAN),
        ("'off'::boolean", "f", BOOLEAN),
        ("' 07'::integer", "7", INTEGER),
        ("- 5", "-5", INTEGER),
        ("5000000000", "5000000000", Type("bigint")),
        ("'A1111111-1111-4111-8111-111111111111'::uuid", "a1111111-1111-4111-8111-111111111111", UUID),
        ("null::uuid", None, UUID),
        ("'live'::public.stage", "live", Type("public.stage", "e")),
        ("'x'::varchar", "x", Type("character varying")),
        ("true::text", "true", TEXT),
    ],
)
def test_a_constant_is_written_as_the_server_writes_it(world: World, sql: str, value: str | None, kind: Type) -> None:
    assert world.value(sql) == Const(value, kind)


@pytest.mark.parametrize("sql", ["'much'::integer", "'gone'::public.stage", "'x'::uuid", "'99999'::smallint"])
def test_a_cast_that_fails_stays_one(world: World, sql: str) -> None:
    value = world.value(sql)
    assert isinstance(value, Call)
    assert value.name == f"::{type_of(value).name}"


def test_equal_subqueries_are_equal_wherever_they_stand(world: World) -> None:
    asked = "exists (select 1 from public.likes l where l.doc = docs.id)"
    twice = world.read(f"({asked}) or (shown and {asked})")
    found = {one for one in walk(twice) if isinstance(one, AnyRow)}
    assert len(found) == 1
    assert [source.place for one in found for source in one.query.sources] == [1]


def test_no_place_is_taken_twice_on_one_way_down(world: World) -> None:
    for policy in CASES:
        _check_places(world.read(policy), frozenset({0}))


def _check_places(expression: Expr, taken: frozenset[int]) -> None:
    if isinstance(expression, Field):
        assert expression.place in taken
    if isinstance(expression, AnyRow | Lookup | Aggregate):
        places = [source.place for source in expression.query.sources]
        assert len(set(places)) == len(places)
        assert taken.isdisjoint(places)
        taken |= set(places)
    for one in below(expression):
        _check_places(one, taken)


def test_a_value_that_is_not_followed_says_what_it_may_read(world: World) -> None:
    (one,) = (each for each in walk(world.read("public.over(num) = 1")) if isinstance(each, Opaque))
    assert one.reads == (field(world, "num"),)
    (whole,) = (each for each in walk(world.read("docs is null")) if isinstance(each, Opaque))
    assert len(whole.reads) == len(world.scope().columns)


def test_what_may_change_is_another_value_each_time(world: World) -> None:
    def keys(policy: str) -> set[str]:
        return {one.key for one in walk(world.read(policy)) if isinstance(one, Opaque)}

    assert len(keys("random() < 0.5 or random() < 0.5")) == 2
    assert len(keys("session_user = title or session_user = short")) == 1
    # Also where it stands in a body, which is read once for calls that are alike.
    assert len(keys("public.by_chance(org) or public.by_chance(org)")) == 2
    assert len(keys("public.by_chance(org) and public.asks_by_chance(org) or public.asks_by_chance(org)")) == 3


def test_what_is_bound_by_value_is_one_value(world: World) -> None:
    # In the body the argument stands twice, in two subqueries.
    scope = world.scope()
    found = read_node(tree.expression("public.has_rank(random()::text, org)"), scope)
    assert len({one.key for one in walk(found) if isinstance(one, Opaque)}) == 1


def test_what_a_body_does_not_tell_is_told_apart(world: World) -> None:
    def keys(policy: str, reason: str) -> list[str]:
        every = [one for one in walk(world.read(policy)) if isinstance(one, Opaque) and one.reason.startswith(reason)]
        assert all(len(one.reads) == 1 for one in every)
        return [one.key for one in every]

    assert len(set(keys("public.or_raises(org) or not public.or_raises(org)", "raises"))) == 1
    raised, other = keys("public.or_raises(org) or public.or_raises(owner) and (org is null)", "raises")
    assert raised != other
    # The same words, of a variable that has been set anew between them.
    moments = keys("public.moments(num)", "has a collation")
    assert len(set(moments)) == 2
    assert len(set(keys("public.loops(num) and public.loops(num)", "depends on"))) == 1
    counted, more = keys("public.loops_anew(num) and public.loops_anew(num)", "depends on")
    assert counted != more


def test_formulas_keep_their_shape() -> None:
    atom = Atom(AtomKind.OPAQUE, "x", nullable=False)
    cases: list[tuple[Formula, str]] = [
        (TRUE, "true"),
        (NULL, "null"),
        (Not(FALSE), "not false"),
        (And((atom, Or((atom, TRUE)))), "[? x] and ([? x] or true)"),
        (Is(atom, None, negated=True), "[? x] is not null"),
        (Is(atom, value=False, negated=False), "(not [? x]) is true"),
        (Coalesce((atom, FALSE)), "coalesce([? x], false)"),
    ]
    for formula, expected in cases:
        assert shown(read(formula)) == expected


def test_a_row_at_another_place(world: World) -> None:
    found = read(parse(world.deparsed["is_member(org)"], world.scope()), place=4)
    assert isinstance(found, AnyRow)
    assert found.query.sources[0].place == 5
    places = {one.place for one in walk(found) if isinstance(one, Field)}
    assert places == {4, 5}


def test_moving_keeps_what_is_outside(world: World) -> None:
    found = world.read("is_member(org)")
    there = moved(found, 1, 3)
    assert isinstance(there, AnyRow)
    assert there.query.sources[0].place == 4
    assert {one.place for one in walk(there) if isinstance(one, Field)} == {0, 4}
    assert moved(there, 1, -3) == found


def test_without_a_database_tables_are_not_followed(world: World) -> None:
    scope = replace(world.scope(), database=None)
    found = read(parse("exists (select 1 from public.likes)", scope))
    assert isinstance(found, Opaque)
    assert type_of(found) == BOOLEAN
    assert isinstance(read(parse("shown is true", scope)), IsTrue)
