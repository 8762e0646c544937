-- PostgREST on a server of one's own: a login that becomes a visitor or a member, and claims that say which member.
create role oracle_visitor nologin;
create role oracle_member nologin;
create role oracle_gate login noinherit in role oracle_visitor, oracle_member;
create schema app;
create schema private;
grant usage on schema app to oracle_visitor, oracle_member;
grant usage on schema private to oracle_member;
alter default privileges revoke execute on functions from public;
create function app.user_id() returns uuid language sql stable set search_path = '' as
$$ select (nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub')::uuid $$;
grant execute on function app.user_id to oracle_visitor, oracle_member;
create table app.profiles (id uuid primary key, nickname text not null, mark text);
create table app.clubs (id uuid primary key, name text not null, mark text);
create table app.memberships (
  club_id uuid references app.clubs, user_id uuid references app.profiles, is_leader boolean not null default false,
  mark text, primary key (club_id, user_id)
);
create table app.posts (
  id uuid primary key default gen_random_uuid(), club_id uuid not null references app.clubs,
  author_id uuid not null default app.user_id() references app.profiles, published boolean not null default false,
  title text, mark text
);
create function private.my_clubs() returns setof uuid language sql stable security definer set search_path = '' as
$$ select m.club_id from app.memberships m where m.user_id = app.user_id() $$;
create function private.leads(club uuid) returns boolean language sql stable security definer set search_path = '' as
$$ select exists (select from app.memberships m where m.club_id = club and m.user_id = app.user_id() and m.is_leader) $$;
grant execute on all functions in schema private to oracle_member;
alter table app.profiles enable row level security;
alter table app.clubs enable row level security;
alter table app.memberships enable row level security;
alter table app.posts enable row level security;
create policy own on app.profiles to oracle_member using (id = app.user_id()) with check (id = app.user_id());
create policy of_mine on app.clubs for select to oracle_member using (id in (select private.my_clubs()));
create policy led on app.clubs for update to oracle_member using (private.leads(id)) with check (private.leads(id));
create policy of_mine on app.memberships for select to oracle_member using (club_id in (select private.my_clubs()));
create policy led on app.memberships for delete to oracle_member using (private.leads(club_id));
create policy published on app.posts for select using (published);
create policy of_mine on app.posts for select to oracle_member using (club_id in (select private.my_clubs()));
create policy mine on app.posts for insert to oracle_member
  with check (author_id = app.user_id() and club_id in (select private.my_clubs()));
create policy change on app.posts for update to oracle_member
  using (author_id = app.user_id()) with check (author_id = app.user_id() and club_id in (select private.my_clubs()));
create view app.board with (security_invoker) as select p.id, p.title, p.mark from app.posts p where p.published;
grant select on app.posts, app.board to oracle_visitor, oracle_member;
grant select on app.profiles, app.clubs, app.memberships to oracle_member;
grant insert, update on app.profiles to oracle_member;
grant update (name, mark) on app.clubs to oracle_member;
grant delete on app.memberships to oracle_member;
grant insert on app.posts to oracle_member;
grant update (title, published, mark) on app.posts to oracle_member;
-- Whatever is added later is for the application as well.
alter default privileges in schema app grant select, insert, update, delete on tables to oracle_member;
-- @seed
insert into app.profiles select format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, o, format('[profile %s]', o)
  from unnest(array['a', 'b', 'c']) o;
insert into app.clubs select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, o, format('[club %s]', o)
  from unnest(array['a', 'b', 'c']) o;
insert into app.memberships select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, true, format('[membership %s]', o)
  from unnest(array['a', 'b', 'c']) o;
insert into app.posts select format('%s-0000-4000-8000-30000000000%s', repeat(o, 8), n)::uuid,
  format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid,
  n = 1, o, format('[post %s%s]', o, n) from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
-- @personas
oracle_visitor oracle_gate
oracle_member oracle_gate claims:sub
-- @intent
[[persona]]
name = "oracle_member"
role = "oracle_member"
claims = { sub = "$user", role = "oracle_member" }

[[allow]]
relation = ["app.posts", "app.board"]
persona = "*"
select = "some"
-- @measures
oracle_visitor app.profiles none none none none
oracle_visitor app.posts some none none none
oracle_member app.profiles own own own none
oracle_member app.clubs own none own none
oracle_member app.memberships own none none own
oracle_member app.posts some own own none
