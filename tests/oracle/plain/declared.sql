-- Personas that the intent declares: who somebody is stands in claims or in a setting, beside what is the same for all.
create role oracle_api login;
create role oracle_gym login;
create role oracle_desk login;
create schema app;
grant usage on schema app to public;
create table app.base (id uuid primary key, tenant uuid, mark text, plan text, public boolean);
create table app.by_sub (like app.base including all);
create table app.by_org (like app.base including all);
create table app.by_tenant (like app.base including all);
create table app.by_plan (like app.base including all);
create table app.by_plan_setting (like app.base including all);
create table app.by_role (like app.base including all);
create table app.published (like app.base including all);
create table app.leaking (like app.base including all);
do $$ declare t text; begin
  foreach t in array array['base', 'by_sub', 'by_org', 'by_tenant', 'by_plan', 'by_plan_setting', 'by_role', 'published', 'leaking'] loop
    execute format('alter table app.%I enable row level security', t);
  end loop;
end $$;
create policy p on app.by_sub using (tenant = (current_setting('request.jwt.claims', true)::json ->> 'sub')::uuid);
create policy p on app.by_org using (tenant::text = current_setting('request.jwt.claims', true)::json -> 'app' ->> 'org');
create policy p on app.by_tenant using (tenant = current_setting('app.tenant')::uuid);
create policy p on app.by_plan using (plan = current_setting('request.jwt.claims', true)::json ->> 'plan');
create policy p on app.by_plan_setting using (plan = current_setting('app.plan', true));
create policy p on app.by_role using (current_setting('request.jwt.claims', true)::json ->> 'role' = 'boss');
create policy p on app.published for select using (public);
create policy q on app.published for update using (tenant = current_setting('app.tenant', true)::uuid);
create policy p on app.leaking using (tenant = current_setting('app.tenant', true)::uuid or plan is not null);
grant all on all tables in schema app to oracle_api, oracle_gym, oracle_desk;
-- @seed
insert into app.base select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n), case n when 1 then 'gold' when 2 then 'tin' end, n = 1
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 3) n;
insert into app.by_sub select id, tenant, mark || 'x1', plan, public from app.base;
insert into app.by_org select id, tenant, mark || 'x2', plan, public from app.base;
insert into app.by_tenant select id, tenant, mark || 'x3', plan, public from app.base;
insert into app.by_plan select id, tenant, mark || 'x4', plan, public from app.base;
insert into app.by_plan_setting select id, tenant, mark || 'x5', plan, public from app.base;
insert into app.by_role select id, tenant, mark || 'x6', plan, public from app.base;
insert into app.published select id, tenant, mark || 'x7', plan, public from app.base;
insert into app.leaking select id, tenant, mark || 'x8', plan, public from app.base;
-- @personas
oracle_api oracle_api claims:sub claims:app.org
oracle_gym oracle_gym app.tenant
oracle_desk oracle_desk app.tenant
-- @intent
[[persona]]
name = "oracle_api"
role = "oracle_api"
claims = { sub = "$user", app = { org = "$org" }, plan = "gold", role = "user" }
[[persona]]
name = "oracle_gym"
role = "oracle_gym"
settings = { "app.tenant" = "$tenant", "app.plan" = "gold" }
[[persona]]
name = "oracle_desk"
role = "oracle_desk"
settings = { "app.tenant" = "$tenant" }
claims = { role = "boss" }
-- @measures
oracle_api app.by_sub own own own own
oracle_api app.by_org own own own own
oracle_api app.by_plan some some some some
oracle_api app.by_role none none none none
oracle_gym app.by_tenant own own own own
oracle_gym app.by_plan_setting some some some some
oracle_gym app.leaking some some some some
oracle_desk app.by_role all all all all
oracle_desk app.by_tenant own own own own
