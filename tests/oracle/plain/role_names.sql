-- Rows that belong to roles by their names: in a column, by a membership, by way of an account, and in no way at all.
create role oracle_ann login;
create role oracle_bob login;
create role oracle_team nologin;
grant oracle_team to oracle_bob;
create schema app;
grant usage on schema app to public;
create table app.notes (id uuid primary key, owner name default current_user, mark text, published boolean);
create table app.by_owner (like app.notes including all);
create table app.by_owner_text (id uuid primary key, owner varchar(40), mark text, published boolean);
create table app.or_published (like app.notes including all);
create table app.put_for_all (like app.notes including all);
create table app.stamped (like app.notes including all);
create table app.by_content (like app.notes including all);
create table app.open_ (like app.notes including all);
create table app.by_prefix (like app.by_owner_text including all);
create table app.by_part (like app.by_owner_text including all);
create table app.by_whole (like app.by_owner_text including all);
create table app.by_hash (like app.by_owner_text including all);
create table app.by_gate (like app.notes including all);
create table app.members (team uuid, member name, mark text, primary key (team, member));
create table app.by_member (id uuid primary key, team uuid, mark text);
create table app.users (id uuid primary key, login name unique, mark text);
create table app.by_account (id uuid primary key, user_id uuid references app.users, mark text);
create table app.by_team (like app.by_owner_text including all);
alter table app.by_owner enable row level security;
create policy p on app.by_owner using (owner = current_user);
alter table app.by_owner_text enable row level security;
create policy p on app.by_owner_text using (owner = current_user);
alter table app.or_published enable row level security;
create policy p on app.or_published for select using (published or owner = current_user);
create policy q on app.or_published for update using (owner = current_user) with check (true);
alter table app.put_for_all enable row level security;
create policy p on app.put_for_all for insert with check (true);
create policy q on app.put_for_all for select using (owner = current_user);
alter table app.stamped enable row level security;
create policy p on app.stamped using (owner = current_user);
create function app.stamp() returns trigger language plpgsql as $$ begin new.owner := current_user; return new; end $$;
create trigger stamps before insert on app.stamped for each row execute function app.stamp();
alter table app.by_content enable row level security;
create policy p on app.by_content using (published);
alter table app.by_prefix enable row level security;
create policy p on app.by_prefix using (owner = 'of_' || current_user);
alter table app.by_part enable row level security;
create policy p on app.by_part using (owner = replace(current_user, 'oracle_', ''));
alter table app.by_whole enable row level security;
create policy p on app.by_whole using ('oracle_' || owner = current_user);
alter table app.by_hash enable row level security;
create policy p on app.by_hash using (owner = md5(current_user));
alter table app.by_gate enable row level security;
create policy p on app.by_gate using (pg_has_role(current_user, 'oracle_team', 'member'));
alter table app.by_member enable row level security;
create policy p on app.by_member using (exists (select from app.members m where m.team = by_member.team and m.member = current_user));
alter table app.by_account enable row level security;
create policy p on app.by_account using (user_id = (select u.id from app.users u where u.login = current_user));
alter table app.by_team enable row level security;
create policy p on app.by_team using (pg_has_role(owner, 'member'));
grant all on all tables in schema app to oracle_ann, oracle_bob;
revoke insert, update, delete on app.members, app.users from oracle_ann, oracle_bob;
create view app.v_owner with (security_invoker) as select * from app.by_owner;
create view app.v_content with (security_invoker) as select * from app.by_content;
grant all on app.v_owner, app.v_content to oracle_ann, oracle_bob;
create function app.published_notes() returns setof app.by_content language sql security definer set search_path = app, pg_temp as
$$ select * from by_content where published $$;
-- @seed
insert into app.notes select format('00000000-0000-4000-8000-0000000000%s%s', r.number, n)::uuid, r.name, format('[%s%s]', r.name, n), n = 1
  from (values ('oracle_ann', 1), ('oracle_bob', 2), ('somebody', 3), ('nobody', 4)) r (name, number), generate_series(1, 2) n;
insert into app.by_owner select id, owner, mark || 'a', published from app.notes;
insert into app.by_owner_text select id, owner, mark || 'b', published from app.notes;
insert into app.or_published select id, owner, mark || 'c', published from app.notes;
insert into app.put_for_all select id, owner, mark || 'd', published from app.notes;
insert into app.by_content select id, owner, mark || 'f', published from app.notes;
insert into app.open_ select id, owner, mark || 'g', published from app.notes;
insert into app.by_prefix select id, 'of_' || owner, mark || 'h', published from app.notes;
insert into app.by_part select id, substr(owner, 8), md5(mark || 'o'), published from app.notes where owner ~ '^oracle_';
insert into app.by_whole select id, substr(owner, 8), md5(mark || 'p'), published from app.notes where owner ~ '^oracle_';
insert into app.by_hash select id, md5(owner), md5(mark || 'q'), published from app.notes;
insert into app.by_gate select id, owner, mark || 'i', published from app.notes;
insert into app.members select id, owner, mark || 'j' from app.notes;
insert into app.by_member select id, id, mark || 'k' from app.notes;
insert into app.users select id, owner || case when published then '' else '_old' end, mark || 'l' from app.notes;
insert into app.by_account select id, id, mark || 'm' from app.notes where published;
insert into app.by_team select id, owner, mark || 'n', published from app.notes where owner in ('oracle_ann', 'oracle_bob');
alter table app.stamped disable trigger stamps;
insert into app.stamped select id, owner, mark || 'e', published from app.notes;
alter table app.stamped enable trigger stamps;
-- @personas
oracle_ann oracle_ann
oracle_bob oracle_bob
-- @calls
select * from app.published_notes()
-- @tied
00000000-0000-4000-8000-000000000011 oracle_ann
00000000-0000-4000-8000-000000000012 oracle_ann
00000000-0000-4000-8000-000000000021 oracle_bob
00000000-0000-4000-8000-000000000022 oracle_bob
ann oracle_ann
bob oracle_bob
ee7cbf0b278894fc9bea466a439bbc24 oracle_ann
3c77dfa77a116df8b01353adbccf1276 oracle_bob
-- @measures
oracle_ann app.by_owner own own own own
oracle_ann app.by_owner_text own own own own
oracle_ann app.or_published some none own none
oracle_ann app.put_for_all own all none none
oracle_ann app.by_content some some some some
oracle_ann app.open_ all all all all
oracle_ann app.by_member own own own own
oracle_ann app.by_account own own own own
oracle_ann app.by_part own own own own
oracle_ann app.by_whole own own own own
oracle_ann app.by_hash own own own own
oracle_ann app.by_gate none none none none
oracle_bob app.by_gate all all all all
