"""membership-self-insert: a row that somebody puts in for itself opens what other policies ask such a row for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Operation, Severity
from rlsaudit.rules.by_chain import found_by_chain
from rlsaudit.rules.rule import Example, Found, Rule, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields tables into which somebody puts a row that lets it in elsewhere."""
    yield from found_by_chain(case, RULE, Operation.INSERT)


_TEAMS = """
            create table public.teams (id uuid primary key default gen_random_uuid(), name text);
            create table public.members (team_id uuid not null references public.teams, user_id uuid not null,
              role text not null default 'member', primary key (team_id, user_id));
            create table public.plans (id bigint primary key, team_id uuid not null references public.teams, body text);
            alter table public.teams enable row level security;
            alter table public.members enable row level security;
            alter table public.plans enable row level security;
            create policy "own memberships" on public.members for select to authenticated
              using (user_id = (select auth.uid()));
            create policy "the team" on public.plans to authenticated
              using (team_id in (select m.team_id from public.members m where m.user_id = (select auth.uid())));"""

RULE = Rule(
    id="membership-self-insert",
    severity=Severity.CRITICAL,
    summary="Anybody puts itself into the table of members, and passes every policy that asks for a membership.",
    why=(
        "`with check (user_id = auth.uid())` looks right: one adds nobody but oneself. But it says nothing of the "
        "team, so that one POST makes the attacker a member of any team whose id is known, and ids are in every shared "
        "link. All policies that ask for the membership are open from then on."
    ),
    fix=(
        "Nobody adds itself. Let members with the right to do so add others, or have a SECURITY DEFINER function "
        "accept an invitation: it looks the token up, and puts in the row for `auth.uid()`."
    ),
    fine=(
        "Groups that everybody may join. Then their rows are everybody's who is signed in: declare them with "
        '`select = "all"` or `"some"`. Where a row of one\'s own opens no more than some rows of others, and nothing '
        "private in them, it may be meant like that, and is told at medium."
    ),
    bad=(
        Example(
            "Members who add themselves",
            f"""{_TEAMS}
            create policy "join" on public.members for insert to authenticated
              with check (user_id = (select auth.uid()));
            """,
        ),
        Example(
            "By a policy for all commands",
            f"""{_TEAMS}
            create policy "mine" on public.members to authenticated using (user_id = (select auth.uid()));
            """,
        ),
        Example(
            "Through a helper that asks for the membership",
            """
            create table public.circles (id uuid primary key default gen_random_uuid());
            create table public.circle_members (circle_id uuid not null references public.circles,
              user_id uuid not null, primary key (circle_id, user_id));
            create table public.posts (id bigint primary key, circle_id uuid not null references public.circles);
            alter table public.circles enable row level security;
            alter table public.circle_members enable row level security;
            alter table public.posts enable row level security;
            create function public.in_circle(circle uuid) returns boolean
              language sql stable security definer set search_path = '' as $$
                select exists (select from public.circle_members m
                  where m.circle_id = circle and m.user_id = (select auth.uid())) $$;
            create policy "read" on public.posts for select to authenticated using (public.in_circle(circle_id));
            create policy "leave" on public.circle_members for delete to authenticated
              using (user_id = (select auth.uid()));
            create policy "join" on public.circle_members for insert to authenticated
              with check (user_id = (select auth.uid()));
            """,
        ),
    ),
    good=(
        Example("Memberships that somebody else gives", _TEAMS),
        Example(
            "Owners of a team add others",
            f"""{_TEAMS}
            create function public.owns(team uuid) returns boolean
              language sql stable security definer set search_path = '' as $$
                select exists (select from public.members m
                  where m.team_id = team and m.user_id = (select auth.uid()) and m.role = 'owner') $$;
            create policy "add" on public.members for insert to authenticated with check (public.owns(team_id));
            """,
        ),
        Example(
            "An invitation that a function accepts",
            f"""{_TEAMS}
            create table public.invitations (token_hash bytea primary key, team_id uuid not null);
            alter table public.invitations enable row level security;
            revoke all on public.invitations from anon, authenticated;
            create function public.accept(secret text) returns void
              language plpgsql security definer set search_path = '' as $$
                declare team uuid;
                begin
                  delete from public.invitations i where i.token_hash = sha256(secret::bytea)
                    returning i.team_id into team;
                  if team is null or auth.uid() is null then
                    raise exception 'no such invitation';
                  end if;
                  insert into public.members (team_id, user_id) values (team, auth.uid());
                end $$;
            revoke execute on function public.accept(text) from public, anon, authenticated;
            """,
        ),
        Example(
            "A row of one's own that opens nothing else",
            """
            create table public.likes (post_id bigint, user_id uuid not null, primary key (post_id, user_id));
            alter table public.likes enable row level security;
            create policy "mine" on public.likes to authenticated
              using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
            """,
        ),
    ),
    check=check,
    turn=Turn.POLICIES,
)
