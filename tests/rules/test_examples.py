"""Every rule's examples, on a real server: the bad ones are found, the good ones are not, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest
from projects import audited
from psycopg import sql
from transcripts import wrong_transcripts

from rlsaudit.audit import Options
from rlsaudit.catalog.platform import Platform
from rlsaudit.connect import connect
from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights
from rlsaudit.model import Severity
from rlsaudit.rules import all_rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from rlsaudit.model import Finding
    from rlsaudit.rules import Example, Rule


def _examples(kind: str, platform: Platform) -> list[object]:
    return [
        pytest.param(rule, example, id=f"{rule.id}: {example.name}")
        for rule in all_rules().values()
        for example in (rule.bad if kind == "bad" else rule.good)
        if example.platform is platform
    ]


@pytest.fixture
def roles(database: str, example: Example) -> Iterator[str]:
    """A plain database with the example's roles, which are the whole server's."""
    names = [sql.Identifier(name) for name in example.roles]
    with psycopg.connect(database, autocommit=True) as connection:
        for name in names:
            connection.execute(sql.SQL("create role {} login").format(name))
        yield database
        for name in names:
            connection.execute(sql.SQL("reassign owned by {} to current_user").format(name))
            connection.execute(sql.SQL("drop owned by {}").format(name))
            connection.execute(sql.SQL("drop role {}").format(name))


@pytest.fixture
def options(example: Example, tmp_path: Path) -> Options:
    """How the example is audited: with its intent file, where it has one."""
    if not example.intent:
        return Options(roles=example.roles)
    path = tmp_path / "rlsaudit.toml"
    path.write_text(example.intent, "utf-8")
    return Options(roles=example.roles, intent=path)


def _on_supabase(url: str, example: Example, options: Options) -> tuple[Finding, ...]:
    with psycopg.connect(url) as connection:
        connection.execute(example.before.encode())
        grant_replay_rights(connection)
        connection.execute("set role postgres")
        connection.execute(example.sql.encode())
        connection.execute("reset role")
        revoke_replay_rights(connection)
    return _audited(url, options, example.version)


def _audited(url: str, options: Options, version: int | None) -> tuple[Finding, ...]:
    """What is found in the database, with transcripts that show it; with rows attacked it is the same.

    No proof is contradicted by that.
    """
    with connect(url) as session:
        read = audited(session, options, version)
        # As if it were the project's own, which it is here.
        attacked = audited(session, replace(options, throwaway=True, clone=True), version)
    assert wrong_transcripts(url, read) == []
    assert wrong_transcripts(url, attacked) == []
    assert [one for one in attacked.matrix if "a bug of rlsaudit" in f"{one.because} {one.escalated_because}"] == []
    assert {(one.rule, one.fingerprint, one.severity) for one in attacked.findings} == {
        (one.rule, one.fingerprint, one.severity) for one in read.findings
    }
    return read.findings


def _on_postgres(url: str, example: Example, options: Options) -> tuple[Finding, ...]:
    with psycopg.connect(url) as connection:
        connection.execute(example.before.encode())
        connection.execute(example.sql.encode())
    return _audited(url, options, example.version)


def _is_found(rule: Rule, example: Example, findings: tuple[Finding, ...]) -> None:
    assert rule.id in {one.rule for one in findings}, findings
    _is_quiet([one for one in findings if one.rule not in {rule.id, *example.also}])


def _is_quiet(findings: Iterable[Finding]) -> None:
    assert [one for one in findings if one.severity >= Severity.HIGH] == []


@pytest.mark.parametrize(("rule", "example"), _examples("bad", Platform.SUPABASE))
def test_bad_example_is_found(supabase_database: str, rule: Rule, example: Example, options: Options) -> None:
    _is_found(rule, example, _on_supabase(supabase_database, example, options))


@pytest.mark.parametrize(("rule", "example"), _examples("good", Platform.SUPABASE))
def test_good_example_is_quiet(supabase_database: str, rule: Rule, example: Example, options: Options) -> None:
    findings = _on_supabase(supabase_database, example, options)
    assert [one for one in findings if one.rule == rule.id] == []
    _is_quiet(findings)


@pytest.mark.parametrize(("rule", "example"), _examples("bad", Platform.POSTGRES))
def test_bad_example_on_postgres_is_found(roles: str, rule: Rule, example: Example, options: Options) -> None:
    _is_found(rule, example, _on_postgres(roles, example, options))


@pytest.mark.parametrize(("rule", "example"), _examples("good", Platform.POSTGRES))
def test_good_example_on_postgres_is_quiet(roles: str, rule: Rule, example: Example, options: Options) -> None:
    findings = _on_postgres(roles, example, options)
    assert [one for one in findings if one.rule == rule.id] == []
    _is_quiet(findings)


def test_a_new_project_is_quiet(supabase_database: str) -> None:
    with connect(supabase_database) as session:
        assert audited(session, Options()).findings == ()
