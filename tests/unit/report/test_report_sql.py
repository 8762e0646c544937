from __future__ import annotations

import pytest
import report_samples as samples
from pglast import parse_sql

from rlsaudit.report.sql import transcript

BODY = """create or replace function public.search(q text) returns setof public.notes
language sql stable as $fn$
  -- it's "the caller's"

  select * from public.notes where body ~ E'\\\\d\\'' and owner = auth.uid()
$fn$"""


def test_each_statement_is_closed_once() -> None:
    assert transcript(("begin", "select 1;", "rollback ;")).lines == ("begin;", "select 1;", "rollback ;")


@pytest.mark.parametrize(
    "sql",
    [
        "select ';'",
        "select 1 -- why;",
        "select 1; -- why",
        "select 1 /* why;\n  oh why */",
        'select 1 as "a--b"',
        "select 'it''s' -- it's",
        r"select E'it\'s -- no comment;'",
        r"select x=e'\'' from (values ('a')) as v (x)",
        "select $$ -- ; $$, $x$ $$ $x$",
        'select 1 as a$b, 2 as """q"',
        BODY,
        "select 1 as größe, 2 as e\u0301",
    ],
)
def test_statements_stay_what_they_were(sql: str) -> None:
    printed = transcript((sql, "rollback"))
    pasted = "\n".join(printed.lines)
    assert not printed.escaped
    assert len(parse_sql(pasted)) == 2
    assert pasted.startswith(sql)


def test_our_own_lines_stay_lines_and_tabs_become_spaces() -> None:
    printed = transcript(("alter table public.notes\r\n\tenable row level security",))
    assert printed.lines == ("alter table public.notes", "    enable row level security;")
    assert not printed.escaped


@pytest.mark.parametrize(
    ("sql", "line"),
    [
        ('select * from "a\nb"', r'select * from "a\nb";'),
        ('select * from "a""\n; drop"', r'select * from "a""\n; drop";'),
        ("select 'a\n' || E'b\\'\n'", r"select 'a\n' || E'b\'\n';"),
        ('select * from "tab\there"', r'select * from "tab\there";'),
        ("select * from \x1b[2J", r"select * from \x1b[2J;"),
        ('select * from "never closed\n', 'select * from "never closed;'),
    ],
)
def test_a_newline_in_a_name_forges_no_line_and_is_owned_up_to(sql: str, line: str) -> None:
    printed = transcript((sql,))
    assert printed.lines == (line,)
    assert printed.escaped is ("closed" not in sql)


def test_control_characters_in_bodies_and_comments_are_shown() -> None:
    printed = transcript(("select 1 -- \x1b[2J", "do $$ \x9b $$"))
    assert printed.lines == (r"select 1 -- \x1b[2J", ";", r"do $$ \x9b $$;")
    assert printed.escaped


def test_a_fix_that_is_only_a_comment_is_not_closed() -> None:
    assert transcript(("-- decide who may read this",)).lines == ("-- decide who may read this",)


def test_hostile_names_stay_on_their_line() -> None:
    printed = transcript((f"select *\nfrom {samples.HOSTILE}",))
    assert len(printed.lines) == 2
    assert printed.lines[1].startswith('from public."\\x1b[2J')
