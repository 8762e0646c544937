-- Who asks: current_user behind views and functions of other owners, roles by name, settings, headers, session_user.
create table public.user_policy (id uuid primary key, user_id uuid, mark text);
alter table public.user_policy enable row level security;
create table public.user_function (id uuid primary key, user_id uuid, mark text);
alter table public.user_function enable row level security;
create table public.definer_user (id uuid primary key, user_id uuid, mark text);
alter table public.definer_user enable row level security;
create table public.role_name (id uuid primary key, user_id uuid, mark text);
alter table public.role_name enable row level security;
create table public.has_role (id uuid primary key, user_id uuid, mark text);
alter table public.has_role enable row level security;
create table public.privilege (id uuid primary key, user_id uuid, mark text);
alter table public.privilege enable row level security;
create table public.header (id uuid primary key, user_id uuid, mark text);
alter table public.header enable row level security;
create table public.method (id uuid primary key, user_id uuid, mark text);
alter table public.method enable row level security;
create table public.session (id uuid primary key, user_id uuid, mark text);
alter table public.session enable row level security;
create table public.claims_json (id uuid primary key, user_id uuid, mark text);
alter table public.claims_json enable row level security;
create table public.setting_unset (id uuid primary key, user_id uuid, mark text);
alter table public.setting_unset enable row level security;
create table public.email (id uuid primary key, user_id uuid, mark text);
alter table public.email enable row level security;
create table public.aal (id uuid primary key, user_id uuid, mark text);
alter table public.aal enable row level security;
create table public.chosen_view (id uuid primary key, user_id uuid, mark text);
alter table public.chosen_view enable row level security;
create table public.super_view (id uuid primary key, user_id uuid, mark text);
alter table public.super_view enable row level security;
create policy a on public.user_policy for select using (current_user = 'postgres');
create view public.user_view as select * from public.user_policy where current_user = 'postgres';
create view public.not_user_view as select * from public.user_policy where current_user <> 'postgres';
create function public.who() returns text language sql stable as 'select current_user::text';
create function public.who_definer() returns text language sql stable security definer set search_path = '' as 'select current_user::text';
create function public.is_owner() returns boolean language sql stable security definer set search_path = '' as 'select current_user = ''postgres''';
create function public.is_owner_invoker() returns boolean language sql stable as 'select current_user = ''postgres''';
create function public.is_anon_definer() returns boolean language sql stable security definer set search_path = '' as 'select current_user in (''anon'', ''authenticated'')';
create policy a on public.user_function for select using (public.who() = 'postgres');
create policy b on public.user_function for delete using (public.who_definer() = 'postgres');
create policy a on public.definer_user for select using (public.is_owner());
create policy b on public.definer_user for delete using (public.is_owner_invoker());
create policy c on public.definer_user for update using (public.is_anon_definer());
create policy d on public.definer_user for insert with check (not public.is_anon_definer());
create policy a on public.role_name for select using (current_role = 'authenticated');
create policy b on public.role_name for delete using (user = 'anon' and user_id is null);
create policy c on public.role_name for update using (auth.role() = current_user::text);
create policy a on public.has_role for select using (pg_has_role(current_user, 'oracle_group', 'member'));
create policy b on public.has_role for delete using (pg_has_role('authenticated', 'usage'));
create policy a on public.privilege for select using (has_table_privilege('public.role_name', 'select'));
create policy b on public.privilege for delete using (row_security_active('public.role_name'));
create policy a on public.header for select using (current_setting('request.headers', true)::json ->> 'x-key' = 'secret');
create policy b on public.header for delete using (coalesce(current_setting('request.headers', true)::json ->> 'x-key', '') = '');
create policy a on public.method for select using (current_setting('request.method', true) = 'GET');
create policy b on public.method for delete using (current_setting('request.method', true) <> 'GET');
create policy a on public.session for select using (session_user = 'postgres');
create policy b on public.session for delete using (session_user <> current_user);
create policy a on public.claims_json for select using (current_setting('request.jwt.claims', true)::jsonb ->> 'role' = 'authenticated');
create policy b on public.claims_json for delete using ((current_setting('request.jwt.claims', true)::jsonb ->> 'sub')::uuid is null);
create policy c on public.claims_json for update using (auth.jwt() ->> 'sub' = user_id::text or auth.jwt() ? 'nothing');
create policy a on public.setting_unset for select using (current_setting('app.tenant', true) is null or current_setting('app.tenant', true) = user_id::text);
create policy b on public.setting_unset for delete using (nullif(current_setting('app.tenant', true), '') = user_id::text);
create policy a on public.email for select using (auth.email() like '%@example.com');
create policy b on public.email for delete using (auth.jwt() ->> 'email' = mark);
create policy a on public.aal for select using (auth.jwt() ->> 'aal' = 'aal2');
create policy b on public.aal for delete using (coalesce((auth.jwt() ->> 'is_anonymous')::boolean, false) is false);
create policy a on public.chosen_view for select using (user_id = auth.uid());
create view public.chosen_over as select * from public.chosen_view where (auth.jwt() -> 'user_metadata' ->> 'role') = 'boss';
create view public.super_over as select * from public.super_view where user_id = auth.uid() or current_user = 'supabase_admin';
-- @seed
alter view public.super_over owner to supabase_admin;
insert into public.user_policy select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.user_function select id, user_id, mark || 'x1' from only public.user_policy;
insert into public.definer_user select id, user_id, mark || 'x2' from only public.user_policy;
insert into public.role_name select id, user_id, mark || 'x3' from only public.user_policy;
insert into public.has_role select id, user_id, mark || 'x4' from only public.user_policy;
insert into public.privilege select id, user_id, mark || 'x5' from only public.user_policy;
insert into public.header select id, user_id, mark || 'x6' from only public.user_policy;
insert into public.method select id, user_id, mark || 'x7' from only public.user_policy;
insert into public.session select id, user_id, mark || 'x8' from only public.user_policy;
insert into public.claims_json select id, user_id, mark || 'x9' from only public.user_policy;
insert into public.setting_unset select id, user_id, mark || 'x10' from only public.user_policy;
insert into public.email select id, user_id, mark || 'x11' from only public.user_policy;
insert into public.email values ('eeeeeeee-0000-4000-8000-100000000000', null, '');
insert into public.aal select id, user_id, mark || 'x12' from only public.user_policy;
insert into public.chosen_view select id, user_id, mark || 'x13' from only public.user_policy;
insert into public.super_view select id, user_id, mark || 'x14' from only public.user_policy;
-- @claims
{"user_metadata": {"role": "boss"}}
{"email": "s@example.com"}
{"aal": "aal2"}
-- @headers
{"x-key": "secret"}
