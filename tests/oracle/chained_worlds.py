"""Random worlds for chains: organisations, members, documents, with policies that ask for one another."""

from __future__ import annotations

import random

from oracle.chained import Chained
from oracle.world import A

_ROLE = "role text not null default 'member'"
_MINE = "user_id = auth.uid()"
_OF_OWN = "org_id in (select o.id from public.orgs o where o.owner = auth.uid())"
_CHECKS = (
    _MINE,
    f"{_MINE} and role = 'member'",
    f"{_MINE} and {_OF_OWN}",
    _OF_OWN,
    "true",
    "public.is_member(org_id)",
    f"{_MINE} and public.is_admin(org_id)",
    "role <> 'admin'",
    f"{_MINE} and org_id in (select o.id from public.orgs o where o.open)",
)
_USES = (_MINE, "public.is_member(org_id)", "public.is_admin(org_id)", "role = 'admin'", "true")
_ORGS = ("owner = auth.uid()", "owner is null", "public.is_admin(id)", "public.is_member(id)", "true")
_DOCS = (
    "public.is_member(org_id)",
    "public.is_admin(org_id)",
    f"org_id in (select m.org_id from public.members m where m.{_MINE})",
    f"exists (select from public.members m where m.{_MINE} and m.role = 'admin')",
    f"exists (select from public.members m where m.org_id = docs.org_id and m.{_MINE} and m.role = 'admin')",
    _OF_OWN,
    "org_id in (select o.id from public.orgs o where o.open)",
    f"not exists (select from public.members m where m.{_MINE} and m.role = 'member')",
    f"(select m.role from public.members m where m.{_MINE} limit 1) = 'admin'",
)
_FUNCTIONS = f"""
create function public.is_member(org uuid) returns boolean language sql stable security definer set search_path = '' as
'select exists (select 1 from public.members m where m.org_id = org and m.{_MINE})';
create function public.is_admin(org uuid) returns boolean language sql stable security definer set search_path = '' as
'select exists (select 1 from public.members m where m.org_id = org and m.{_MINE} and m.role = ''admin'')';
"""


def random_chained(seed: int) -> Chained:
    """Returns the world of a seed; the documents are of every content that its columns can have."""
    picked = random.Random(seed)  # noqa: S311  the same worlds each time
    key = picked.choice(("primary key (org_id, user_id)", "primary key (user_id)", "unique (org_id, user_id)"))
    pointing = picked.choice((" references public.orgs", ""))
    always = picked.choice((" not null", ""))
    parts = [
        "create table public.orgs (id uuid primary key, owner uuid, open boolean not null default false);",
        f"create table public.members (org_id uuid not null{pointing}, user_id uuid not null, {_ROLE}, {key});",
        f"create table public.docs (id uuid primary key, org_id uuid{always}{pointing}, mark text);",
        _FUNCTIONS,
        *(f"alter table public.{one} enable row level security;" for one in ("orgs", "members", "docs")),
        f"create policy s on public.members for select to authenticated using ({_MINE});",
        f"create policy s on public.orgs for select to authenticated using ({picked.choice(_ORGS)});",
        f"create policy p on public.docs to authenticated using ({picked.choice(_DOCS)});",
    ]
    if picked.random() < 0.8:
        parts.append(
            f"create policy i on public.members for insert to authenticated with check ({picked.choice(_CHECKS)});"
        )
    if picked.random() < 0.6:
        check = f" with check ({picked.choice(_CHECKS)})" if picked.random() < 0.7 else ""
        parts.append(
            f"create policy u on public.members for update to authenticated using ({picked.choice(_USES)}){check};"
        )
    if picked.random() < 0.5:
        parts.append(f"create policy i on public.orgs for insert to authenticated with check ({picked.choice(_ORGS)});")
    if picked.random() < 0.4:
        parts.append(f"create policy u on public.orgs for update to authenticated using ({picked.choice(_ORGS)});")
    if picked.random() < 0.3:
        parts.append("revoke update on public.members from anon, authenticated;")
        parts.append(f"grant update ({picked.choice(('role', 'org_id'))}) on public.members to authenticated;")
    orgs = [f"{letter * 8}-0000-4000-8000-200000000001" for letter in "abc"]
    rows = [
        f"insert into auth.users (id, email) values ('{A}', 'a@example.com');",
        f"insert into public.orgs values ('{orgs[0]}', '{A}'), ('{orgs[1]}', null), ('{orgs[2]}', '{A}');",
        f"update public.orgs set open = true where id = '{orgs[1]}';",
        f"insert into public.members values ('{orgs[0]}', '{A}', 'admin');",
        "insert into public.docs select gen_random_uuid(), id, left(id::text, 3) from public.orgs;",
    ]
    if not always:
        rows.append("insert into public.docs values (gen_random_uuid(), null, 'of nobody');")
    return Chained(f"random {seed}", "\n".join(parts), "\n".join(rows), ("admin", "member"), ())
