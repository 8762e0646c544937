-- Since Postgres 16 each membership says whether it is inherited and lets one become the role; before, the member does.
create role oracle_reader nologin;
create role oracle_writer nologin;
create role oracle_owner nologin;
create role oracle_inherits login;
create role oracle_refuses login noinherit;
create role oracle_chain_top nologin;
create role oracle_chain_mid nologin;
create role oracle_chain login;
grant oracle_reader, oracle_writer, oracle_owner to oracle_inherits, oracle_refuses;
grant oracle_chain_top to oracle_chain_mid;
grant oracle_chain_mid to oracle_chain;
do $$ begin
  if current_setting('server_version_num')::int >= 160000 then
    execute 'grant oracle_writer to oracle_inherits with inherit false';
    execute 'grant oracle_reader to oracle_refuses with inherit true';
    execute 'grant oracle_owner to oracle_inherits with set false';
    execute 'grant oracle_chain_top to oracle_chain_mid with inherit false';
  else
    execute 'revoke oracle_writer from oracle_inherits';
    execute 'create role oracle_stand_in login in role oracle_reader';
    execute 'revoke oracle_reader from oracle_refuses';
    execute 'alter role oracle_chain_mid noinherit';
  end if;
end $$;
create schema app;
grant usage on schema app to public;
create table app.read (id int primary key, mark text, n int);
create table app.written (like app.read including all);
create table app.owned (like app.read including all);
create table app.top (like app.read including all);
create table app.restricted (like app.read including all);
alter table app.read enable row level security;
alter table app.written enable row level security;
alter table app.owned enable row level security;
alter table app.owned owner to oracle_owner;
alter table app.top enable row level security;
alter table app.restricted enable row level security;
grant all on app.read, app.owned, app.top, app.restricted to public;
grant all on app.written to oracle_writer;
create policy p on app.read to oracle_reader using (true);
create policy p on app.written to oracle_writer using (n = 1);
create policy p on app.top to oracle_chain_top using (true);
create policy p on app.restricted using (true);
create policy r on app.restricted as restrictive to oracle_writer using (n = 1);
-- @seed
insert into app.read values (1, '[r1]', 1), (2, '[r2]', 2);
insert into app.written values (1, '[w1]', 1), (2, '[w2]', 2);
insert into app.owned values (1, '[o1]', 1), (2, '[o2]', 2);
insert into app.top values (1, '[t1]', 1), (2, '[t2]', 2);
insert into app.restricted values (1, '[s1]', 1), (2, '[s2]', 2);
-- @personas
oracle_inherits oracle_inherits
oracle_refuses oracle_refuses
oracle_reader oracle_inherits
oracle_writer oracle_refuses
oracle_chain oracle_chain
oracle_chain_mid oracle_chain
oracle_chain_top oracle_chain
