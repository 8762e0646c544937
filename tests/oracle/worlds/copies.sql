-- Rules and triggers that copy, move or hide rows; statement triggers with transition tables; rules with conditions.
create table public.inbox (id uuid primary key, user_id uuid, mark text);
create table public.outbox (id uuid primary key, user_id uuid, mark text);
create table public.moved (id uuid primary key, user_id uuid, mark text);
create table public.ruled (id uuid primary key, user_id uuid, mark text);
create table public.cond (id uuid primary key, user_id uuid, mark text);
create table public.stmt (id uuid primary key, user_id uuid, mark text);
create table public.whenned (id uuid primary key, user_id uuid, mark text);
create table public.copy_by_trigger (id uuid primary key, user_id uuid, mark text);
alter table public.copy_by_trigger enable row level security;
create table public.copy_by_rule (id uuid primary key, user_id uuid, mark text);
alter table public.copy_by_rule enable row level security;
create table public.copy_by_stmt (id uuid primary key, user_id uuid, mark text);
alter table public.copy_by_stmt enable row level security;
create table public.copy_by_view (id uuid primary key, user_id uuid, mark text);
alter table public.copy_by_view enable row level security;
create table public.copy_mine (id uuid primary key, user_id uuid, mark text);
alter table public.copy_mine enable row level security;
create table public.moved_to (id uuid primary key, user_id uuid, mark text);
alter table public.moved_to enable row level security;
create table public.cond_to (id uuid primary key, user_id uuid, mark text);
alter table public.cond_to enable row level security;
create policy a on public.copy_by_trigger for select using (true);
create policy a on public.copy_mine for select using (user_id = auth.uid());
create function public.copy() returns trigger language plpgsql security definer set search_path = '' as
$$ begin insert into public.copy_by_trigger values (gen_random_uuid(), new.user_id, new.mark); return new; end $$;
create trigger t after insert on public.inbox for each row execute function public.copy();
create rule r as on insert to public.outbox do also insert into public.copy_by_rule select gen_random_uuid(), user_id, mark from public.copy_by_view limit 1;
create function public.copy_stmt() returns trigger language plpgsql security definer set search_path = '' as
$$ begin insert into public.copy_by_stmt select gen_random_uuid(), n.user_id, n.mark from n; return null; end $$;
create trigger t after update on public.stmt referencing new table as n for each statement execute function public.copy_stmt();
create function public.copy_own() returns trigger language plpgsql security definer set search_path = '' as
$$ begin insert into public.copy_mine values (gen_random_uuid(), auth.uid(), new.mark); return new; end $$;
create trigger t before insert on public.whenned for each row when (new.mark is not null) execute function public.copy_own();
create rule m as on delete to public.moved where old.user_id is null do also insert into public.moved_to values (old.id, old.user_id, old.mark);
create rule c as on update to public.cond where old.user_id is not null do instead update public.cond_to set mark = new.mark where id = old.id;
create rule s as on insert to public.ruled where new.user_id is null do instead nothing;
create view public.instead_view as select id, user_id, mark from public.copy_by_view;
create function public.into_view() returns trigger language plpgsql as $$ begin insert into public.copy_by_view values (new.id, new.user_id, new.mark); return new; end $$;
create trigger t instead of insert on public.instead_view for each row execute function public.into_view();
-- @seed
set session_replication_role = replica;
insert into public.inbox select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.outbox select id, user_id, mark || 'x1' from public.inbox;
insert into public.moved select id, user_id, mark || 'x2' from public.inbox;
insert into public.ruled select id, user_id, mark || 'x3' from public.inbox;
insert into public.cond select id, user_id, mark || 'x4' from public.inbox;
insert into public.stmt select id, user_id, mark || 'x5' from public.inbox;
insert into public.whenned select id, user_id, mark || 'x6' from public.inbox;
insert into public.copy_by_trigger select id, user_id, mark || 'x7' from public.inbox;
insert into public.copy_by_rule select id, user_id, mark || 'x8' from public.inbox;
insert into public.copy_by_stmt select id, user_id, mark || 'x9' from public.inbox;
insert into public.copy_by_view select id, user_id, mark || 'x10' from public.inbox;
insert into public.copy_mine select id, user_id, mark || 'x11' from public.inbox;
insert into public.moved_to select id, user_id, mark || 'x12' from public.inbox;
insert into public.cond_to select id, user_id, mark || 'x13' from public.inbox;
reset session_replication_role;
delete from public.copy_by_rule where mark not like '%x8';
insert into public.ruled select id, user_id, mark || 'z' from public.inbox where false;
