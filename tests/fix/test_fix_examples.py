"""The fixes of every rule's bad examples: each holds when it is tried, or it is known here why it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from benches import plain, supabase

from rlsaudit.catalog.platform import Platform
from rlsaudit.fix import Outcome, mended
from rlsaudit.rules import all_rules

if TYPE_CHECKING:
    from pathlib import Path

    from rlsaudit.engine import Server
    from rlsaudit.fix import Tried
    from rlsaudit.rules import Example, Rule

DRAFTS = {
    "beyond-intent: Published rows: medium, for it may be meant": "it may be meant",
    "tautology: On plain Postgres": "it may be meant",
    # It is called by PostgREST, and revoking it from clients changes nothing.
    "claim-guc-override: Before every request, from a header": "the finding is still there",
    # A copy has no policies: who reads it reads all of it, and so it is all or nothing.
    "matview: Totals for each account": "could no longer read rows of its own of public.payout_totals",
    "matview: Through a view": "could no longer read rows of its own of public.report",
    # Which channels are whose is in the topic, as the application says.
    "realtime-messages: Whoever is signed in, and whoever is not": 'where policy "receive" of realtime.messages was',
    "realtime-messages: Broadcasts of every channel": 'where policy "send" of realtime.messages was',
    # It takes a function that runs as its owner, whose body is for the project to write.
    "recursion: The members of one's teams, by a look at the members": 'where policy "my teams" of public.members was',
    "recursion: Two tables that ask each other": 'where policy "owners" of public.members was',
    "recursion: A look at the table that is written to": 'where policy "invite" of public.members was',
    # Nothing in it says whose rows they are.
    "rls-off: Made by `create table as`, readable through PUBLIC alone": "could no longer read rows of its own",
    # The helper has to be mended, and it is the policies of others as well that call it.
    "careless-helper: A missing claim is taken for a licence, on a table without private columns": (
        'where policy "of the company" of public.inspections was'
    ),
    "careless-helper: Members of any team": 'where policy "team" of public.files was',
}


NOT_LOOKED_AT = frozenset(
    {
        *("anonymous-signin", "app-metadata-stale", "bypass-roles", "client-guc", "column-revoke-void"),
        *("email-claim", "event-trigger", "exposed-schema", "extension-in-public", "extension-outdated"),
        *("fk-oracle", "for-all-write", "foreign-table", "graphql-exposure", "implicit-rls-dependency"),
        *("insert-check-true", "invite-token-readable", "large-object", "membership-self-insert"),
        *("mfa-missing", "null-logic", "nullable-owner", "owner-bypass", "permissive-or", "predefined-roles"),
        *("privilege-column", "public-grant", "restrictive-missing-command", "role-chain", "row-independent"),
        *("secrets", "server-outdated", "service-schemas", "soft-delete-leak", "ssrf-file"),
        *("storage-bucket-only", "storage-public-bucket", "to-public", "trigger-copy", "unique-oracle"),
        *("unset-guc", "update-check-weak", "user-metadata-claim", "wrong-command"),
    }
)
"""Rules whose examples are not here yet: some want more than a schema, of others the drafts have to be read first."""


def _named(rule: Rule, example: Example) -> str:
    return f"{rule.id}: {example.name}"


def _examples(platform: Platform) -> list[object]:
    return [
        pytest.param(rule, example, id=_named(rule, example))
        for rule in all_rules().values()
        for example in rule.bad
        if example.platform is platform and rule.id not in NOT_LOOKED_AT
    ]


@pytest.fixture
def intent(example: Example, tmp_path: Path) -> Path | None:
    """The intent file that goes with the example, where it has one."""
    if not example.intent:
        return None
    path = tmp_path / "rlsaudit.toml"
    path.write_text(example.intent, "utf-8")
    return path


@pytest.mark.parametrize(("rule", "example"), _examples(Platform.SUPABASE))
def test_the_fix_of_an_example_is_tried(server: Server, rule: Rule, example: Example, intent: Path | None) -> None:
    with supabase(server, example.sql, intent=intent) as standing:
        done = mended(standing, wanted=lambda one: one.rule == rule.id)
    for one in done.tried:
        _is_as_expected(_named(rule, example), one)


@pytest.mark.parametrize(("rule", "example"), _examples(Platform.POSTGRES))
def test_the_fix_of_an_example_on_postgres_is_tried(
    server: Server, rule: Rule, example: Example, intent: Path | None
) -> None:
    with plain(server, example.sql, example.roles, intent=intent) as standing:
        done = mended(standing, wanted=lambda one: one.rule == rule.id)
    for one in done.tried:
        _is_as_expected(_named(rule, example), one)


def _is_as_expected(name: str, tried: Tried) -> None:
    because = "; ".join(tried.because)
    if not tried.finding.fix.sql:
        assert tried.outcome is Outcome.NONE
    elif name in DRAFTS:
        assert tried.outcome in {Outcome.DRAFT, Outcome.NONE}
        assert DRAFTS[name] in because
    else:
        assert tried.outcome in {Outcome.VERIFIED, Outcome.SPARED}, because


def test_every_draft_is_of_an_example() -> None:
    assert set(all_rules()) >= NOT_LOOKED_AT
    assert set(DRAFTS) <= {_named(rule, example) for rule in all_rules().values() for example in rule.bad}
