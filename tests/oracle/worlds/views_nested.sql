-- Views over views in every mix of owner's and invoker's rights.
create table public.notes (id uuid primary key, user_id uuid, mark text, published boolean not null default false);
alter table public.notes enable row level security;
create policy own on public.notes to authenticated using (user_id = auth.uid());
create view public.d as select * from public.notes;
create view public.i with (security_invoker = on) as select * from public.notes;
create view public.d_over_i as select * from public.i;
create view public.i_over_d with (security_invoker = true) as select * from public.d;
create view public.i_over_i with (security_invoker) as select id, mark from public.i where published;
create view public.d_over_d as select id, user_id, mark from public.d where published;
create schema inner_views;
create view inner_views.v as select * from public.notes;
create view public.i_over_closed with (security_invoker = on) as select * from inner_views.v;
create view public.d_over_closed as select * from inner_views.v;
create table public.unread (id uuid primary key, user_id uuid, mark text);
revoke all on public.unread from anon, authenticated;
create view public.i_unread with (security_invoker = on) as select * from public.unread;
create view public.d_unread as select id, mark from public.unread;
create view public.d_over_i_unread as select * from public.i_unread;
revoke select on public.d_over_i_unread from anon;
create view public.renamed with (security_invoker = on) as select id as key, mark as text, user_id as who from public.notes where not published;
create view public.over_renamed as select key, text from public.renamed where who = auth.uid();
-- @seed
insert into public.notes select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n), n = 2
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.unread select id, user_id, mark || 'u' from public.notes;
