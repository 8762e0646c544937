"""matview: a materialized view holds a copy of rows, and row-level security cannot be put on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.access.views import reads_through
from rlsaudit.model import Operation, Reach, Severity
from rlsaudit.rules.auth_exposure import exposes_auth
from rlsaudit.rules.build import finding, worst
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.shown import hidden_rows, origins
from rlsaudit.rules.wording import listed, who_can

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields materialized views that a persona reads beyond intent."""
    for view in case.exposed:
        if view.kind != "m" or view.extension is not None or exposes_auth(case, view):
            continue
        cells = case.beyond(view, [Operation.SELECT])
        if not cells:
            continue
        personas = [case.persona(one.persona) for one in cells]
        closed = {one.oid: one for persona in personas for one in _closed(case, persona, view)}
        identity = case.catalog.identity(view)
        bases = [one.relation for one in reads_through(case.access, view, view.owner)]
        names = [case.catalog.identity(one) for one in closed.values()]
        instead = f", where rows of {listed(names)} are that the tables keep back" if names else ""
        yield Found(
            finding(
                RULE,
                case.ref(view),
                worst(cells),
                title=f"Materialized view {identity} is open, and cannot have row-level security",
                message=f"{who_can(cells)} of {identity}{instead}: a copy has no policies.",
                evidence=case.evidence(cells, view),
                fix=f"revoke all on {identity} from {', '.join(case.holders(personas, view.acl, 'SELECT'))};",
                relations=[identity, *(case.catalog.identity(one) for one in bases)],
                severity=Severity.HIGH if closed else Severity.MEDIUM,
            ),
            case.claims([view], case.led_by(identity, bases)),
        )


def _closed(case: Case, persona: Persona, view: Relation) -> Iterator[Relation]:
    """The tables of which the copy shows rows, or may show rows, that the persona does not read there."""
    shown = {oid for oid, _ in origins(case, view)}
    chain = case.views.chain(persona, view.owner, view)
    for oid in sorted(shown):
        base = case.catalog.relations[oid]
        reach = case.addressed(persona, base, Operation.SELECT)
        if reach is Reach.ALL:
            continue
        within = chain is not None and chain.base.oid == oid and reach is not Reach.NONE
        if within and chain is not None and hidden_rows(case, persona, chain) is Reach.NONE:
            continue
        yield base


_PAYOUTS = """
            create table public.payouts (id bigint primary key, user_id uuid, iban text, amount numeric);
            alter table public.payouts enable row level security;
            create policy "own payouts" on public.payouts to authenticated using ((select auth.uid()) = user_id);
            insert into public.payouts values (1, gen_random_uuid(), 'DE00', 10);"""

RULE = Rule(
    id="matview",
    severity=Severity.HIGH,
    summary="The API serves a materialized view: a copy of rows that no policy can protect.",
    why=(
        "A materialized view was filled with the rights of its owner, past all policies, and Postgres has no row-level "
        "security for it. By default the API roles may read it, and so everybody reads everybody's rows."
    ),
    fix=(
        "Revoke it from the API roles. Serve it through a function or a view that asks who calls, or move it to a "
        "schema that the API does not serve."
    ),
    fine=(
        "A copy of what everybody may read anyway, or numbers that are meant for everybody: it is a medium finding "
        "where its tables are open. Declare it in the intent file."
    ),
    bad=(
        Example(
            "Totals for each account",
            f"""{_PAYOUTS}
            create materialized view public.payout_totals as
              select user_id, iban, sum(amount) as total from public.payouts group by user_id, iban;
            """,
        ),
        Example(
            "Through a view",
            f"""{_PAYOUTS}
            create view public.large_payouts with (security_invoker = on) as
              select * from public.payouts where amount > 5;
            create materialized view public.report as select * from public.large_payouts;
            revoke all on public.report from anon;
            """,
        ),
    ),
    good=(
        Example(
            "Revoked",
            f"""{_PAYOUTS}
            create materialized view public.payout_totals as
              select user_id, sum(amount) as total from public.payouts group by user_id;
            revoke all on public.payout_totals from anon, authenticated;
            """,
        ),
        Example(
            "In a schema that the API does not serve",
            f"""{_PAYOUTS}
            create schema reports;
            create materialized view reports.payout_totals as
              select user_id, sum(amount) as total from public.payouts group by user_id;
            """,
        ),
        Example(
            "Served by a function that asks who calls",
            f"""{_PAYOUTS}
            create materialized view public.payout_totals as
              select user_id, sum(amount) as total from public.payouts group by user_id;
            revoke all on public.payout_totals from anon, authenticated;
            create function public.my_totals() returns setof public.payout_totals
              language sql stable security definer set search_path = ''
              as 'select * from public.payout_totals where user_id = (select auth.uid())';
            """,
        ),
    ),
    check=check,
)
