-- Gates that everybody passes who signed up: a profile of one's own, as a trigger makes it. A, B and C have one; whom an audit makes up has none.
create table public.profiles (id uuid primary key references auth.users, role text not null default 'user', is_active boolean not null default true,
  banned boolean not null default false, mark text);
alter table public.profiles enable row level security;
create policy own on public.profiles for select using (id = auth.uid());
create function public.is_active() returns boolean language plpgsql stable security definer set search_path = '' as
$$ declare active boolean; begin
  select p.is_active into active from public.profiles p where p.id = auth.uid();
  return coalesce(active, false);
end $$;
create function public.make_profile() returns trigger language plpgsql security definer set search_path = '' as
$$ begin insert into public.profiles (id, mark) values (new.id, '[p' || left(new.id::text, 1) || ']'); return new; end $$;
create trigger make_profile after insert on auth.users for each row execute function public.make_profile();
create table public.by_profile (id uuid primary key, user_id uuid, mark text, published boolean not null default false);
alter table public.by_profile enable row level security;
create policy p on public.by_profile using (exists (select 1 from public.profiles where id = auth.uid()));
create table public.by_active (id uuid primary key, user_id uuid, mark text, published boolean not null default false);
alter table public.by_active enable row level security;
create policy p on public.by_active using ((select p.is_active from public.profiles p where p.id = auth.uid()));
create table public.by_default_role (id uuid primary key, user_id uuid, mark text, published boolean not null default false);
alter table public.by_default_role enable row level security;
create policy p on public.by_default_role for select using (exists (select from public.profiles p where p.id = auth.uid() and p.role in ('user', 'admin')));
create table public.by_helper (id uuid primary key, user_id uuid, mark text, published boolean not null default false);
alter table public.by_helper enable row level security;
create policy p on public.by_helper for select using (public.is_active());
create table public.not_banned (id uuid primary key, user_id uuid, mark text, published boolean not null default false);
alter table public.not_banned enable row level security;
create policy p on public.not_banned for select using (not exists (select from public.profiles p where p.id = auth.uid() and p.banned));
create table public.active_and_own (id uuid primary key, user_id uuid, mark text, published boolean not null default false);
alter table public.active_and_own enable row level security;
create policy p on public.active_and_own using (user_id = auth.uid() and public.is_active());
create table public.published_for_users (id uuid primary key, user_id uuid, mark text, published boolean not null default false);
alter table public.published_for_users enable row level security;
create policy p on public.published_for_users for select using (published and exists (select from public.profiles p where p.id = auth.uid()));
-- @seed
insert into public.by_profile select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end,
  format('[n%s%s]', o, n), n = 2 from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.by_active select id, user_id, mark || 'x1', published from public.by_profile;
insert into public.by_default_role select id, user_id, mark || 'x2', published from public.by_profile;
insert into public.by_helper select id, user_id, mark || 'x3', published from public.by_profile;
insert into public.not_banned select id, user_id, mark || 'x4', published from public.by_profile;
insert into public.active_and_own select id, user_id, mark || 'x5', published from public.by_profile;
insert into public.published_for_users select id, user_id, mark || 'x6', published from public.by_profile;
-- @measures
anon public.not_banned all none none none
authenticated public.active_and_own own own own own
authenticated public.by_active all all all all
authenticated public.by_default_role all none none none
authenticated public.by_helper all none none none
authenticated public.by_profile all all all all
authenticated public.not_banned all none none none
authenticated public.profiles own none none none
authenticated public.published_for_users some none none none
