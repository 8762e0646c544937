"""beyond-intent: reach that exceeds what was meant, and that no other rule has a name for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Severity
from rlsaudit.rules.build import finding, worst
from rlsaudit.rules.flawed import flawed
from rlsaudit.rules.reached import (
    evidence,
    is_unexplained,
    mended,
    met_by_client,
    opening,
    outside,
    private,
    severity,
    told,
)
from rlsaudit.rules.rule import Example, Found, Rule, Turn
from rlsaudit.rules.wording import listed, who_can

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Cell
    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields what a persona reaches further than intended, where no other finding says why: relations by name."""
    for relation in case.exposed:
        if relation.extension is not None:
            continue
        cells = [one for one in case.beyond(relation) if is_unexplained(case, relation, one)]
        if not cells:
            continue
        identity = case.catalog.identity(relation)
        yield Found(
            finding(
                RULE,
                case.ref(relation),
                worst(cells),
                title=f"{identity} is reached further than intended",
                message=(
                    f"{who_can(cells)} of {identity}{private(case, relation, cells)}: "
                    f"{_because(case, relation, cells)}{outside(cells)}"
                ),
                evidence=evidence(case, relation, cells),
                fix=mended(case, relation, cells, opening(case, relation, cells)),
                relations=[identity],
                severity=max(severity(case, relation, one) for one in cells),
            ),
            case.claims([], cells),
        )


def _because(case: Case, relation: Relation, cells: list[Cell]) -> str:
    asked = dict.fromkeys(text for one in cells for text in met_by_client(case, relation, one))
    if asked:
        return f"it takes {listed(list(asked))}, which a client can bring about by itself."
    policies = opening(case, relation, cells)
    if policies:
        return f"by {listed([told(one) for one in policies])}.{flawed(case, relation, policies, cells)}"
    return f"{cells[0].because}."


_REPORTS = """
            create table public.reports (id bigint primary key, user_id uuid not null, body text, public boolean);
            alter table public.reports enable row level security;
            insert into public.reports values (1, gen_random_uuid(), 'a', true), (2, gen_random_uuid(), 'b', false);"""

RULE = Rule(
    id="beyond-intent",
    severity=Severity.CRITICAL,
    summary="Somebody reaches rows further than was meant, by policies that say so.",
    why=(
        "Every policy may look right by itself. Together, or against what you declared, they let somebody read or "
        "write rows that are not meant for them, by a condition on the row's content that strangers' rows meet, as a "
        "rule. Where the flaw has a name of its own, another rule tells of it."
    ),
    fix=("Compare the matrix with what you mean. Narrow the policy that is named, or make it restrictive."),
    fine=(
        'Rows that are meant for everybody, `published = true`. Declare them, with `select = "some"`, and the finding '
        "is gone; as long as nothing is declared, reading such rows is a medium finding."
    ),
    bad=(
        Example(
            "More than what is declared",
            f"""{_REPORTS}
            create policy "own" on public.reports for select to authenticated using ((select auth.uid()) = user_id);
            """,
            intent="""
            [[allow]]
            relation = "public.reports"
            persona = "authenticated"
            select = "none"
            """,
        ),
        Example(
            "Published rows: medium, for it may be meant",
            f"""{_REPORTS}
            create policy "published" on public.reports for select using (public);
            """,
        ),
    ),
    good=(
        Example(
            "Own rows",
            f"""{_REPORTS}
            create policy "own" on public.reports to authenticated
              using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
            """,
        ),
        Example(
            "A role that the server gives",
            f"""{_REPORTS}
            create policy "staff" on public.reports for select to authenticated
              using ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'staff');
            """,
        ),
        Example(
            "Two conditions that must both hold",
            f"""{_REPORTS}
            create policy "published" on public.reports for select to authenticated using (public);
            create policy "own" on public.reports as restrictive for select using ((select auth.uid()) = user_id);
            """,
        ),
        Example(
            "A folder for each user",
            """
            insert into storage.buckets (id, name) values ('portfolio', 'portfolio');
            create policy "own folder" on storage.objects to authenticated
              using (bucket_id = 'portfolio' and (storage.foldername(name))[1] = (select auth.uid())::text)
              with check (bucket_id = 'portfolio' and (storage.foldername(name))[1] = (select auth.uid())::text);
            """,
        ),
    ),
    check=check,
    turn=Turn.REST,
)
