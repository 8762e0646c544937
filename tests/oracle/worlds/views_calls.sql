-- Views that call functions which the caller may not: in a column, in a filter, below another view.
create table public.notes (id uuid primary key, user_id uuid, mark text);
alter table public.notes enable row level security;
create function public.shout(t text) returns text language sql immutable as 'select upper(t)';
create function public.fine(t text) returns boolean language sql immutable as 'select t is not null';
revoke execute on function public.shout(text), public.fine(text) from public, anon, authenticated;
create view public.loud as select id, mark, public.shout(mark) as loud from public.notes;
create view public.over_loud as select id, mark from public.loud;
create view public.fine_ones as select id, mark from public.notes where public.fine(mark);
create view public.over_fine as select mark from public.fine_ones;
create view public.folded as select id, mark from public.notes where true or public.fine(mark);
create view public.joined as select a.mark, public.shout(b.mark) as loud from public.notes a join public.notes b using (id);
create view public.mine as select mark, public.shout(mark) as loud from public.notes where user_id = auth.uid();
create view public.in_case as select mark from public.notes where case when mark is null then public.fine(mark) else true end;
create view public.loud_i with (security_invoker = on) as select mark, public.shout(mark) as loud from public.notes;
-- @seed
insert into public.notes select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
