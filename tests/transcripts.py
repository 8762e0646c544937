"""A finding's transcript, taken from the report and run as its reader would: what it comes to, and what it leaves."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
from psycopg.pq import TransactionStatus

from rlsaudit.model import Severity
from rlsaudit.report import render

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rlsaudit.model import Report

_ENDS = re.compile(r"(begin|commit|end|rollback|abort|start|prepare|savepoint|release)\b", re.IGNORECASE)
_STATE = re.compile(r"\(([0-9A-Z]{5})\)")
_WRITES = ("insert ", "update ", "delete ")
_WITHOUT_RIGHT = "locked-out"
"""The rule that tells of a privilege that is not there."""
_ROW_SECURITY = "rls"
"""The column of an answer that says whether row-level security is on, as the finding does."""


class _Came(NamedTuple):
    """What the last statement before ROLLBACK came to: the rows that it wrote, its answer, or the SQLSTATE."""

    written: int
    named: Sequence[str]
    rows: Sequence[tuple[Any, ...]]
    state: str | None


def wrong_transcripts(url: str, report: Report, at_least: Severity = Severity.MEDIUM) -> list[str]:
    """Returns what is wrong with the transcripts of a report's findings, each run in a session of its own."""
    printed = json.loads(render(report, "json", width=100, colour=False))
    return [
        f"{one['rule']} {one['object']['identity']}: {said}: {one['evidence']}"
        for one in printed["findings"]
        if Severity(one["severity"]) >= at_least
        for said in _wrong(url, one)
    ]


def _wrong(url: str, finding: dict[str, Any]) -> Iterator[str]:
    statements = finding["evidence"]["sql"]
    if len(statements) < 3 or statements[0] not in {"begin", "begin read only"} or statements[-1] != "rollback":
        yield "it is no transaction that is rolled back"
        return
    # So nothing stays but what no rollback undoes.
    if any(_ENDS.match(one) for one in statements[1:-1]):
        yield "it ends its transaction by itself"
        return
    with psycopg.connect(url, autocommit=True) as reader:
        before = _session(reader)
        came = _run(reader, statements)
        if reader.info.transaction_status is not TransactionStatus.IDLE or _session(reader) != before:
            yield "it leaves something behind"
    yield from _not_shown(finding, statements[-2], came)


def _session(reader: psycopg.Connection[Any]) -> object:
    return reader.execute(
        "select current_user, session_user, current_setting('search_path'),"
        " current_setting('session_replication_role'), nullif(current_setting('request.jwt.claims', true), '')"
    ).fetchone()


def _run(reader: psycopg.Connection[Any], statements: Sequence[str]) -> _Came:
    came, state = _Came(0, (), (), None), None
    for one in statements[:-1]:
        try:
            cursor = reader.execute(one.encode())
        except psycopg.Error as error:
            state = error.sqlstate
            break
        named = [column.name for column in cursor.description or ()]
        rows = cursor.fetchall() if named else ()
        came = _Came(cursor.rowcount if not named and one.startswith(_WRITES) else 0, named, rows, None)
    reader.execute(statements[-1].encode())
    return came if state is None else _Came(0, (), (), state)


def _not_shown(finding: dict[str, Any], question: str, came: _Came) -> Iterator[str]:
    """What of the finding a transcript does not show: the rows, the privilege or the error that it tells of."""
    result = finding["evidence"]["result"]
    told = _STATE.search(result)
    if came.state is not None or told is not None:
        if told is None or came.state != told[1]:
            yield f"it fails with {came.state}"
        return
    if question.startswith(_WRITES):
        if not came.written:
            yield "no row is written"
        return
    if not came.rows:
        yield "no row comes back"
        return
    answer = dict(zip(came.named, came.rows[0], strict=True))
    if counted := re.match(r"(\d+)(?: of \d+)? rows?\b", result):
        if list(answer.values()) != [int(counted[1])]:
            yield f"{answer} is not {counted[0]}"
    elif came.named == ["count"] and not answer["count"]:
        yield "it counts no row"
    elif False in [one for name, one in answer.items() if name != _ROW_SECURITY] and finding["rule"] != _WITHOUT_RIGHT:
        yield f"{answer} is not so"
    elif _ROW_SECURITY in answer and f"RLS {'on' if answer[_ROW_SECURITY] else 'off'}" not in result:
        yield f"{answer} is not {result}"
