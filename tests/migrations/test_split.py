from __future__ import annotations

import time

import pytest

from rlsaudit.migrations.errors import UnreadableError
from rlsaudit.migrations.reading import decode
from rlsaudit.migrations.split import Statement, split


def statements(text: str) -> list[tuple[int, str]]:
    return [(one.line, one.sql) for one in split(text)]


def test_a_statement_begins_at_its_first_word_not_at_its_comment() -> None:
    text = "-- about it\n/* and /* more; */ */\nselect 1;\n\n\nselect\n  2 ;select 3"
    assert statements(text) == [(3, "select 1"), (6, "select\n  2"), (7, "select 3")]


@pytest.mark.parametrize(
    "sql",
    [
        "select ';', 'it''s;', e'\\';', \";\", date'2020-01-01', $1, a$b, u&'\\0041;'",
        "do $x$ begin perform $$;$$; end $x$",
        "select $$ $x$ ; $$",
        "select 1 -- ;\n, 2 /* ; */",
        "create function f() returns int begin atomic select case when true then 1 end; select 2; end",
        "create or replace procedure p() language sql begin atomic; select 1; end",
        "create rule r as on insert to t do also (select 1; select 2)",
        "create function f(a text default ';', \"\" int default '') returns int language sql as ';'",
        "select 1 - -1, 2 / 3, 'e' || e''",
        "select '' ; ".strip(" ;"),
    ],
)
def test_a_semicolon_within_a_statement_does_not_end_it(sql: str) -> None:
    assert statements(f"{sql};\nselect 'next'") == [(1, sql), (1 + sql.count("\n") + 1, "select 'next'")]


def test_copy_has_its_data() -> None:
    text = (
        "copy t (a) from stdin;\n1\n;'\\n\n\\.\n\nselect 1;\nCOPY u FROM STDIN WITH (FORMAT csv);\r\n\\.\r\nselect 2;"
    )
    assert list(split(text)) == [
        Statement("copy t (a) from stdin", 1, data="1\n;'\\n\n"),
        Statement("select 1", 6),
        Statement("COPY u FROM STDIN WITH (FORMAT csv)", 7, data=""),
        Statement("select 2", 9),
    ]


def test_a_copy_from_a_file_has_none() -> None:
    assert next(split("copy t from '/etc/passwd';\nselect 1;")).data is None


def test_commands_of_psql_are_told_apart() -> None:
    text = "\\restrict abc\nselect 1;\n\\! ls\n\\connect x\nselect 2 \\gexec\n\\unrestrict abc\n"
    assert [(one.line, one.sql, one.kind) for one in split(text)] == [
        (2, "select 1", "sql"),
        (3, "\\! ls", "psql"),
        (4, "\\connect x", "psql"),
        (5, "select 2 \\gexec", "psql"),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("select 1;\nselect 'x", 2),
        ("select 1;\n\nselect\n$a$ b $$ ;", 4),
        ("/* /* */", 1),
        ('select\n "x;', 2),
        ("select e'\\'", 1),
        ("copy t from stdin;\n1\n", 1),
        ("create function f() returns text as '", 1),
    ],
)
def test_what_never_ends_is_told_where_it_begins(text: str, line: int) -> None:
    with pytest.raises(UnreadableError, match="never ends") as caught:
        list(split(text))
    assert caught.value.line == line


def test_fifty_megabytes_take_seconds() -> None:
    rows = "insert into t values (1, 'abc''def', 2.5, 'x'), (2, 'y', null, e'\\n');\n" * 100_000
    data = "copy t from stdin;\n" + "1\tfoo\tbar\n" * 4_000_000 + "\\.\n"
    began = time.monotonic()
    assert sum(1 for _ in split(rows + data)) == 100_001
    assert time.monotonic() - began < 15


def test_bytes_become_text() -> None:
    assert decode(b"\xef\xbb\xbfselect 1;").content == "select 1;"
    assert decode("select 'ä';".encode("utf-16")).content == "select 'ä';"
    latin = decode(b"select 1;\nselect '\xe4';")
    assert latin.content.endswith("'ä';")
    assert "line 2 is not UTF-8" in latin.note
    with pytest.raises(UnreadableError, match="NUL"):
        decode(b"select 1;\n\0")
