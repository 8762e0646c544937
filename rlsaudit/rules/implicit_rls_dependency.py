"""implicit-rls-dependency: a policy that asks nobody who they are, and leaves that to the policies of another table."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rlsaudit.model import Evidence, EvidenceKind, ObjectRef, Operation, Reach, Severity
from rlsaudit.names import ident, literal, remark
from rlsaudit.policy.narrowed import narrowed
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.ownership import is_callers, owner_column
from rlsaudit.rules.rewritten import rewrite
from rlsaudit.rules.rule import Example, Found, Rule, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Policy, Relation
    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields policies that only the row-level security of the tables that they read ties to whoever asks."""
    for relation in case.exposed:
        policies = [one for one in case.catalog.policies[relation.oid] if _reads_others(case, one)]
        if not relation.rls or relation.extension is not None or not policies:
            continue
        told = set[int]()
        for flaw in case.flaws.depending(relation, policies):
            if flaw.policy.oid not in told and _opens_something(case, relation, flaw.policy):
                told.add(flaw.policy.oid)
                yield _found(case, relation, flaw.policy, flaw.because)


def _reads_others(case: Case, policy: Policy) -> bool:
    """Whether a policy reads another table under row-level security: else it cannot depend on it."""
    others = {one.relation for one in policy.columns} - {policy.relation}
    return any(one in case.catalog.relations and case.catalog.relations[one].rls for one in others)


def _opens_something(case: Case, relation: Relation, policy: Policy) -> bool:
    for persona in case.personas:
        role = case.role(persona).oid
        for operation in Operation:
            cell = case.cell(persona, relation, operation)
            if cell is None or cell.at_most is Reach.NONE or not case.access.rls_applies(role, relation):
                continue
            if policy in case.access.policies(role, relation, operation):
                return True
    return False


def _found(case: Case, relation: Relation, policy: Policy, because: str) -> Found:
    identity = case.catalog.identity(relation)
    name = literal(identity).strip()
    texts = "pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)"
    question = f"select polname, {texts} from pg_policy where polrelid = {name}::regclass"
    return Found(
        finding(
            RULE,
            ObjectRef("policy", f"{identity}.{ident(policy.name)}"),
            Who("public", "all", Reach.OWN, Reach.OWN),
            title=f'Policy "{policy.name}" on {identity} leans on the policies of another table',
            message=f'Policy "{policy.name}" {because}. Whoever widens those opens {identity} as well.',
            evidence=Evidence(EvidenceKind.CATALOG, (question,), because),
            fix=_asking(case, relation, policy),
            relations=[identity],
        )
    )


def _asking(case: Case, relation: Relation, policy: Policy) -> str:
    """Has the policy ask in its subqueries who is calling, where columns of the other tables tell whose rows are."""
    others = dict.fromkeys(one.relation for one in policy.columns if one.relation != relation.oid)
    tables = [case.catalog.relations[oid] for oid in others if oid in case.catalog.relations]
    columns = {one.oid: owner_column(case, one) for one in tables}

    def asked(text: str) -> str:
        for one in tables:
            if (column := columns[one.oid]) is not None:
                name = (case.catalog.schema_name(one), one.name)
                text = narrowed(text, name, partial(is_callers, column)) or text
        return text

    by_hand = remark("Ask in the policy's subquery as well who is calling: and user_id = (select auth.uid())")
    return by_hand if None in columns.values() else rewrite(case, relation, policy, asked) or by_hand


_TEAMS = """
            create table public.members (team_id uuid not null, user_id uuid not null, primary key (team_id, user_id));
            create table public.plans (id bigint primary key, team_id uuid not null, body text);
            alter table public.members enable row level security;
            alter table public.plans enable row level security;
            create policy "own" on public.members for select to authenticated using (user_id = (select auth.uid()));"""

RULE = Rule(
    id="implicit-rls-dependency",
    severity=Severity.LOW,
    summary="A policy asks nobody who they are: only the policies of the table that it reads do.",
    why=(
        "`team_id in (select team_id from members)` is right as long as everybody sees their own memberships only. The "
        "day on which members may see each other, or somebody switches row-level security off to try something, the "
        "rows of all teams are everybody's, and nothing in the policy says why. It is low, because it holds today."
    ),
    fix="Say who is calling: `select m.team_id from members m where m.user_id = (select auth.uid())`.",
    fine="Where one policy is meant to follow another, as that of a comment follows its post. Then leave it.",
    bad=(
        Example(
            "Teams, of whomever",
            f"""{_TEAMS}
            create policy "the team" on public.plans for select to authenticated
              using (team_id in (select m.team_id from public.members m));
            """,
        ),
        Example(
            "EXISTS",
            f"""{_TEAMS}
            create policy "the team" on public.plans for delete to authenticated
              using (exists (select from public.members m where m.team_id = plans.team_id));
            """,
        ),
    ),
    good=(
        Example(
            "The caller is named",
            f"""{_TEAMS}
            create policy "the team" on public.plans for select to authenticated
              using (team_id in (select m.team_id from public.members m where m.user_id = (select auth.uid())));
            """,
        ),
        Example(
            "A helper that names the caller",
            f"""{_TEAMS}
            create function public.my_teams() returns setof uuid
              language sql stable security definer set search_path = ''
              as 'select m.team_id from public.members m where m.user_id = (select auth.uid())';
            create policy "the team" on public.plans for select to authenticated
              using (team_id in (select public.my_teams()));
            """,
        ),
        Example(
            "The row names its owner",
            f"""{_TEAMS}
            alter table public.plans add user_id uuid not null;
            create policy "own" on public.plans for select to authenticated using (user_id = (select auth.uid()));
            """,
        ),
    ),
    check=check,
    turn=Turn.POLICIES,
)
