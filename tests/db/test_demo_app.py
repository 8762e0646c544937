"""The demo app does what docs/demo.md says of it: what is wrong there can be exploited, its fixes fix, the rest holds.

Every statement is run by the role that the API would take, in a transaction that is rolled back.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import psycopg
import pytest

from rlsaudit.demo import load
from rlsaudit.engine.supabase import _STEPS, grant_replay_rights, revoke_replay_rights

if TYPE_CHECKING:
    from collections.abc import Iterator

TOP: Final = Path(__file__).parents[2]
PAGE: Final = TOP / "docs" / "demo.md"

Outcome: TypeAlias = int | Literal["done", "denied"]
"""How many rows a statement gave or changed; `done` where a statement that has no count succeeded."""

IDS: Final = {
    "mara": "a0000000-0000-4000-8000-000000000001",
    "jonas": "a0000000-0000-4000-8000-000000000002",
    "theo": "a0000000-0000-4000-8000-000000000003",
    "ines": "a0000000-0000-4000-8000-000000000004",
    "priya": "a0000000-0000-4000-8000-000000000005",
    "stranger": "99999999-9999-4999-8999-999999999999",
    "lehm": "b0000000-0000-4000-8000-000000000001",
    "ofen": "b0000000-0000-4000-8000-000000000002",
    "wheel": "d0000000-0000-4000-8000-000000000001",
    "booking": "e0000000-0000-4000-8000-000000000001",
    "owners": "f0000000-0000-4000-8000-000000000001",
}

# What code refuses with: a missing grant or a policy, a row that the caller's function does not find, and the call of
# a trigger function.
REFUSALS: Final = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.NoDataFound,
    psycopg.errors.FeatureNotSupported,
)


@dataclass(frozen=True, slots=True)
class Case:
    """A persona runs statements; `outcome` is what the last of them comes to."""

    persona: str
    statements: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Fault:
    """What an attacker gets, and what the app's own people still get once docs/demo.md's fix is in."""

    attacks: tuple[Case, ...]
    after_fix: tuple[Case, ...]


AS_STAFF: Final = """
select set_config('request.jwt.claims', '{"sub": "$stranger", "user_metadata": {"role": "staff"}}', true);
select what_happened from public.incident_reports
"""

FAULTS: Final[dict[tuple[str, str], Fault]] = {
    ("rls-off", "public.clients"): Fault(
        attacks=(
            Case("anon", "select email, phone from public.clients", 4),
            Case("anon", "insert into public.clients (studio_id, full_name) values ('$lehm', 'Nobody')", 1),
            Case("anon", "update public.clients set notes = '' where id is not null", 4),
            Case("anon", "delete from public.clients where id is not null", 4),
            Case("stranger", "select email, phone from public.clients", 4),
        ),
        after_fix=(
            Case("theo", "select email from public.clients", 2),
            Case("theo", "insert into public.clients (studio_id, full_name) values ('$lehm', 'Somebody')", 1),
            Case("jonas", "delete from public.clients where id is not null", 2),
        ),
    ),
    ("policy-but-rls-off", "public.invoices"): Fault(
        attacks=(
            Case("anon", "select number, amount_cents from public.invoices", 3),
            Case("anon", "insert into public.invoices (studio_id, number, amount_cents) values ('$lehm', '9', 1)", 1),
            Case("anon", "update public.invoices set status = 'paid' where id is not null", 3),
            Case("anon", "delete from public.invoices where id is not null", 3),
            Case("stranger", "select number, amount_cents from public.invoices", 3),
        ),
        after_fix=(
            Case("theo", "select number from public.invoices", 2),
            Case("theo", "update public.invoices set status = 'void' where id is not null", 0),
            Case("mara", "update public.invoices set status = 'void' where id is not null", 2),
        ),
    ),
    ("child-direct", "public.messages_current"): Fault(
        attacks=(
            Case("anon", "select body from public.messages_current", 2),
            Case(
                "anon",
                "insert into public.messages_current (sender_id, recipient_id, body) values ('$mara', '$ines', 'hi')",
                1,
            ),
            Case("anon", "update public.messages_current set body = '' where id is not null", 2),
            Case("anon", "delete from public.messages_current where id is not null", 2),
            Case("stranger", "select body from public.messages_current", 2),
        ),
        after_fix=(
            Case("ines", "select body from public.messages", 2),
            Case("ines", "insert into public.messages (recipient_id, body) values ('$mara', 'better')", 1),
        ),
    ),
    ("definer-view", "public.open_bookings"): Fault(
        attacks=(
            Case("anon", "select user_id, health_note from public.open_bookings", 3),
            Case("anon", "insert into public.open_bookings (class_id, user_id) values ('$wheel', '$mara')", 1),
            Case("anon", "update public.open_bookings set seats = 9 where id is not null", 3),
            Case("anon", "delete from public.open_bookings where id is not null", 3),
            Case("stranger", "select user_id, health_note from public.open_bookings", 3),
        ),
        after_fix=(
            Case("ines", "select seats from public.open_bookings", 2),
            Case("theo", "select seats from public.open_bookings", 2),
            Case("jonas", "select seats from public.open_bookings", 2),
        ),
    ),
    ("matview", "public.payout_totals"): Fault(
        attacks=(
            Case("anon", "select iban, total_cents from public.payout_totals", 2),
            Case("stranger", "select iban, total_cents from public.payout_totals", 2),
        ),
        after_fix=(
            Case("mara", "select iban from public.my_payout_totals()", 1),
            Case("theo", "select iban from public.my_payout_totals()", 0),
            Case("anon", "select iban from public.my_payout_totals()", 0),
        ),
    ),
    ("tautology", "public.waivers"): Fault(
        attacks=(
            Case("anon", "select medical_conditions from public.waivers", 2),
            Case("anon", "update public.waivers set medical_conditions = 'none' where id is not null", 2),
            Case("stranger", "select medical_conditions from public.waivers", 2),
            Case("stranger", "update public.waivers set medical_conditions = 'none' where id is not null", 2),
        ),
        after_fix=(
            Case("ines", "select medical_conditions from public.waivers", 1),
            Case("ines", "update public.waivers set medical_conditions = 'none' where id is not null", 1),
            Case("ines", "update public.waivers set user_id = '$mara' where id is not null", "denied"),
        ),
    ),
    ("any-authenticated", "public.orders"): Fault(
        attacks=(Case("stranger", "select shipping_address from public.orders", 3),),
        after_fix=(
            Case("ines", "select shipping_address from public.orders", 2),
            Case("priya", "select shipping_address from public.orders", 0),
        ),
    ),
    ("definer-rpc", "public.find_people(text)"): Fault(
        attacks=(
            Case("anon", "select full_name, email, phone, plan from public.find_people('')", 6),
            Case("stranger", "select full_name, email, phone, plan from public.find_people('')", 6),
        ),
        after_fix=(
            Case("mara", "select email from public.find_people('')", 2),
            Case("mara", "select email from public.find_people('oka')", 1),
        ),
    ),
    ("truncate-bypass", "public.activity_log"): Fault(
        attacks=(
            Case("anon", "truncate public.activity_log", "done"),
            Case("stranger", "truncate public.activity_log", "done"),
        ),
        after_fix=(
            Case("ines", "select action from public.activity_log", 1),
            Case("ines", "insert into public.activity_log (action) values ('signed in')", 1),
        ),
    ),
    ("auth-exposure", "public.user_directory"): Fault(
        attacks=(
            Case("anon", "select email, last_sign_in_at from public.user_directory", 6),
            Case("anon", "update public.user_directory set email = 'me@example.com' where id = '$mara'", 1),
            Case("anon", "delete from public.user_directory where id is not null", 6),
            Case("stranger", "select email, last_sign_in_at from public.user_directory", 6),
        ),
        after_fix=(Case("service", "select email from public.user_directory", 6),),
    ),
    ("privilege-column", "public.profiles"): Fault(
        attacks=(
            Case("stranger", "update public.profiles set is_admin = true where id = '$stranger'", 1),
            Case(
                "stranger",
                "update public.profiles set is_admin = true where id is not null; select * from public.support_tickets",
                2,
            ),
        ),
        after_fix=(
            Case("stranger", "update public.profiles set display_name = 'Nobody' where id is not null", 1),
            Case("priya", "select body from public.support_tickets", 2),
        ),
    ),
    ("membership-self-insert", "public.circle_members"): Fault(
        attacks=(
            Case("stranger", "insert into public.circle_members (circle_id) values ('$owners')", 1),
            Case(
                "stranger",
                "insert into public.circle_members (circle_id) values ('$owners');select body from public.circle_posts",
                2,
            ),
        ),
        after_fix=(
            Case("mara", "insert into public.circle_members (circle_id) values ('$owners') on conflict do nothing", 0),
            Case("mara", "delete from public.circle_members where circle_id is not null", 1),
        ),
    ),
    ("storage-bucket-only", "storage.objects"): Fault(
        attacks=(
            Case("stranger", "select name from storage.objects where bucket_id = 'contracts'", 2),
            Case("stranger", "insert into storage.objects (bucket_id, name) values ('contracts', '$lehm/new.pdf')", 1),
            Case("stranger", "update storage.objects set metadata = '{}' where bucket_id = 'contracts'", 2),
        ),
        after_fix=(
            Case("theo", "select name from storage.objects where bucket_id = 'contracts'", 1),
            Case("mara", "insert into storage.objects (bucket_id, name) values ('contracts', '$lehm/new.pdf')", 1),
            Case("mara", "update storage.objects set metadata = '{}' where bucket_id = 'contracts'", 1),
            Case("mara", "update storage.objects set name = '$ofen/x' where bucket_id = 'contracts'", "denied"),
        ),
    ),
    ("user-metadata-claim", "public.incident_reports"): Fault(
        attacks=(Case("stranger", AS_STAFF, 2),),
        after_fix=(
            Case("theo", "select what_happened from public.incident_reports", 1),
            Case("stranger", "select what_happened from public.incident_reports", 0),
        ),
    ),
}

CORRECT: Final[dict[str, tuple[Case, ...]]] = {
    "public.glaze_notes": (
        Case("anon", "select 1 from public.glaze_notes", 0),
        Case("anon", "insert into public.glaze_notes (user_id, title) values ('$mara', 'x')", "denied"),
        Case("stranger", "select 1 from public.glaze_notes", 0),
        Case("stranger", "insert into public.glaze_notes (user_id, title) values ('$mara', 'x')", "denied"),
        Case("stranger", "update public.glaze_notes set title = 'x' where id is not null", 0),
        Case("stranger", "delete from public.glaze_notes where id is not null", 0),
        Case("stranger", "insert into public.glaze_notes (title) values ('mine')", 1),
        Case("mara", "select 1 from public.glaze_notes", 1),
        Case("theo", "select 1 from public.glaze_notes", 2),
        Case("theo", "update public.glaze_notes set title = 'x' where id is not null", 2),
        Case("theo", "update public.glaze_notes set user_id = '$mara' where id is not null", "denied"),
        Case("theo", "delete from public.glaze_notes where id is not null", 2),
    ),
    "public.billing_accounts": (
        Case("anon", "select 1 from public.billing_accounts", "denied"),
        Case("anon", "truncate public.billing_accounts", "denied"),
        Case("stranger", "select email from public.billing_accounts", 1),
        Case("stranger", "update public.billing_accounts set phone = '1' where user_id is not null", 1),
        Case("stranger", "update public.billing_accounts set plan = 'studio' where user_id = '$stranger'", "denied"),
        Case("stranger", "update public.billing_accounts set credit_cents = 9 where user_id = '$stranger'", "denied"),
        Case("stranger", "insert into public.billing_accounts (user_id, email) values ('$mara', 'x')", "denied"),
        Case("stranger", "delete from public.billing_accounts where user_id is not null", "denied"),
        Case("stranger", "truncate public.billing_accounts", "denied"),
        Case("mara", "select email from public.billing_accounts", 1),
    ),
    "public.bookings": (
        Case("anon", "select 1 from public.bookings", 0),
        Case("stranger", "select 1 from public.bookings", 0),
        Case("stranger", "insert into public.bookings (class_id, user_id) values ('$wheel', '$ines')", "denied"),
        Case("stranger", "insert into public.bookings (class_id) values ('$wheel')", 1),
        Case("stranger", "update public.bookings set seats = 9", 0),
        Case("stranger", "delete from public.bookings", 0),
        Case("ines", "select 1 from public.bookings", 2),
        Case("ines", "update public.bookings set seats = 9 where id is not null", 0),
    ),
    "public.cancel_booking(uuid)": (
        Case("anon", "select public.cancel_booking('$booking')", "denied"),
        Case("stranger", "select public.cancel_booking('$booking')", "denied"),
        Case("ines", "select public.cancel_booking('$booking')", 1),
        Case(
            "ines",
            "select public.cancel_booking('$booking'); select 1 from public.bookings where cancelled_at is not null",
            1,
        ),
    ),
    "public.my_bookings": (
        Case("anon", "select 1 from public.my_bookings", 0),
        Case("stranger", "select 1 from public.my_bookings", 0),
        Case("ines", "select 1 from public.my_bookings", 2),
    ),
    "public.studios": (
        Case("anon", "select 1 from public.studios", 0),
        Case("stranger", "select 1 from public.studios", 0),
        Case("stranger", "insert into public.studios (name) values ('Mine')", "denied"),
        Case("stranger", "update public.studios set name = 'Mine'", 0),
        Case("stranger", "delete from public.studios", 0),
        Case("theo", "select 1 from public.studios", 1),
        Case("theo", "update public.studios set name = 'Mine' where id is not null", 0),
        Case("mara", "update public.studios set name = 'Lehm II' where id is not null", 1),
    ),
    "public.studio_members": (
        Case("anon", "select 1 from public.studio_members", 0),
        Case("stranger", "select 1 from public.studio_members", 0),
        Case("stranger", "insert into public.studio_members values ('$lehm', '$stranger', 'owner')", "denied"),
        Case("stranger", "delete from public.studio_members", 0),
        Case("theo", "select 1 from public.studio_members", 2),
        Case("theo", "insert into public.studio_members values ('$lehm', '$ines', 'staff')", "denied"),
        Case("theo", "update public.studio_members set role = 'owner'", 0),
        Case("jonas", "insert into public.studio_members values ('$lehm', '$jonas', 'owner')", "denied"),
        Case("mara", "insert into public.studio_members values ('$lehm', '$ines', 'staff')", 1),
        Case("mara", "delete from public.studio_members where user_id = '$theo'", 1),
    ),
    "public.firings": (
        Case("anon", "select 1 from public.firings", 0),
        Case("stranger", "select 1 from public.firings", 0),
        Case(
            "stranger", "insert into public.firings (studio_id, cone, peak_celsius) values ('$lehm', '6', 1)", "denied"
        ),
        Case("stranger", "update public.firings set cone = '1'", 0),
        Case("stranger", "delete from public.firings", 0),
        Case("theo", "select 1 from public.firings", 2),
        Case("theo", "insert into public.firings (studio_id, cone, peak_celsius) values ('$lehm', '6', 1)", 1),
        Case("theo", "update public.firings set studio_id = '$ofen' where id is not null", "denied"),
        Case("theo", "delete from public.firings where id is not null", 2),
    ),
    "public.payouts": (
        Case("anon", "select 1 from public.payouts", 0),
        Case("stranger", "select 1 from public.payouts", 0),
        Case(
            "stranger", "insert into public.payouts (studio_id, iban, amount_cents) values ('$lehm', 'x', 1)", "denied"
        ),
        Case("theo", "select 1 from public.payouts", 0),
        Case("mara", "select 1 from public.payouts", 2),
        Case("mara", "update public.payouts set amount_cents = 9", 0),
        Case("service", "select 1 from public.payouts", 3),
    ),
    "public.is_studio_member(uuid)": (
        Case("anon", "select 1 where public.is_studio_member('$lehm')", 0),
        Case("stranger", "select 1 where public.is_studio_member('$lehm')", 0),
        Case("theo", "select 1 where public.is_studio_member('$lehm')", 1),
        Case(
            "stranger",
            "create temp table studio_members as select '$lehm'::uuid studio_id, '$stranger'::uuid user_id;"
            "select 1 where public.is_studio_member('$lehm')",
            0,
        ),
    ),
    "public.is_studio_owner(uuid)": (
        Case("stranger", "select 1 where public.is_studio_owner('$lehm')", 0),
        Case("theo", "select 1 where public.is_studio_owner('$lehm')", 0),
        Case("mara", "select 1 where public.is_studio_owner('$lehm')", 1),
    ),
    "public.create_studio(text)": (
        Case("anon", "select public.create_studio('Mine')", "denied"),
        Case("stranger", "select public.create_studio('Mine'); select 1 from public.studios", 1),
        Case("stranger", "select public.create_studio('Mine'); select 1 from public.payouts", 0),
    ),
    "public.studio_revenue(uuid)": (
        Case("anon", "select public.studio_revenue('$lehm')", "denied"),
        Case("stranger", "select public.studio_revenue('$lehm')", "denied"),
        Case("theo", "select public.studio_revenue('$lehm')", "denied"),
        Case("jonas", "select public.studio_revenue('$lehm')", "denied"),
        Case("mara", "select 1 where public.studio_revenue('$lehm') = 9500", 1),
    ),
    "public.handle_new_user()": (
        Case("anon", "select public.handle_new_user()", "denied"),
        # The stranger signed up with {"is_admin": true} in the metadata.
        Case("stranger", "select 1 from public.profiles", 1),
        Case("stranger", "select 1 from public.profiles where is_admin", 0),
    ),
    "public.classes": (
        Case("anon", "select 1 from public.classes", 2),
        Case("anon", "select 1 from public.classes where not published", 0),
        Case("anon", "update public.classes set price_cents = 0 where id is not null", 0),
        Case("stranger", "select 1 from public.classes where not published", 0),
        Case(
            "stranger",
            "insert into public.classes (studio_id, title, starts_at, price_cents) values ('$lehm', 'x', now(), 1)",
            "denied",
        ),
        Case("stranger", "update public.classes set price_cents = 0 where id is not null", 0),
        Case("stranger", "delete from public.classes where id is not null", 0),
        Case("theo", "select 1 from public.classes", 3),
        Case("theo", "update public.classes set published = true where id is not null", 2),
        Case("theo", "update public.classes set studio_id = '$ofen' where id is not null", "denied"),
        Case("theo", "delete from public.classes where id is not null", 0),
        Case("mara", "delete from public.classes where id is not null", 2),
    ),
    "public.messages": (
        Case("anon", "select 1 from public.messages", 0),
        Case("stranger", "select 1 from public.messages", 0),
        Case(
            "stranger",
            "insert into public.messages (sender_id, recipient_id, body) values ('$mara', '$ines', 'x')",
            "denied",
        ),
        Case("stranger", "update public.messages set body = 'x'", 0),
        Case("stranger", "delete from public.messages", 0),
        Case("ines", "select 1 from public.messages", 2),
        Case("theo", "select 1 from public.messages", 1),
    ),
    "public.messages_archive": (
        Case("anon", "select 1 from public.messages_archive", 0),
        Case("ines", "select 1 from public.messages_archive", 0),
        Case(
            "stranger",
            "insert into public.messages_archive (sender_id, recipient_id, body, sent_at)"
            " values ('$stranger', '$ines', 'x', '2025-01-01')",
            "denied",
        ),
        Case("stranger", "delete from public.messages_archive", 0),
    ),
    "public.circles": (
        Case("anon", "select 1 from public.circles", 0),
        Case("stranger", "select 1 from public.circles", 2),
        Case("stranger", "select 1 from public.circles where not listed", 0),
        Case("stranger", "insert into public.circles (name) values ('x')", "denied"),
        Case("stranger", "update public.circles set name = 'x' where id is not null", 0),
        Case("stranger", "delete from public.circles where id is not null", 0),
    ),
    "public.circle_posts": (
        Case("anon", "select 1 from public.circle_posts", 0),
        Case("stranger", "select 1 from public.circle_posts", 0),
        Case("stranger", "insert into public.circle_posts (circle_id, body) values ('$owners', 'x')", "denied"),
        Case("mara", "select 1 from public.circle_posts", 2),
        Case("mara", "insert into public.circle_posts (circle_id, body) values ('$owners', 'x')", 1),
        Case(
            "mara",
            "insert into public.circle_posts (circle_id, author_id, body) values ('$owners', '$jonas', 'x')",
            "denied",
        ),
        Case("theo", "select 1 from public.circle_posts", 1),
    ),
    "public.support_tickets": (
        Case("anon", "select 1 from public.support_tickets", 0),
        Case("stranger", "select 1 from public.support_tickets", 0),
        Case(
            "stranger",
            "insert into public.support_tickets (user_id, subject, body) values ('$mara', 'x', 'x')",
            "denied",
        ),
        Case("stranger", "delete from public.support_tickets", 0),
        Case("ines", "select 1 from public.support_tickets", 1),
        Case("priya", "select 1 from public.support_tickets", 2),
    ),
    "public.payment_events": (
        Case("anon", "select 1 from public.payment_events", 0),
        Case("stranger", "select 1 from public.payment_events", 0),
        Case("stranger", "insert into public.payment_events (id, payload) values ('evt_3', '{}')", "denied"),
        Case("stranger", "update public.payment_events set payload = '{}'", 0),
        Case("stranger", "delete from public.payment_events", 0),
        Case("service", "select 1 from public.payment_events", 2),
        Case("service", "insert into public.payment_events (id, payload) values ('evt_3', '{}')", 1),
    ),
    "portfolio": (
        Case("anon", "select 1 from storage.objects where bucket_id = 'portfolio'", 0),
        Case("stranger", "select 1 from storage.objects where bucket_id = 'portfolio'", 0),
        Case("stranger", "insert into storage.objects (bucket_id, name) values ('portfolio', '$ines/x')", "denied"),
        Case("stranger", "insert into storage.objects (bucket_id, name) values ('portfolio', '$stranger/x')", 1),
        Case("stranger", "update storage.objects set metadata = '{}' where bucket_id = 'portfolio'", 0),
        Case("ines", "select 1 from storage.objects where bucket_id = 'portfolio'", 1),
        Case("ines", "update storage.objects set metadata = '{}' where bucket_id = 'portfolio'", 1),
        Case("ines", "update storage.objects set name = '$theo/vase.jpg' where bucket_id = 'portfolio'", "denied"),
    ),
}


class App:
    """A database with the demo app, in which a stranger has just signed up."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection

    def run(self, persona: str, statements: str) -> list[Outcome]:
        """Run statements as the API would for a persona, and undo them."""
        role = {"anon": "anon", "service": "service_role"}.get(persona, "authenticated")
        claims = {"role": role} | ({"sub": IDS[persona]} if role == "authenticated" else {})
        with self.connection.transaction(force_rollback=True):
            self.connection.execute("set local session authorization authenticator")
            self.connection.execute(
                "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true)",
                (role, json.dumps(claims)),
            )
            try:
                # A block of its own, so that a refusal leaves the transaction usable.
                with self.connection.transaction():
                    return _outcomes(self.connection.execute(statements.encode()))
            except REFUSALS:
                return ["denied"]

    def last(self, case: Case) -> Outcome:
        """What the last statement of a case comes to."""
        return self.run(case.persona, Template(case.statements).substitute(IDS))[-1]

    def fix(self, statements: str) -> None:
        """Run a migration as `postgres`, as the app's owner would."""
        with self.connection.transaction():
            grant_replay_rights(self.connection)
            self.connection.execute("set local role postgres")
            self.connection.execute(statements.encode())
            self.connection.execute("set local role none")
            revoke_replay_rights(self.connection)

    def column(self, query: str) -> set[Any]:
        """The first column of a query, as superuser."""
        return {row[0] for row in self.connection.execute(query.encode())}


def _outcomes(cursor: psycopg.Cursor[Any]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    while True:
        count = len(cursor.fetchall()) if cursor.description else cursor.rowcount
        outcomes.append(count if count >= 0 else "done")
        if not cursor.nextset():
            return outcomes


@dataclass(frozen=True, slots=True)
class Section:
    """One fault as docs/demo.md tells it."""

    persona: str
    attack: str
    fix: str
    requests: tuple[str, ...]


def _sections() -> dict[tuple[str, str], Section]:
    """The faults of docs/demo.md, by rule and object."""
    wrong = PAGE.read_text("utf-8").partition("## What is wrong\n")[2].partition("\n## What is right\n")[0]
    sections = {}
    for text in re.split(r"^### ", wrong, flags=re.MULTILINE)[1:]:
        heading = re.match(r"\d+\. `([a-z-]+)` · `([^`]+)`\n", text)
        attack = re.findall(r'```sql title="attack as (\w+)"\n(.*?)```', text, flags=re.DOTALL)
        fix = re.findall(r'```sql title="fix"\n(.*?)```', text, flags=re.DOTALL)
        assert heading, text
        assert len(attack) == len(fix) == 1, text
        requests = tuple(re.findall(r"/rest/v1/(?:rpc/)?(\w+)", text))
        sections[heading[1], heading[2]] = Section(
            persona=attack[0][0], attack=attack[0][1], fix=fix[0], requests=requests
        )
    return sections


def _correct_objects() -> list[str]:
    """The objects in the table of docs/demo.md's second part."""
    return re.findall(r"^\| `([^`]+)` \|", PAGE.read_text("utf-8").partition("\n## What is right\n")[2], re.MULTILINE)


SECTIONS: Final = _sections()


@pytest.fixture
def app(supabase_database: str) -> Iterator[App]:
    with psycopg.connect(supabase_database, autocommit=True) as connection:
        load(connection)
        connection.execute(
            "insert into auth.users (id, aud, role, email, raw_user_meta_data)"
            " values (%s, 'authenticated', 'authenticated', 'stranger@example.com', %s)",
            (IDS["stranger"], json.dumps({"name": "A stranger", "is_admin": True})),
        )
        yield App(connection)


def test_every_fault_on_the_page_is_tested_and_every_tested_fault_is_on_the_page() -> None:
    assert list(SECTIONS) == list(FAULTS)


def test_every_correct_object_on_the_page_is_tested_and_every_tested_one_is_on_the_page() -> None:
    objects = _correct_objects()
    assert len(objects) == len(set(objects))
    assert sorted(objects) == sorted(CORRECT)


@pytest.mark.parametrize("fault", FAULTS, ids=" ".join)
def test_a_fault_is_exploitable_until_the_fix_of_the_page_is_in(app: App, fault: tuple[str, str]) -> None:
    section, attacks, after_fix = SECTIONS[fault], FAULTS[fault].attacks, FAULTS[fault].after_fix

    assert {case: app.last(case) for case in attacks} == {case: case.outcome for case in attacks}
    assert not {0, "denied"} & set(app.run(section.persona, section.attack))

    app.fix(section.fix)

    assert {case for case in attacks if app.last(case) not in (0, "denied")} == set()
    assert app.run(section.persona, section.attack)[-1] in (0, "denied")
    assert {case: app.last(case) for case in after_fix} == {case: case.outcome for case in after_fix}


def test_what_is_right_stays_closed_to_strangers_and_open_to_its_owners(app: App) -> None:
    cases = [case for some in CORRECT.values() for case in some]
    assert {case: app.last(case) for case in cases} == {case: case.outcome for case in cases}


def test_all_fixes_together_leave_what_is_right_as_it_was(app: App) -> None:
    for section in SECTIONS.values():
        app.fix(section.fix)

    cases = [case for some in CORRECT.values() for case in some]
    assert {case: app.last(case) for case in cases} == {case: case.outcome for case in cases}
    attacks = [case for fault in FAULTS.values() for case in fault.attacks]
    assert {case for case in attacks if app.last(case) not in (0, "denied")} == set()


def test_truncate_by_anon_empties_the_log_that_anon_cannot_read(app: App) -> None:
    assert app.run("anon", "select * from public.activity_log") == [0]
    assert app.run("anon", "delete from public.activity_log") == [0]
    with app.connection.transaction(force_rollback=True):
        app.connection.execute("set local role anon")
        app.connection.execute("truncate public.activity_log")
        app.connection.execute("set local role none")
        assert app.column("select count(*) from public.activity_log") == {0}


def test_truncate_is_granted_on_every_table_but_the_one_with_column_grants(app: App) -> None:
    refused = app.column(
        "select oid::regclass::text from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"
        " and not has_table_privilege('anon', oid, 'truncate')"
    )
    assert refused == {"billing_accounts"}


def test_the_page_tells_of_every_object_of_the_app(app: App) -> None:
    objects = app.column(
        "select format('%I.%I', 'public', relname) from pg_class"
        " where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm')"
        " union all select format('public.%s', oid::regprocedure) from pg_proc"
        " where pronamespace = 'public'::regnamespace"
    )
    assert objects == {name for _, name in SECTIONS} - {"storage.objects"} | set(CORRECT) - {"portfolio"}
    assert app.column("select id from storage.buckets") == {"portfolio", "contracts"}


def test_the_page_sends_requests_to_objects_that_exist(app: App) -> None:
    names = app.column(
        "select relname from pg_class where relnamespace = 'public'::regnamespace"
        " union all select proname from pg_proc where pronamespace = 'public'::regnamespace"
    )
    requested = {name for section in SECTIONS.values() for name in section.requests}
    assert requested
    assert requested <= names


def test_every_table_and_view_has_rows_of_several(app: App) -> None:
    relations = app.column(
        "select oid::regclass::text from pg_class"
        " where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm')"
    )
    for relation in relations - {"messages_archive"}:
        counted = app.column(f"select count(*) >= 2 from {relation}")
        assert counted == {True}, relation


def test_the_app_belongs_to_postgres_which_is_left_without_the_services_roles(app: App) -> None:
    owners = app.column("select relowner::regrole::text from pg_class where relnamespace = 'public'::regnamespace")
    assert owners == {"postgres"}
    assert app.column("select pg_has_role('postgres', 'supabase_storage_admin', 'member')") == {False}
    assert app.column("select current_user::text || ' ' || session_user::text") == {
        f"{app.connection.info.user} {app.connection.info.user}"
    }


def test_the_compose_file_s_init_script_runs_the_bootstrap_in_the_same_order_and_roles() -> None:
    script = (TOP / "docker" / "init.sh").read_text("utf-8")
    steps = [
        (step, role)
        for role, names in re.findall(r"^  as (\w+) (\d.*)$", script, re.MULTILINE)
        for step in names.split()
    ]
    assert steps == list(_STEPS)
    assert "as postgres" in script
