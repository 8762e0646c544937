-- A server connects as one role, and says by a setting of each transaction for which tenant it asks.
create role oracle_owner nologin;
create role oracle_server login;
create schema app authorization oracle_owner;
grant usage on schema app to oracle_server;
create table app.customers (id uuid primary key, tenant_id uuid not null, email text, mark text);
create table app.orders (id uuid primary key, tenant_id uuid not null, customer_id uuid references app.customers, mark text);
create table app.rates (id uuid primary key, rate numeric, mark text);
create function app.current_tenant() returns uuid language sql stable set search_path = '' as
$$ select nullif(current_setting('app.tenant_id', true), '')::uuid $$;
alter table app.customers owner to oracle_owner;
alter table app.orders owner to oracle_owner;
alter table app.rates owner to oracle_owner;
alter table app.customers enable row level security;
alter table app.customers force row level security;
alter table app.orders enable row level security;
alter table app.orders force row level security;
create policy tenant on app.customers to oracle_server
  using (tenant_id = app.current_tenant()) with check (tenant_id = app.current_tenant());
create policy tenant on app.orders to oracle_server
  using (tenant_id = app.current_tenant()) with check (tenant_id = app.current_tenant());
grant select, insert, update, delete on app.customers, app.orders to oracle_server;
grant select on app.rates to oracle_server;
-- Whatever is added later is for the application as well.
alter default privileges in schema app grant select, insert, update, delete on tables to oracle_server;
-- @seed
insert into app.customers select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, o, format('[customer %s]', o) from unnest(array['a', 'b', 'c']) o;
insert into app.orders select format('%s-0000-4000-8000-300000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, format('[order %s]', o) from unnest(array['a', 'b', 'c']) o;
insert into app.rates values ('d0000000-0000-4000-8000-000000000001', 1, '[rate]');
-- @personas
oracle_server oracle_server app.tenant_id
-- @intent
[[persona]]
name = "oracle_server"
role = "oracle_server"
settings = { "app.tenant_id" = "$tenant" }
-- @measures
oracle_server app.customers own own own own
oracle_server app.orders own own own own
oracle_server app.rates all none none none
