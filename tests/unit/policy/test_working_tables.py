"""Statements about temporary tables, by what is known of them from their text alone."""

from __future__ import annotations

import pytest

from rlsaudit.policy import tree
from rlsaudit.policy.procedure.fragments import NotFollowedError
from rlsaudit.policy.procedure.working import tables, takes_what_is_there


@pytest.mark.parametrize(
    "text",
    [
        "create temp table w (id uuid primary key, n int not null default 0 check (n >= 0))",
        "create temporary table if not exists w (id uuid) on commit drop",
        "create table pg_temp.w (id uuid)",
        "create temp table w on commit drop as select 1 as id",
        "drop table if exists w",
        "drop table pg_temp.w",
        "create index on w (id)",
    ],
)
def test_a_table_of_the_body_s_own_is_told_by_its_name(text: str) -> None:
    (statement,) = tree.statements(text) or ()
    assert tables(statement) == ("w",)


@pytest.mark.parametrize(
    "text",
    [
        # These stay when the session ends.
        "create table w (id uuid)",
        "create unlogged table w (id uuid)",
        "create table w as select 1 as id",
        "drop table public.w",
        "create index on public.w (id)",
        # What is put in is seen in another table as well, or computed by what is written elsewhere.
        "create temp table w () inherits (public.t)",
        "create temp table w (like public.t including defaults)",
        "create temp table w (d public.domain_with_a_check)",
        "create temp table w (id uuid references public.t)",
        "drop view if exists w",
        "create materialized view w as select 1 as id",
    ],
)
def test_anything_else_is_not_followed(text: str) -> None:
    (statement,) = tree.statements(text) or ()
    with pytest.raises(NotFollowedError):
        tables(statement)


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("create temp table w (id uuid)", False),
        ("create temp table w on commit drop as select 1 as id", False),
        ("drop table if exists w", False),
        ("create temp table if not exists w (id uuid)", True),
        ("create temp table if not exists w on commit drop as select 1 as id", True),
    ],
)
def test_one_that_is_there_already_may_be_the_caller_s(text: str, *, taken: bool) -> None:
    (statement,) = tree.statements(text) or ()
    assert takes_what_is_there(statement) is taken
