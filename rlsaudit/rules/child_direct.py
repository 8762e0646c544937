"""child-direct: a partition or child table that is open when addressed by its own name, below a protected parent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Operation, Reach, Severity
from rlsaudit.names import ident
from rlsaudit.rules.build import finding, worst
from rlsaudit.rules.opened import opened
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import who_can

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Cell, Persona
    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields children that a persona reaches further by their own name than by that of a protected ancestor."""
    for child in case.exposed:
        if child.kind not in "rp" or child.extension is not None:
            continue
        ancestors = list(_ancestors(case, child))
        # Policies of its own without RLS are policy-but-rls-off; with RLS, what each lets through is told of it.
        if not ancestors or (case.catalog.policies[child.oid] and not child.rls) or list(opened(case, child)):
            continue
        cells = [one for one in case.beyond(child) if _is_laxer(case, case.persona(one.persona), child, ancestors, one)]
        if not cells:
            continue
        identity, parent = case.catalog.identity(child), case.catalog.identity(ancestors[0])
        claimed = case.claims([child], case.led_by(identity, ancestors))
        roles = ", ".join(dict.fromkeys(ident(one.role) for one in cells))
        yield Found(
            finding(
                RULE,
                case.ref(child),
                worst(cells),
                title=f"{identity} is open beside the policies of {parent}",
                message=(
                    f"{who_can(cells)} by naming {identity} itself: the policies of {parent} apply only to statements "
                    f"that name {parent}."
                ),
                evidence=case.evidence(cells, child),
                fix=f"revoke all on {identity} from {roles};"
                if child.rls
                else f"alter table {identity} enable row level security;",
                relations=[identity, *(case.catalog.identity(one) for one in ancestors)],
                severity=Severity.HIGH if child.rls else Severity.CRITICAL,
            ),
            claimed,
        )


def is_as_open_as_parent(case: Case, persona: Persona, child: Relation, operation: Operation) -> bool:
    """Whether a protected ancestor opens the same anyway, so that what is wrong there explains the child."""
    reach = case.addressed(persona, child, operation)
    return any(
        case.direct.way(persona, one, operation).at_least >= reach > Reach.NONE for one in _ancestors(case, child)
    )


def _is_laxer(case: Case, persona: Persona, child: Relation, ancestors: list[Relation], cell: Cell) -> bool:
    reach = case.way(cell, child).at_least
    role = case.role(persona).oid
    applying = [one for one in ancestors if case.access.rls_applies(role, one)]
    return (
        reach > cell.intended
        and bool(applying)
        and all(reach > case.direct.way(persona, one, cell.operation).at_least for one in applying)
    )


def _ancestors(case: Case, relation: Relation) -> Iterator[Relation]:
    """The ancestors that have RLS, the nearest first."""
    waiting, seen = list(case.catalog.parents[relation.oid]), set[int]()
    while waiting:
        oid = waiting.pop(0)
        if oid not in seen and oid in case.catalog.relations:
            seen.add(oid)
            waiting.extend(case.catalog.parents[oid])
            if case.catalog.relations[oid].rls:
                yield case.catalog.relations[oid]


_PARENT = """
            create table public.messages (id bigint, user_id uuid not null, body text, at date not null)
              partition by range (at);
            alter table public.messages enable row level security;
            create policy "own messages" on public.messages to authenticated
              using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
            create table public.messages_2026 partition of public.messages
              for values from ('2026-01-01') to ('2027-01-01');"""

RULE = Rule(
    id="child-direct",
    severity=Severity.CRITICAL,
    summary="A partition or child table is open under its own name, although its parent is protected.",
    why=(
        "A parent's policies apply to statements that name the parent. The API serves each partition and each "
        "inheritance child under its own name too, and there only the child's own row-level security counts: "
        "`GET /rest/v1/messages_2026` has every row that `GET /rest/v1/messages` keeps back."
    ),
    fix=(
        "Enable row-level security on the child. Without policies of its own it is closed when it is addressed "
        "directly, and statements on the parent work as before. Do it wherever partitions are made."
    ),
    fine="Where the child's rows are public although the parent's are not. Then declare the reach in the intent file.",
    bad=(
        Example(
            "A partition without row-level security",
            f"""{_PARENT}
            insert into public.messages values (1, gen_random_uuid(), 'hello', '2026-02-03');
            """,
        ),
        Example(
            "A table that inherits",
            """
            create table public.people (id bigint, user_id uuid, name text);
            alter table public.people enable row level security;
            create policy "own row" on public.people to authenticated using ((select auth.uid()) = user_id);
            create table public.patients (insurance_number text) inherits (public.people);
            """,
        ),
        Example(
            "A partition of a partition",
            """
            create table public.logs (user_id uuid, level text, at date) partition by list (level);
            alter table public.logs enable row level security;
            create table public.logs_error partition of public.logs for values in ('error') partition by range (at);
            alter table public.logs_error enable row level security;
            create table public.logs_error_2026 partition of public.logs_error
              for values from ('2026-01-01') to ('2027-01-01');
            """,
        ),
    ),
    good=(
        Example(
            "Enabled on the partition, which needs no policy",
            f"""{_PARENT}
            alter table public.messages_2026 enable row level security;
            """,
        ),
        Example(
            "No grants on the partition",
            f"""{_PARENT}
            revoke all on public.messages_2026 from anon, authenticated;
            """,
        ),
        Example(
            "Partitions in a schema that the API does not serve",
            """
            create schema partitions;
            create table public.messages (id bigint, user_id uuid not null, at date not null) partition by range (at);
            alter table public.messages enable row level security;
            create policy "own messages" on public.messages to authenticated using ((select auth.uid()) = user_id);
            create table partitions.messages_2026 partition of public.messages
              for values from ('2026-01-01') to ('2027-01-01');
            """,
        ),
    ),
    check=check,
)
