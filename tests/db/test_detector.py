"""Shapes of secrets, as Python and Postgres see them: the same is found by either."""

from __future__ import annotations

import base64
import json

import psycopg
import pytest

from rlsaudit.detector import kinds_in, shapes


def token(role: str, issuer: str) -> str:
    payload = json.dumps({"iss": issuer, "role": role, "iat": 1}, separators=(",", ":")).encode()
    return f"eyJhbGciOiJIUzI1NiJ9.{base64.urlsafe_b64encode(payload).decode().rstrip('=')}.c2ln"


# Put together here, for this file is looked through for secrets as well.
FOUND = {
    "Supabase secret key": ["sb_secret_" + "x" * 22],
    "Supabase service_role key": [token("service_role", "s" * length) for length in range(3)],
    "Stripe Access Key": ["sk_live_" + "a" * 24, "rk_live_" + "a" * 24],
    "Basic Auth Credentials": ["postgres://shop:" + "hunter2@db.example/shop"],
    "Private Key": ["-----BEGIN RSA PRIVATE" + " KEY-----\nabc"],
    "GitHub Token": ["ghp_" + "a" * 36],
    "GitLab Token": ["glpat-" + "a" * 20],
    "AWS Access Key": ["AWS_KEY = '" + "a" * 40 + "'"],
    "Slack Token": ["XOXB-" + "12-34-abc", "https://hooks.slack.com/" + "services/T1/B2/c3"],
    "SendGrid API Key": ["SG." + "a" * 22 + "." + "b" * 43],
    "Telegram Bot Token": ["123456789:" + "a" * 35],
    "OpenAI Token": ["sk-" + "a" * 20 + "T3BlbkFJ" + "b" * 20],
}
OTHERS = [
    token("anon", "supabase"),
    "pk_live_" + "a" * 24,
    "sk_test_" + "a" * 24,
    "https://example.com/a@b",
    "somebody@example.com",
    "00000000-0000-0000-0000-000000000000",
    "https://files.example/a.png?X-Amz-Credential=AKIA" + "A" * 16,
    "The service_role key is none of yours.",
    "",
]


def as_postgres(connection: psycopg.Connection, text: str) -> set[str]:
    return {
        one.kind
        for one in shapes()
        if connection.execute(
            f"select %s::text operator(pg_catalog.{'~*' if one.any_case else '~'}) %s".encode(), (text, one.pattern)
        ).fetchone()
        == (True,)
    }


@pytest.mark.parametrize(("kind", "texts"), FOUND.items())
def test_secrets_are_found_by_both(database: str, kind: str, texts: list[str]) -> None:
    with psycopg.connect(database) as connection:
        for text in texts:
            assert kind in kinds_in(text)
            assert as_postgres(connection, text) == set(kinds_in(text))


def test_other_texts_are_found_by_neither(database: str) -> None:
    with psycopg.connect(database) as connection:
        for text in OTHERS:
            assert kinds_in(text) == ()
            assert as_postgres(connection, text) == set()
