-- What signing up gives: a role that the client names itself, one that only the first user gets, an organisation of one's own.
create type public.app_role as enum ('admin', 'member');
create table public.user_roles (user_id uuid not null, role public.app_role not null, mark text, primary key (user_id, role));
create table public.ranks (user_id uuid primary key, rank text not null, mark text);
create table public.badges (user_id uuid primary key, badge text not null, mark text);
create table public.levels (user_id uuid primary key, level text not null, mark text);
create table public.orgs (id uuid primary key default gen_random_uuid(), mark text);
create table public.members (org_id uuid not null references public.orgs, user_id uuid not null, mark text, primary key (org_id, user_id));
-- What may be NULL and is not, for something stands in where the client says nothing.
create table public.grades (user_id uuid primary key, grade text default 'low', mark text);
alter table public.grades enable row level security;
create policy r on public.grades for select using (user_id = auth.uid());
create table public.by_grade (id uuid primary key, user_id uuid, mark text);
create table public.by_no_grade (id uuid primary key, user_id uuid, mark text);
alter table public.by_grade enable row level security;
alter table public.by_no_grade enable row level security;
create policy p on public.by_grade for select using (exists (select from public.grades r where r.user_id = auth.uid() and r.grade = 'high'));
create policy p on public.by_no_grade for select using (exists (select from public.grades r where r.user_id = auth.uid() and r.grade is null));
alter table public.user_roles enable row level security;
alter table public.ranks enable row level security;
alter table public.badges enable row level security;
alter table public.levels enable row level security;
alter table public.orgs enable row level security;
alter table public.members enable row level security;
create function public.sign_up() returns trigger language plpgsql security definer set search_path = '' as
$$ declare users int; given text; org uuid; level text; begin
  select count(*) into users from public.ranks;
  if users = 0 then given := 'owner'; else given := 'guest'; end if;
  insert into public.ranks (user_id, rank) values (new.id, given);
  insert into public.user_roles (user_id, role) values (new.id, coalesce((new.raw_user_meta_data ->> 'role')::public.app_role, 'member'));
  insert into public.badges (user_id, badge) values (new.id, coalesce(new.raw_user_meta_data ->> 'badge', 'none'));
  insert into public.officers (user_id, kind) values (new.id, coalesce(new.raw_user_meta_data ->> 'kind', 'private'));
  insert into public.grades (user_id, grade) values (new.id, coalesce(new.raw_user_meta_data ->> 'grade', 'low'));
  level := coalesce(new.raw_user_meta_data ->> 'level', 'low');
  if level = 'high' then level := 'low'; end if;
  insert into public.levels (user_id, level) values (new.id, level);
  insert into public.orgs (mark) values (null) returning id into org;
  insert into public.members (org_id, user_id) values (org, new.id);
  return new;
end $$;
-- What it puts in is taken out again, where that is an officer.
create table public.officers (user_id uuid primary key, kind text not null, mark text);
alter table public.officers enable row level security;
create policy r on public.officers for select using (user_id = auth.uid());
create function public.dismiss() returns trigger language plpgsql security definer set search_path = '' as
$$ begin delete from public.officers o where o.user_id = new.user_id and o.kind = 'general'; return null; end $$;
create trigger dismiss after insert on public.officers for each row execute function public.dismiss();
create table public.by_officer (id uuid primary key, user_id uuid, mark text);
alter table public.by_officer enable row level security;
create policy p on public.by_officer for select using (exists (select from public.officers r where r.user_id = auth.uid() and r.kind = 'general'));
create function public.no_gold() returns trigger language plpgsql as
$$ begin if new.badge = 'gold' then raise exception 'no gold'; end if; return new; end $$;
create table public.by_role (id uuid primary key, user_id uuid, mark text);
alter table public.by_role enable row level security;
create policy p on public.by_role for select using (exists (select from public.user_roles r where r.user_id = auth.uid() and r.role = 'admin'));
create table public.by_first (id uuid primary key, user_id uuid, mark text);
alter table public.by_first enable row level security;
create policy p on public.by_first for select using (exists (select from public.ranks r where r.user_id = auth.uid() and r.rank = 'owner'));
create table public.by_level (id uuid primary key, user_id uuid, mark text);
alter table public.by_level enable row level security;
create policy p on public.by_level for select using (exists (select from public.levels r where r.user_id = auth.uid() and r.level = 'high'));
create table public.by_org (id uuid primary key, org_id uuid, mark text);
alter table public.by_org enable row level security;
create policy p on public.by_org for select using (org_id in (select m.org_id from public.members m where m.user_id = auth.uid()));
create policy r on public.user_roles for select using (user_id = auth.uid());
create policy r on public.ranks for select using (user_id = auth.uid());
create policy r on public.levels for select using (user_id = auth.uid());
create policy r on public.members for select using (user_id = auth.uid());
create trigger no_gold before insert on public.badges for each row execute function public.no_gold();
create trigger sign_up after insert on auth.users for each row execute function public.sign_up();
-- @seed
update public.ranks set rank = 'guest' where true;
-- A signs up again, and says what it likes.
delete from public.ranks where user_id = 'aaaaaaaa-0000-4000-8000-000000000001';
delete from public.grades where user_id = 'aaaaaaaa-0000-4000-8000-000000000001';
delete from public.officers where user_id = 'aaaaaaaa-0000-4000-8000-000000000001';
delete from public.levels where user_id = 'aaaaaaaa-0000-4000-8000-000000000001';
delete from public.badges where user_id = 'aaaaaaaa-0000-4000-8000-000000000001';
delete from public.user_roles where user_id = 'aaaaaaaa-0000-4000-8000-000000000001';
delete from public.members where user_id = 'aaaaaaaa-0000-4000-8000-000000000001';
delete from auth.users where id = 'aaaaaaaa-0000-4000-8000-000000000001';
insert into auth.users (id, email, raw_user_meta_data) values ('aaaaaaaa-0000-4000-8000-000000000001', 'a@example.com', '{"role": "admin", "level": "high", "kind": "general", "grade": "high"}');
insert into public.by_role select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.by_first select id, user_id, mark || 'x1' from public.by_role;
insert into public.by_grade select id, user_id, mark || 'x4' from public.by_role;
insert into public.by_no_grade select id, user_id, mark || 'x5' from public.by_role;
insert into public.by_officer select id, user_id, mark || 'x3' from public.by_role;
insert into public.by_level select id, user_id, mark || 'x2' from public.by_role;
insert into public.by_org select format('%s-0000-4000-8000-100000000001', left(m.user_id::text, 8))::uuid, m.org_id, format('[o%s]', m.user_id::text) from public.members m;
update public.user_roles set mark = format('[u%s]', user_id::text) where true;
update public.ranks set mark = format('[r%s]', user_id::text) where true;
update public.officers set mark = format('[f%s]', user_id::text) where true;
update public.grades set mark = format('[g%s]', user_id::text) where true;
update public.levels set mark = format('[l%s]', user_id::text) where true;
update public.members set mark = format('[m%s]', user_id::text) where true;
-- @measures
authenticated public.by_org own none none none
authenticated public.by_role all none none none
authenticated public.by_first none none none none
authenticated public.by_level none none none none
authenticated public.by_officer none none none none
authenticated public.by_grade all none none none
authenticated public.by_no_grade none none none none
