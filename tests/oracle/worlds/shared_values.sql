-- Values that many share: that a row has one of them, as a row of one's own has, makes it nobody's.
create table public.profiles (id uuid primary key references auth.users, mark text, level int default 1, plan text default 'free',
  topics text[] not null default '{news}', groups text[] not null default '{}');
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
create table public.by_default (id int primary key, plan text);
alter table public.by_default enable row level security;
create policy p on public.by_default for select using (exists (select from public.profiles p where p.id = auth.uid() and p.plan = by_default.plan));
create table public.by_level (id int primary key, level int);
alter table public.by_level enable row level security;
create policy p on public.by_level for select using (level = (select p.level from public.profiles p where p.id = auth.uid()));
create table public.by_topic (id int primary key, topic text);
alter table public.by_topic enable row level security;
create policy p on public.by_topic for select using (exists (select from public.profiles p where p.id = auth.uid() and topic = any (p.topics)));
create table public.by_group (id int primary key, "group" text);
alter table public.by_group enable row level security;
create policy p on public.by_group for select using (exists (select from public.profiles p where p.id = auth.uid() and "group" = any (p.groups)));
-- A part of an id is not the id.
create table public.by_letter (id int primary key, letter text);
alter table public.by_letter enable row level security;
create policy p on public.by_letter for select using (letter = auth.uid()::varchar(1));
create table public.by_start (id int primary key, letter text);
alter table public.by_start enable row level security;
create policy p on public.by_start for select using (exists (select from public.profiles p where p.id = auth.uid() and left(p.id::text, 1) = letter));
create table public.by_second (id int primary key, due timestamptz);
alter table public.by_second enable row level security;
create policy p on public.by_second for select using (due::timestamptz(0) <> due);
-- One of two texts is one's id.
create table public.by_reader (id int primary key, readers text[]);
alter table public.by_reader enable row level security;
create policy p on public.by_reader for select using (readers && array[auth.uid()::text, 'public']);
create table public.by_my_reader (id int primary key, readers text[]);
alter table public.by_my_reader enable row level security;
create policy p on public.by_my_reader for select using (readers && array[auth.uid()::text]);
-- What the token of everybody says.
create table public.by_token (id int primary key, x text);
alter table public.by_token enable row level security;
create policy p on public.by_token for select using ((auth.jwt() -> 'role')::text = '"authenticated"');
-- @seed
insert into public.by_token values (1, 'a'), (2, 'b');
insert into public.by_reader values (1, '{public}'), (2, '{staff}'), (3, '{aaaaaaaa-0000-4000-8000-000000000001}');
insert into public.by_my_reader values (1, '{public}'), (2, '{staff}'), (3, '{aaaaaaaa-0000-4000-8000-000000000001}');
insert into public.by_default values (1, 'free'), (2, 'paid');
insert into public.by_level values (1, 1), (2, 2);
insert into public.by_topic values (1, 'news'), (2, 'secrets');
update public.profiles set groups = '{aaaaaaaa-0000-4000-8000-0000000000a1}' where mark = '[pa]';
insert into public.by_group values (1, 'aaaaaaaa-0000-4000-8000-0000000000a1'), (2, 'theirs');
insert into public.by_letter values (1, 'a'), (2, '9');
insert into public.by_start values (1, 'a'), (2, '9');
insert into public.by_second values (1, '2025-01-01 00:00:00.5+00'), (2, '2025-01-01 00:00:00+00');
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
authenticated public.by_default some none none none
authenticated public.by_level some none none none
authenticated public.by_topic some none none none
authenticated public.by_group own none none none
authenticated public.by_letter some none none none
authenticated public.by_start some none none none
anon public.by_second some none none none
authenticated public.by_reader some none none none
authenticated public.by_my_reader own none none none
authenticated public.by_token all none none none
anon public.by_token none none none none
