-- Members of an organisation, asked for in every way that policies have.
create table public.orgs (id uuid primary key, mark text);
alter table public.orgs enable row level security;
create table public.members (org_id uuid not null references public.orgs, user_id uuid not null references auth.users, mark text,
  primary key (org_id, user_id));
alter table public.members enable row level security;
create policy own on public.members for select using (user_id = auth.uid());
create policy see on public.orgs for select using (id in (select org_id from public.members where user_id = auth.uid()));
create table public.by_exists (id uuid primary key, org_id uuid, mark text);
alter table public.by_exists enable row level security;
create policy p on public.by_exists using (exists (select 1 from public.members m where m.org_id = by_exists.org_id and m.user_id = auth.uid()));
create table public.by_in (id uuid primary key, org_id uuid, mark text);
alter table public.by_in enable row level security;
create policy p on public.by_in using (org_id in (select org_id from public.members where user_id = (select auth.uid())));
create table public.by_count (id uuid primary key, org_id uuid, mark text);
alter table public.by_count enable row level security;
create policy p on public.by_count using ((select count(*) from public.members m where m.org_id = by_count.org_id and m.user_id = auth.uid()) > 0);
create table public.by_scalar (id uuid primary key, org_id uuid, mark text);
alter table public.by_scalar enable row level security;
create policy p on public.by_scalar using (org_id = (select m.org_id from public.members m where m.user_id = auth.uid() limit 1));
create table public.by_user (id uuid primary key, org_id uuid, mark text);
alter table public.by_user enable row level security;
create policy p on public.by_user using (auth.uid() in (select m.user_id from public.members m where m.org_id = by_user.org_id));
create table public.by_array (id uuid primary key, org_id uuid, mark text);
alter table public.by_array enable row level security;
create policy p on public.by_array using (org_id = any (array(select m.org_id from public.members m where m.user_id = auth.uid())));
create table public.by_row (id uuid primary key, org_id uuid, mark text);
alter table public.by_row enable row level security;
create policy p on public.by_row using ((org_id, auth.uid()) in (select m.org_id, m.user_id from public.members m));
-- @seed
insert into public.orgs select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, format('[o%s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.members select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, format('[m%s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.by_exists select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.by_in select id, org_id, mark || 'x1' from public.by_exists;
insert into public.by_count select id, org_id, mark || 'x2' from public.by_exists;
insert into public.by_scalar select id, org_id, mark || 'x3' from public.by_exists;
insert into public.by_user select id, org_id, mark || 'x4' from public.by_exists;
insert into public.by_array select id, org_id, mark || 'x5' from public.by_exists;
insert into public.by_row select id, org_id, mark || 'x6' from public.by_exists;
-- @measures
authenticated public.by_array own own own own
authenticated public.by_count own own own own
authenticated public.by_exists own own own own
authenticated public.by_in own own own own
authenticated public.by_row own own own own
authenticated public.by_scalar own own own own
authenticated public.by_user own own own own
authenticated public.members own none none none
authenticated public.orgs own none none none
