"""States that proofs show, as requests and rows for the server."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from rlsaudit.model import Persona
from rlsaudit.policy.evaluate import Endless, Interval, Json
from rlsaudit.policy.expr import TEXT, UUID, And, Call, Const, Field, Given, Opaque, Type, Who
from rlsaudit.policy.proof import Witness
from rlsaudit.policy.supposed import asked_by, is_exact, row_of

if TYPE_CHECKING:
    from rlsaudit.policy.evaluate import Value
    from rlsaudit.policy.expr import Expr

ANON = Persona("p", "p", {"sub": "s", "app_metadata": {"a": 1}}, {"app.tenant": "$tenant"})


def given(who: Who, key: str) -> Expr:
    return Call("=", (Given(who, key, TEXT, nullable=True), Const("x", TEXT)), Type("boolean"))


def asker(who: Who, key: str, value: Value) -> Persona | None:
    return asked_by(ANON, given(who, key), Witness({}, (), {key: value}))


@pytest.mark.parametrize(
    ("who", "key", "value", "claims", "settings"),
    [
        (Who.CLIENT, "user_metadata.role", "staff", {"user_metadata": {"role": "staff"}}, {}),
        (Who.CLIENT, "user_metadata.a\\.b.c", "x", {"user_metadata": {"a.b": {"c": "x"}}}, {}),
        (Who.CLIENT, "user_metadata.role", None, {"user_metadata": {}}, {}),
        (Who.CLIENT, "the e-mail", "a@b.example", {"email": "a@b.example"}, {}),
        (Who.CLIENT, "the provider", "x", {"app_metadata": {"a": 1, "provider": "x"}}, {}),
        (Who.CLIENT, "request.headers.x-role", "staff", {}, {"request.headers": json.dumps({"x-role": "staff"})}),
        (Who.SERVER, "org", "o", {"org": "o"}, {}),
        (Who.SERVER, "app_metadata.org", "o", {"app_metadata": {"a": 1, "org": "o"}}, {}),
        (Who.SERVER, "setting app.tenant", "t", {}, {"app.tenant": "t"}),
        (Who.IDENTITY, "sub", "s", {}, {}),
        (Who.CLOCK, "now", datetime(2026, 1, 1, tzinfo=UTC), {}, {}),
    ],
)
def test_a_request_brings_along_what_the_proof_says(
    who: Who, key: str, value: Value, claims: dict[str, object], settings: dict[str, str]
) -> None:
    found = asker(who, key, value)
    assert found is not None
    assert found.claims == {**ANON.claims, **claims}
    assert found.settings == {**ANON.settings, **settings}
    assert ANON.claims == {"sub": "s", "app_metadata": {"a": 1}}


def test_a_setting_is_never_null_again() -> None:
    assert asker(Who.SERVER, "setting app.tenant", None) is None


def test_moments_are_computed_in_utc() -> None:
    moment = Field(0, 1, 1, "at", Type("timestamp with time zone"), nullable=True)
    found = asked_by(ANON, moment, Witness({}, (), {}))
    assert found is not None
    assert found.settings["TimeZone"] == "UTC"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (Decimal("1.50"), "1.50"),
        ('it\'s "$1" %s', 'it\'s "$1" %s'),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02T03:00:00+00:00"),
        (Endless.FUTURE, "infinity"),
        (Interval(1, 2, 3), "1 mons 2 days 3 microseconds"),
        (Json({"a": [Decimal("1.5"), Decimal(2), None, True]}), {"a": [1.5, 2, None, True]}),
        (["a", None], ["a", None]),
    ],
)
def test_values_are_written_as_the_server_reads_them(value: Value, expected: object) -> None:
    assert row_of(Witness({"c": value}, (), {})) == {"c": expected}


@pytest.mark.parametrize("value", [Json(None), "nul\0"])
def test_what_json_cannot_say_is_no_row(value: Value) -> None:
    assert row_of(Witness({"c": value}, (), {})) is None


def test_only_what_depends_on_row_and_request_alone_is_exact() -> None:
    own = Call(
        "=", (Field(0, 1, 1, "owner", UUID, nullable=True), Given(Who.IDENTITY, "sub", UUID, nullable=False)), TEXT
    )
    assert is_exact(own)
    assert not is_exact(And((own, given(Who.CLOCK, "now"))))
    assert not is_exact(And((own, given(Who.ARGUMENT, "a"))))
    assert not is_exact(And((own, Opaque("f(owner)", "calls f", Type("boolean"), nullable=True))))
