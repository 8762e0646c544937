-- Values that many share: that a row has one of them, as a row of one's own has, makes it nobody's.
create table public.profiles (id uuid primary key references auth.users, mark text, level int default 1);
alter table public.profiles enable row level security;
create policy own on public.profiles for select using (id = auth.uid());
create function public.make_profile() returns trigger language plpgsql security definer set search_path = '' as
$$ begin insert into public.profiles (id, mark) values (new.id, '[p' || left(new.id::text, 1) || ']'); return new; end $$;
create trigger make_profile after insert on auth.users for each row execute function public.make_profile();
create table public.settings (name text primary key, value text);
create table public.by_constant (id int primary key, kind text);
alter table public.by_constant enable row level security;
create policy p on public.by_constant for select using (kind = (select 'users' from public.profiles p where p.id = auth.uid()));
create table public.by_case (id int primary key, kind text);
alter table public.by_case enable row level security;
create policy p on public.by_case for select using (
  kind = (select case when p.mark is null then 'none' else 'marked' end from public.profiles p where p.id = auth.uid()));
create table public.by_setting (id int primary key, period text);
alter table public.by_setting enable row level security;
create policy p on public.by_setting for select using (
  period = (select s.value from public.settings s, public.profiles p where p.id = auth.uid() and s.name = 'period'));
create table public.by_greatest (id int primary key, period text);
alter table public.by_greatest enable row level security;
create policy p on public.by_greatest for select using (
  period = (select max(s.value) from public.settings s, public.profiles p where p.id = auth.uid()));
-- @seed
insert into public.settings values ('period', 'q2'), ('before', 'q1');
insert into public.by_constant values (1, 'users'), (2, 'staff');
insert into public.by_case values (1, 'marked'), (2, 'none'), (3, 'other');
insert into public.by_setting values (1, 'q1'), (2, 'q2');
insert into public.by_greatest values (1, 'q1'), (2, 'q2');
-- @measures
authenticated public.by_constant some none none none
authenticated public.by_case some none none none
authenticated public.by_setting some none none none
authenticated public.by_greatest some none none none
