-- A function that whoever calls it may make anybody with: what its setting says is then for the caller to choose.
create role oracle_app login;
create role oracle_other login;
create schema app;
grant usage on schema app to public;
create table app.notes (id uuid primary key, tenant uuid, mark text);
alter table app.notes enable row level security;
create policy p on app.notes using (tenant = current_setting('app.tenant')::uuid);
create table app.published (id uuid primary key, tenant uuid, mark text, public boolean);
alter table app.published enable row level security;
create policy p on app.published using (public);
grant all on app.notes, app.published to oracle_app, oracle_other;
create function app.notes_of(who text) returns setof app.notes language plpgsql as
$$ begin perform set_config('app.tenant', who, true); return query select * from app.notes; end $$;
revoke execute on function app.notes_of from public;
grant execute on function app.notes_of to oracle_app;
-- @seed
insert into app.notes select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into app.published select id, tenant, mark || 'p', mark ~ '1' from app.notes;
-- @personas
oracle_app oracle_app app.tenant
oracle_other oracle_other app.tenant
-- @calls
select * from app.notes_of('bbbbbbbb-0000-4000-8000-000000000001')
-- @measures
oracle_app app.notes some own own own
oracle_other app.notes own own own own
oracle_app app.published some some some some
