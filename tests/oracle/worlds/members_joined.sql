-- Members asked for through joins, unions and groups; the members and organisations can be read by everybody.
create table public.orgs (id uuid primary key, mark text);
alter table public.orgs add column open boolean not null default false;
alter table public.orgs enable row level security;
create table public.members (org_id uuid not null references public.orgs, user_id uuid not null references auth.users, mark text,
  primary key (org_id, user_id));
alter table public.members enable row level security;
create policy see on public.members for select using (true);
create policy see on public.orgs for select using (true);
create table public.guests (org_id uuid, user_id uuid, mark text, primary key (org_id, user_id));
alter table public.guests enable row level security;
create policy own on public.guests for select using (user_id = auth.uid());
create table public.by_left (id uuid primary key, org_id uuid not null references public.orgs, mark text);
alter table public.by_left enable row level security;
create policy p on public.by_left using (exists (select from public.orgs o left join public.members m on m.org_id = o.id and m.user_id = auth.uid() where o.id = by_left.org_id));
create table public.by_left_known (id uuid primary key, org_id uuid, mark text);
alter table public.by_left_known enable row level security;
create policy p on public.by_left_known using (exists (select from public.orgs o left join public.members m on m.org_id = o.id and m.user_id = auth.uid() where o.id = by_left_known.org_id and m.user_id is not null));
create table public.by_join (id uuid primary key, org_id uuid, mark text);
alter table public.by_join enable row level security;
create policy p on public.by_join using (exists (select from public.orgs o join public.members m on m.org_id = o.id where o.id = by_join.org_id and m.user_id = auth.uid()));
create table public.by_union (id uuid primary key, org_id uuid, mark text);
alter table public.by_union enable row level security;
create policy p on public.by_union using (org_id in (select org_id from public.members where user_id = auth.uid() union select org_id from public.guests where user_id = auth.uid()));
create table public.by_union_all_orgs (id uuid primary key, org_id uuid, mark text);
alter table public.by_union_all_orgs enable row level security;
create policy p on public.by_union_all_orgs using (org_id in (select org_id from public.members where user_id = auth.uid() union all select id from public.orgs where open));
create table public.by_except (id uuid primary key, org_id uuid, mark text);
alter table public.by_except enable row level security;
create policy p on public.by_except using (org_id in (select org_id from public.members except select org_id from public.guests));
create table public.by_group (id uuid primary key, org_id uuid, mark text);
alter table public.by_group enable row level security;
create policy p on public.by_group using (org_id in (select org_id from public.members group by org_id having bool_or(user_id = auth.uid())));
-- @seed
insert into public.orgs select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, format('[o%s]', o) from unnest(array['a', 'b', 'c']) o;
update public.orgs set open = mark = '[oc]';
insert into public.members select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, format('[m%s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.guests select org_id, user_id, mark || 'g' from public.members where mark = '[ma]';
insert into public.by_left select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.by_left_known select id, org_id, mark || 'x1' from public.by_left;
insert into public.by_join select id, org_id, mark || 'x2' from public.by_left;
insert into public.by_union select id, org_id, mark || 'x3' from public.by_left;
insert into public.by_union_all_orgs select id, org_id, mark || 'x4' from public.by_left;
insert into public.by_except select id, org_id, mark || 'x5' from public.by_left;
insert into public.by_group select id, org_id, mark || 'x6' from public.by_left;
-- @measures
anon public.by_except all all all all
anon public.by_left all all all all
anon public.by_union_all_orgs some some some some
anon public.members all none none none
anon public.orgs all none none none
authenticated public.by_except all all all all
authenticated public.by_group own own own own
authenticated public.by_join own own own own
authenticated public.by_left all all all all
authenticated public.by_left_known own own own own
authenticated public.by_union own own own own
authenticated public.by_union_all_orgs some some some some
authenticated public.guests own none none none
authenticated public.members all none none none
authenticated public.orgs all none none none
