-- Rights of others, met on the way: a definer function behind an ordinary one, behind a view, a policy or a trigger;
-- a trigger below what a definer function writes; a rule whose statement returns rows.
create schema private;
grant usage on schema private to authenticated;
create table public.behind_function (id uuid primary key, user_id uuid, mark text);
alter table public.behind_function enable row level security;
create function private.inner_read() returns setof text language sql security definer set search_path = '' as 'select mark from public.behind_function';
create function public.outer_read() returns setof text language sql as 'select * from private.inner_read()';
create schema closed;
create table public.behind_view (id uuid primary key, user_id uuid, mark text);
alter table public.behind_view enable row level security;
create function closed.view_read() returns setof text language sql security definer set search_path = '' as 'select mark from public.behind_view';
create view public.shows as select found as mark from closed.view_read() found;
create view public.shows_again with (security_invoker = on) as select mark from public.shows;
create table public.behind_policy (id uuid primary key, user_id uuid, mark text);
alter table public.behind_policy enable row level security;
create table public.asked (id uuid primary key, user_id uuid, mark text);
alter table public.asked enable row level security;
create function public.note_reader() returns boolean language plpgsql security definer set search_path = '' as
$$ begin insert into public.behind_policy values (gen_random_uuid(), auth.uid(), 'read'); return false; end $$;
create policy a on public.asked for select using (public.note_reader());
create table public.behind_trigger (id uuid primary key, user_id uuid, mark text);
alter table public.behind_trigger enable row level security;
create table public.fires (id uuid primary key, user_id uuid, mark text);
create function private.trigger_delete() returns void language sql security definer set search_path = '' as 'delete from public.behind_trigger';
create function public.fire() returns trigger language plpgsql as $$ begin perform private.trigger_delete(); return null; end $$;
create trigger t after insert on public.fires for each row execute function public.fire();
create table public.written (id uuid primary key, user_id uuid, mark text);
alter table public.written enable row level security;
create table public.behind_written (id uuid primary key, user_id uuid, mark text);
alter table public.behind_written enable row level security;
create function public.follow() returns trigger language plpgsql as $$ begin delete from public.behind_written; return null; end $$;
create trigger t after update on public.written for each row execute function public.follow();
create function public.touch_written() returns void language sql security definer set search_path = '' as 'update public.written set mark = mark || ''!''';
create table public.parent_of (id uuid primary key, user_id uuid, mark text);
alter table public.parent_of enable row level security;
create table public.child_of (primary key (id)) inherits (public.parent_of);
alter table public.child_of enable row level security;
create function public.read_child() returns setof text language sql security definer set search_path = '' as 'select mark from public.child_of';
create table public.alone (id uuid primary key, user_id uuid, mark text);
alter table public.alone enable row level security;
create table public.returns_rows (id uuid primary key, user_id uuid, mark text);
create table public.behind_rule (id uuid primary key, user_id uuid, mark text);
alter table public.behind_rule enable row level security;
create rule r as on delete to public.returns_rows do instead select mark from public.behind_rule;
-- @seed
insert into public.behind_function select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.behind_view select id, user_id, mark || 'v' from public.behind_function;
insert into public.behind_policy select id, user_id, mark || 'p' from public.behind_function;
insert into public.asked select id, user_id, mark || 'a' from public.behind_function;
insert into public.behind_trigger select id, user_id, mark || 't' from public.behind_function;
insert into public.written select id, user_id, mark || 'w' from public.behind_function;
insert into public.behind_written select id, user_id, mark || 'x' from public.behind_function;
insert into public.parent_of select id, user_id, mark || 'q' from public.behind_function;
insert into public.child_of select id, user_id, mark || 'c' from public.behind_function;
insert into public.alone select id, user_id, mark || 'l' from public.behind_function;
insert into public.returns_rows select id, user_id, mark || 'r' from public.behind_function;
insert into public.behind_rule select id, user_id, mark || 's' from public.behind_function;
set session_replication_role = replica;
insert into public.fires select id, user_id, mark || 'f' from public.behind_function;
reset session_replication_role;
-- @calls
select * from public.outer_read()
select public.touch_written()
select * from public.read_child()
