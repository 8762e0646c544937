"""Settings that a policy reads as a key to one row, and those by which it asks who somebody is."""

from __future__ import annotations

import pytest

from rlsaudit.policy.capability import keys_of

HELD = "current_setting('app.token'::text, true)"


@pytest.mark.parametrize(
    ("condition", "keys"),
    [
        (f"token = {HELD}", {"app.token"}),
        (f"{HELD}::uuid = notes.token::uuid", {"app.token"}),
        (f"token = (select nullif({HELD}, '')::uuid)", {"app.token"}),
        (f"owner = auth.uid() or token = {HELD}", {"app.token"}),
        (f"exists (select 1 from links l where l.note_id = notes.id and l.token = {HELD})", {"app.token"}),
        ("token = shown()", {"app.shown"}),
        (f"tenant = {HELD}", set()),
        (f"token <> {HELD}", set()),
        (f"token = {HELD} or {HELD} = 'all'", set()),
        ("token = shown() or shown() is null", set()),
        (f"token = {HELD} and tenant = current_setting('app.tenant')", {"app.token"}),
        ("no SQL at", set()),
    ],
)
def test_keys(condition: str, keys: set[str]) -> None:
    by_function: dict[tuple[str, ...], frozenset[str]] = {("shown",): frozenset({"app.shown"})}
    found = keys_of(condition, lambda one: one == "token", lambda name: by_function.get(name, frozenset()))
    assert found == keys
