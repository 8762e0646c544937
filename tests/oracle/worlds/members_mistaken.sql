-- Helpers that miss: swapped and ignored arguments, an argument behind a column of its name, no right to look.
create table public.orgs (id uuid primary key, mark text);
alter table public.orgs enable row level security;
create table public.members (org_id uuid not null references public.orgs, user_id uuid not null references auth.users, mark text,
  primary key (org_id, user_id));
alter table public.members enable row level security;
create function public.is_member_of(org uuid, who uuid) returns boolean language sql stable security definer set search_path = '' as
'select exists (select from public.members m where m.org_id = org and m.user_id = who)';
create function public.is_any_member(org uuid) returns boolean language sql stable security definer set search_path = '' as
'select exists (select from public.members m where m.user_id = auth.uid())';
create function public.is_there(org uuid, who uuid) returns boolean language sql stable security definer set search_path = '' as
'select exists (select from public.members m where m.org_id = org)';
create function public.is_shadowed(org_id uuid) returns boolean language sql stable security definer set search_path = '' as
'select exists (select from public.members m where m.org_id = org_id and m.user_id = auth.uid())';
create function public.is_member_invoker(org uuid) returns boolean language sql stable set search_path = '' as
'select exists (select from public.members m where m.org_id = org and m.user_id = auth.uid())';
create function public.my_role(org uuid) returns text language sql stable security definer set search_path = '' as
'select ''member'' from public.members m where m.org_id = org and m.user_id = auth.uid()';
create table public.swapped (id uuid primary key, org_id uuid, mark text);
alter table public.swapped enable row level security;
create policy p on public.swapped using (public.is_member_of(auth.uid(), org_id));
create table public.ignored (id uuid primary key, org_id uuid, mark text);
alter table public.ignored enable row level security;
create policy p on public.ignored using (public.is_any_member(org_id));
create table public.ignored_me (id uuid primary key, org_id uuid, mark text);
alter table public.ignored_me enable row level security;
create policy p on public.ignored_me using (public.is_there(org_id, auth.uid()));
create table public.shadowed_argument (id uuid primary key, org_id uuid, mark text);
alter table public.shadowed_argument enable row level security;
create policy p on public.shadowed_argument using (public.is_shadowed(org_id));
create table public.unread (id uuid primary key, org_id uuid, mark text);
alter table public.unread enable row level security;
create policy p on public.unread using (public.is_member_invoker(org_id));
create table public.not_a_member (id uuid primary key, org_id uuid, mark text);
alter table public.not_a_member enable row level security;
create policy p on public.not_a_member using (not public.is_member_of(org_id, auth.uid()));
create table public.null_is_yes (id uuid primary key, org_id uuid, mark text);
alter table public.null_is_yes enable row level security;
create policy p on public.null_is_yes using (coalesce(public.my_role(org_id) <> 'banned', true));
-- @seed
insert into public.orgs select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, format('[o%s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.members select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, format('[m%s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.swapped select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.ignored select id, org_id, mark || 'x1' from public.swapped;
insert into public.ignored_me select id, org_id, mark || 'x2' from public.swapped;
insert into public.ignored_me values ('cccccccc-0000-4000-8000-100000000090', null, '[nc9]x2');
insert into public.shadowed_argument select id, org_id, mark || 'x3' from public.swapped;
insert into public.unread select id, org_id, mark || 'x4' from public.swapped;
insert into public.not_a_member select id, org_id, mark || 'x5' from public.swapped;
insert into public.null_is_yes select id, org_id, mark || 'x6' from public.swapped;
-- @measures
anon public.ignored_me some some some some
anon public.not_a_member all all all all
anon public.null_is_yes all all all all
authenticated public.ignored all all all all
authenticated public.ignored_me some some some some
authenticated public.members none none none none
authenticated public.not_a_member all all all all
authenticated public.null_is_yes all all all all
authenticated public.orgs none none none none
authenticated public.shadowed_argument all all all all
authenticated public.swapped none none none none
authenticated public.unread none none none none
