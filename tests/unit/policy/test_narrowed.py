"""More is asked in the subqueries on a table, and nothing else changes."""

from __future__ import annotations

import pytest

from rlsaudit.policy.narrowed import narrowed

MEMBERS = ("public", "members")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "(team_id IN ( SELECT m.team_id FROM public.members m))",
            "team_id IN (SELECT m.team_id FROM public.members AS m WHERE m.user_id = me())",
        ),
        (
            "(EXISTS ( SELECT FROM public.members WHERE ((members.a = 1) OR (members.b = 2))))",
            "EXISTS (SELECT FROM public.members WHERE (members.a = 1 OR members.b = 2) AND members.user_id = me())",
        ),
        (
            (
                "((a = 1) OR (b IN ( SELECT p.id FROM public.posts p WHERE (p.team_id IN ( SELECT m.team_id"
                " FROM public.members m)))))"
            ),
            (
                "a = 1 OR b IN (SELECT p.id FROM public.posts AS p WHERE p.team_id IN (SELECT m.team_id"
                " FROM public.members AS m WHERE m.user_id = me()))"
            ),
        ),
        ("(team_id IN ( SELECT m.team_id FROM other.members m))", None),
        ("(team_id IN ( SELECT m.team_id FROM (public.members m JOIN public.posts p ON ((true)))))", None),
        ("(1 < ( SELECT count(*) AS count FROM public.members m GROUP BY m.team_id))", None),
        ("(user_id = 1)", None),
        ("(", None),
    ],
)
def test_subqueries_on_a_table_alone(text: str, wanted: str | None) -> None:
    assert narrowed(text, MEMBERS, lambda called: f"{called}.user_id = me()") == wanted
