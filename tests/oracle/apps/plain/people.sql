-- Everybody logs in as a role of their own: rows are their owner's by its name, and a group has what all may see.
create role oracle_owner nologin;
create role oracle_staff nologin;
create role oracle_ann login in role oracle_staff;
create role oracle_bob login in role oracle_staff;
create role oracle_reports login;
create schema app authorization oracle_owner;
grant usage on schema app to oracle_staff, oracle_reports;
create table app.tasks (id uuid primary key, owner name not null default current_user, done boolean not null default false, mark text);
create table app.salaries (id uuid primary key, owner name not null, amount numeric, mark text);
create table app.notices (id uuid primary key, published boolean not null default false, mark text);
alter table app.tasks owner to oracle_owner;
alter table app.salaries owner to oracle_owner;
alter table app.notices owner to oracle_owner;
alter table app.tasks enable row level security;
alter table app.tasks force row level security;
alter table app.salaries enable row level security;
alter table app.notices enable row level security;
create policy own on app.tasks to oracle_staff using (owner = current_user) with check (owner = current_user);
create policy own on app.salaries for select to oracle_staff using (owner = current_user);
create policy published on app.notices for select to oracle_staff using (published);
create function app.finish(task uuid) returns void language sql security invoker set search_path = '' as
$$ update app.tasks set done = true where id = task $$;
create view app.totals as select count(*) as people, sum(amount) as total from app.salaries;
alter view app.totals owner to oracle_owner;
grant select, insert, update, delete on app.tasks to oracle_staff;
grant select on app.salaries, app.notices to oracle_staff;
grant select on app.totals to oracle_reports;
-- Whatever is added later is for the application as well.
alter default privileges in schema app grant select, insert, update, delete on tables to oracle_staff;
-- @seed
insert into app.tasks select format('00000000-0000-4000-8000-1000000000%s%s', i, n)::uuid, o, n = 1, format('[task %s%s]', i, n)
  from unnest(array['oracle_ann', 'oracle_bob', 'somebody']) with ordinality x (o, i), generate_series(1, 2) n;
insert into app.salaries select format('00000000-0000-4000-8000-20000000000%s', i)::uuid, o, 1000 * i, format('[salary %s]', i)
  from unnest(array['oracle_ann', 'oracle_bob', 'somebody']) with ordinality x (o, i);
insert into app.notices select format('00000000-0000-4000-8000-30000000000%s', n)::uuid, n = 1, format('[notice %s]', n)
  from generate_series(1, 2) n;
-- @personas
oracle_ann oracle_ann
oracle_bob oracle_bob
oracle_reports oracle_reports
-- @intent
[[allow]]
relation = "app.notices"
persona = "*"
select = "some"

[[allow]]
relation = "app.totals"
persona = "oracle_reports"
select = "all"
-- @measures
oracle_ann app.tasks own own own own
oracle_ann app.salaries own none none none
oracle_ann app.notices some none none none
oracle_bob app.tasks own own own own
oracle_reports app.tasks none none none none
oracle_reports app.salaries none none none none
