"""Names and literals, quoted as the server itself quotes and reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rlsaudit.connect import connect
from rlsaudit.names import ident, literal, qualified

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.connect import Session
    from rlsaudit.engine import Server

anything = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
# Mostly what is on the edge of a plain name, or of a literal.
nasty = st.text(st.sampled_from("aZ_09$\"'\\.\n\t -é\u2028"))
texts = st.lists(anything | nasty, min_size=1, max_size=20)


@pytest.fixture(scope="module")
def session(server: Server) -> Iterator[Session]:
    with connect(server.dsn("postgres")) as admin:
        yield admin


@given(texts=texts)
@example(texts=["", "a", "_", "9a", "a$", "select", "Name", 'a"b', "a\n", "ä"])
def test_ident_quotes_as_quote_ident_does(session: Session, texts: list[str]) -> None:
    with session.read_only(), session.connection.cursor() as cursor:
        rows = cursor.execute("select t, quote_ident(t) from unnest(%s::text[]) t", [texts]).fetchall()
    assert [ident(text) for text, _ in rows] == [quoted for _, quoted in rows]


def test_ident_quotes_every_keyword_that_the_server_does(session: Session) -> None:
    keywords = session.fetch_all("select word, quote_ident(word) from pg_get_keywords()")
    assert len(keywords) > 400
    unquoted = [word for word, quoted in keywords if quoted != word and ident(word) != quoted]
    assert unquoted == []


def test_ident_quotes_no_other_word_than_the_newest_server_does(session: Session) -> None:
    if session.server_version_num < 170_000:
        newer = {"json", "json_array", "json_object", "system_user", "merge_action"}
    else:
        newer = set()
    keywords = session.fetch_all("select word, quote_ident(word) from pg_get_keywords()")
    assert {word for word, quoted in keywords if ident(word) != quoted} <= newer


def test_every_keyword_can_name_a_column_once_quoted(session: Session) -> None:
    words = [word for (word,) in session.fetch_all("select word from pg_get_keywords() order by 1")]
    with session.rolled_back():
        session.execute(f"create temp table t ({', '.join(f'{ident(word)} int' for word in words)})")
        columns = session.fetch_all(
            "select attname::text from pg_catalog.pg_attribute"
            " where attrelid = 'pg_temp.t'::pg_catalog.regclass and attnum > 0 order by attnum"
        )
    assert [name for (name,) in columns] == words


@given(texts=texts)
@example(texts=["\\", "'", "\\'", "a\\nb", "", "''", "\\\\'; drop table t; --"])
@pytest.mark.parametrize("standard", ["on", "off"])
def test_a_literal_means_its_value_to_the_server(session: Session, standard: str, texts: list[str]) -> None:
    with session.read_only():
        session.execute(f"set local standard_conforming_strings = {standard}; set local escape_string_warning = on")
        (row,) = session.fetch_all(f"select array[{','.join(literal(text) for text in texts)}]::text[]")
    assert row[0] == texts


@given(name=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=15))
def test_a_qualified_name_is_read_as_its_parts(session: Session, name: str) -> None:
    with session.read_only(), session.connection.cursor() as cursor:
        row = cursor.execute("select parse_ident(%s)", [qualified(name, "x", name)]).fetchone()
    assert row == ([name, "x", name],)


@pytest.mark.parametrize("quote", [ident, literal])
def test_a_nul_byte_is_refused(quote: type[str]) -> None:
    with pytest.raises(ValueError, match="NUL"):
        quote("a\0b")
