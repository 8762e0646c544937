"""Every cell of the matrix against what a persona really reaches, found out by force in many small worlds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest
from oracle.judged import judge
from oracle.world import WORLDS, World, read_world
from psycopg import sql

from rlsaudit.demo import SCHEMA, SEED
from rlsaudit.model import STRANGER, EvidenceKind, Operation, Reach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.engine import Server

GROUP = "oracle_group"
"""A role of the worlds' own; roles are the whole server's, so it comes and goes with each test."""
MARA, JONAS, THEO, INES = (f"a0000000-0000-4000-8000-00000000000{number}" for number in range(1, 5))
LEHM, OFEN = frozenset({"mara", "theo"}), frozenset({"jonas"})
# The support team's Priya is staff, and so no persona.
DEMO = World(
    "demo",
    SCHEMA,
    SEED,
    calls=(
        "select * from public.find_people('a')",
        "select public.create_studio('x')",
        "select public.studio_revenue('b0000000-0000-4000-8000-000000000001')",
        "select public.cancel_booking('e0000000-0000-4000-8000-000000000001')",
    ),
    claims=({"user_metadata": {"role": "staff"}},),
    people={"mara": MARA, "jonas": JONAS, "theo": THEO, "ines": INES},
    tied={
        MARA: frozenset({"mara"}),
        JONAS: frozenset({"jonas"}),
        THEO: frozenset({"theo"}),
        INES: frozenset({"ines"}),
        STRANGER: frozenset({"S"}),
        "b0000000-0000-4000-8000-000000000001": LEHM,
        "b0000000-0000-4000-8000-000000000002": OFEN,
        "d0000000-0000-4000-8000-000000000001": LEHM,
        "d0000000-0000-4000-8000-000000000002": LEHM,
        "d0000000-0000-4000-8000-000000000003": OFEN,
        "d0000000-0000-4000-8000-000000000004": OFEN,
        "f0000000-0000-4000-8000-000000000001": frozenset({"mara", "jonas"}),
        "f0000000-0000-4000-8000-000000000002": frozenset({"theo"}),
        "f0000000-0000-4000-8000-000000000003": frozenset({"theo"}),
    },
    # Of a circle that is not listed or a message of long ago all rows may be one's own.
    seeing_all=frozenset({"anon", "S"}),
    marks={"public.bookings": "id", "public.billing_accounts": "full_name"},
)


@pytest.fixture
def group(server: Server) -> Iterator[str]:
    with psycopg.connect(server.supabase_database("oracle"), autocommit=True) as connection:
        connection.execute(sql.SQL("create role {}").format(sql.Identifier(GROUP)))
        connection.execute(sql.SQL("grant {} to postgres").format(sql.Identifier(GROUP)))
    yield server.dsn("oracle")
    server.drop_database("oracle")
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("drop role {}").format(sql.Identifier(GROUP)))


@pytest.mark.parametrize("name", sorted(one.stem for one in WORLDS.glob("*.sql")))
def test_what_is_measured_lies_within_the_bounds(group: str, name: str) -> None:
    world = read_world(name)
    judged = judge(group, world)
    assert judged.unlike(world) == []
    assert judged.faults(judged.cells) == []
    assert judged.faults(judged.unprobed) == []
    assert judged.faults(judged.attacked) == []
    assert judged.inconsistent() == []
    assert judged.unconfirmed() == []


def test_the_demo_app_is_within_the_bounds(group: str) -> None:
    judged = judge(group, DEMO)
    assert judged.faults(judged.cells) == []
    assert judged.faults(judged.unprobed) == []
    assert judged.faults(judged.attacked) == []
    assert judged.inconsistent() == []
    assert judged.unconfirmed() == []


def test_the_oracle_knows_a_wrong_verdict(group: str) -> None:
    """In a world of which everything is decided, every other verdict on a table is a fault."""
    judged = judge(group, read_world("own_rows"))
    assert all(one.reach.decided for one in judged.cells if one.relation.startswith("public."))
    cells = tuple(one for one in judged.cells if one.relation in judged.measured["anon"].tables.all)
    for reach in (Reach.NONE, Reach.OWN, Reach.SOME, Reach.ALL):
        wrong = tuple(replace(one, reach=reach, at_least=reach, at_most=reach) for one in cells if one.reach != reach)
        assert len(judged.faults(wrong)) == len(wrong)
    unfounded = tuple(replace(one, evidence=EvidenceKind.NONE) for one in cells)
    assert replace(judged, cells=unfounded).inconsistent() == list(unfounded)


def test_the_oracle_measures_what_is_written_down(group: str) -> None:
    judged = judge(group, read_world("own_rows"))
    found = {
        (persona, operation.value): judged.measured[persona].reach("public.notes", operation).reach.value
        for persona in judged.measured
        for operation in Operation
    }
    assert found == {
        ("anon", "select"): "some",
        ("anon", "insert"): "none",
        ("anon", "update"): "none",
        ("anon", "delete"): "none",
        ("authenticated", "select"): "some",
        ("authenticated", "insert"): "own",
        ("authenticated", "update"): "own",
        ("authenticated", "delete"): "own",
    }


def test_what_signing_up_gives_is_told_from_what_it_may_give(group: str) -> None:
    """A role that the client names is everybody's, one that the first user gets nobody's, an organisation one's own."""
    judged = judge(group, read_world("signed_up_as"))
    found = {
        one.relation: (one.at_least, one.at_most)
        for one in judged.unprobed
        if one.persona == "authenticated" and one.operation is Operation.SELECT
    }
    assert found["public.by_role"] == (Reach.ALL, Reach.ALL)
    assert found["public.by_first"] == (Reach.NONE, Reach.NONE)
    assert found["public.by_org"] == (Reach.OWN, Reach.OWN)
    # The client's word is looked at before it is taken.
    assert found["public.by_level"][0] is Reach.NONE
    assert found["public.by_officer"][0] is Reach.NONE


def test_what_policies_call_is_followed_as_far_as_a_statement_in_progress_lets(group: str) -> None:
    judged = judge(group, read_world("asked_in_passing"))
    found = {
        (one.relation, one.operation): (one.at_least, one.at_most)
        for one in judged.unprobed
        if one.persona == "authenticated"
    }
    assert {found["public.notes", one] for one in Operation} == {(Reach.NONE, Reach.OWN)}
    assert found["public.secrets", Operation.SELECT] == (Reach.NONE, Reach.NONE)
    assert found["public.secrets", Operation.DELETE] == (Reach.NONE, Reach.ALL)
    assert found["public.kept", Operation.DELETE] == (Reach.NONE, Reach.NONE)


def test_a_view_whose_columns_sum_up_rows_of_others_shows_its_own(group: str) -> None:
    judged = judge(group, read_world("views_counting"))
    found = {
        (one.relation, one.operation): (one.at_least, one.at_most)
        for one in judged.unprobed
        if one.persona == "authenticated"
    }
    assert all(found["public.posts", one] == (Reach.ALL, Reach.ALL) for one in Operation)
    assert all(found["public.liked_own_posts", one] == (Reach.OWN, Reach.OWN) for one in Operation)
    # Here it is the view's own rows that are summed up, and no row of it is one of the table's.
    assert found["public.most", Operation.SELECT] == (Reach.NONE, Reach.ALL)


def test_a_view_puts_in_no_row_that_lacks_what_it_has_to_have(group: str) -> None:
    judged = judge(group, read_world("views_lacking"))
    most = judged.proved_at_most("anon")
    never = {one for (one, operation), reach in most.items() if operation is Operation.INSERT and reach is Reach.NONE}
    lacking = {"lacks", "lacks_below", "too_late"}
    found = {one.removeprefix("public.") for one in never if one.startswith("public.")}
    # Nobody may put in rows by the view between two.
    assert found == lacking | {f"v_{one}" for one in lacking} | {"v_whole"}


def test_two_queries_may_ask_of_one_row(group: str) -> None:
    """Who is a manager of its own organisation is found out by two helpers, which find one row."""
    judged = judge(group, read_world("members_asked_twice"))
    found = {
        (one.relation, one.operation): (one.at_least, one.at_most)
        for one in judged.unprobed
        if one.persona == "authenticated"
    }
    assert {found["public.dishes", one] for one in Operation} == {(Reach.OWN, Reach.OWN)}
    assert found["public.nobodys", Operation.SELECT][0] is Reach.NONE
    assert found["public.nobodys", Operation.UPDATE][0] is Reach.NONE


def test_a_row_that_is_locked_is_asked_about_all_the_same(group: str) -> None:
    """But not where rows that somebody else has locked are left out: then there may be none."""
    judged = judge(group, read_world("locked_rows"))
    most = judged.proved_at_most("authenticated")
    assert most["public.projects", Operation.UPDATE] is Reach.OWN
    assert most["public.steps", Operation.DELETE] is Reach.OWN
    assert most["public.claimed", Operation.DELETE] is Reach.ALL


def test_what_is_written_is_the_row_that_was_looked_up_by_its_key(group: str) -> None:
    judged = judge(group, read_world("looked_up_first"))
    most = judged.proved_at_most("authenticated")
    assert most["public.tickets", Operation.UPDATE] is Reach.OWN
    assert most["public.tickets", Operation.DELETE] is Reach.OWN
    assert most["public.lists", Operation.DELETE] is Reach.OWN
    wide = (
        ("parcels", Operation.DELETE),
        ("swaps", Operation.UPDATE),
        ("given", Operation.DELETE),
        ("made", Operation.INSERT),
    )
    assert {most[f"public.{table}", operation] for table, operation in wide} == {Reach.ALL}


def test_a_claim_that_is_cast_and_caught_is_read_as_what_it_is_meant_to_be(group: str) -> None:
    judged = judge(group, read_world("caught_claims"))
    found = {
        (one.persona, one.relation): (one.at_least, one.at_most)
        for one in judged.unprobed
        if one.operation is Operation.SELECT
    }
    assert found["anon", "public.invoices"] == (Reach.NONE, Reach.NONE)
    assert found["authenticated", "public.invoices"] == (Reach.OWN, Reach.OWN)
    assert found["anon", "public.sites"] == (Reach.SOME, Reach.SOME)
    # What a handler says where there is no claim is not what the claim is.
    assert all(found[name, "public.by_level"][1] is Reach.ALL for name in ("anon", "authenticated"))
    assert all(found[name, "public.by_domain"][1] is Reach.ALL for name in ("anon", "authenticated"))


def test_what_is_taken_apart_may_hold_anything(group: str) -> None:
    """But what is written beside it is what it is."""
    judged = judge(group, read_world("taken_apart"))
    most = judged.proved_at_most("authenticated")
    assert most["public.answers", Operation.INSERT] is Reach.OWN
    assert most["public.entries", Operation.INSERT] is Reach.ALL
    assert most["public.items", Operation.DELETE] is Reach.ALL
    assert most["public.kept", Operation.DELETE] is Reach.OWN
    assert most["public.usage", Operation.UPDATE] is Reach.OWN
    assert most["public.joined", Operation.UPDATE] is Reach.OWN
    assert most["public.unjoined", Operation.UPDATE] is Reach.ALL


def test_what_functions_surely_show_is_claimed(group: str) -> None:
    """Every row by its key, some by what they are; and nothing where the call fails, or something else comes out."""
    judged = judge(group, read_world("surely_shown"))
    found = {
        one.relation.removeprefix("public.s_"): (one.at_least, one.at_most)
        for one in judged.unprobed
        if one.persona == "anon" and one.operation is Operation.SELECT
    }
    every = {one for one, bounds in found.items() if bounds == (Reach.ALL, Reach.ALL)}
    assert every == {"all", "key", "out", "parent", "sums", "union", "whole"}
    assert {one for one, bounds in found.items() if bounds == (Reach.SOME, Reach.SOME)} == {"child", "open"}
    some = {one for one, bounds in found.items() if bounds == (Reach.SOME, Reach.ALL)}
    assert some == {"first", "halves", "policy", "through"}
    assert {one for one, bounds in found.items() if bounds == (Reach.NONE, Reach.ALL)} == {
        *("beside", "case", "cast", "caught", "gone", "having", "helper", "locked", "named", "number", "other"),
        *("several", "strict", "summed", "top", "typed", "uneven", "unlike", "view", "zero"),
    }


def test_what_functions_surely_write_is_claimed(group: str) -> None:
    """Rows that are looked up by a key, or named by the caller; nothing that a constraint or a trigger may refuse."""
    judged = judge(group, read_world("surely_written"))
    found = {
        (one.persona, one.relation.removeprefix("public.w_"), one.operation): (one.at_least, one.at_most)
        for one in judged.unprobed
    }
    every = {one[1:] for one, bounds in found.items() if one[0] == "anon" and bounds == (Reach.ALL, Reach.ALL)}
    assert every == {
        ("gone", Operation.DELETE),
        ("key", Operation.UPDATE),
        ("upsert", Operation.UPDATE),
    }
    some = {one[1:] for one, bounds in found.items() if one[0] == "anon" and bounds == (Reach.SOME, Reach.SOME)}
    assert some == {("put", Operation.INSERT), ("some", Operation.UPDATE), ("upsert", Operation.INSERT)}
    assert found["authenticated", "mine", Operation.UPDATE] == (Reach.OWN, Reach.OWN)
    assert found["authenticated", "given", Operation.INSERT] == (Reach.OWN, Reach.OWN)
    assert found["authenticated", "items", Operation.DELETE] == (Reach.OWN, Reach.OWN)
    assert found["anon", "items", Operation.DELETE] == (Reach.NONE, Reach.NONE)
    assert found["authenticated", "text", Operation.INSERT][0] is Reach.NONE
    assert found["anon", "looked", Operation.UPDATE][0] is Reach.SOME
    refused = ("after", "check", "domain", "later", "long", "null", "stable", "trigger")
    assert {found["anon", one, Operation.UPDATE][0] for one in refused} == {Reach.NONE}
    assert {found["anon", one, Operation.DELETE][0] for one in ("log", "swallow", "undone", "moved")} == {Reach.NONE}


def test_working_tables_show_what_was_put_in_and_nothing_else(group: str) -> None:
    judged = judge(group, read_world("working_tables"))
    most = judged.proved_at_most("authenticated")
    assert most["public.w_untouched", Operation.SELECT] is Reach.NONE
    assert most["public.w_untouched", Operation.DELETE] is Reach.NONE
    assert most["public.w_shown", Operation.SELECT] is Reach.ALL
    assert most["public.w_selected", Operation.SELECT] is Reach.ALL
    assert most["public.w_by_default", Operation.DELETE] is Reach.ALL
    assert most["public.w_own", Operation.SELECT] is Reach.OWN


def test_working_tables_that_others_read_are_not_followed(group: str) -> None:
    judged = judge(group, read_world("working_tables_shared"))
    most = judged.proved_at_most("authenticated")
    assert most["public.w_handed_on", Operation.SELECT] is Reach.ALL
    assert most["public.w_dropped", Operation.DELETE] is Reach.ALL


def test_a_handler_is_left_out_only_where_nothing_can_fail(group: str) -> None:
    judged = judge(group, read_world("caught"))
    found = {
        one.relation: (one.at_least, one.at_most)
        for one in judged.unprobed
        if one.persona == "anon" and one.operation is Operation.SELECT
    }
    assert found["public.by_claim"] == (Reach.SOME, Reach.SOME)
    assert found["public.by_role"] == (Reach.NONE, Reach.NONE)
    assert found["public.by_handler"][1] is Reach.ALL
    assert found["public.by_cast"][1] is Reach.ALL


def test_a_claim_that_is_json_again_is_the_claim(group: str) -> None:
    judged = judge(group, read_world("claims_as_text"))
    found = {
        one.relation: (one.at_least, one.at_most)
        for one in judged.unprobed
        if one.persona == "authenticated" and one.operation is Operation.SELECT
    }
    assert found["public.by_role"] == (Reach.NONE, Reach.NONE)
    assert found["public.own_or_role"] == (Reach.OWN, Reach.OWN)
    assert found["public.by_word"] == (Reach.ALL, Reach.ALL)
