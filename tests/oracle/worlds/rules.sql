-- Rules: one that does nothing instead, one that writes elsewhere as well, with its owner's rights; one that is off.
create table public.kept (id uuid primary key, user_id uuid, mark text);
create table public.copied (id uuid primary key, user_id uuid, mark text);
create table public.copies (id uuid primary key, user_id uuid, mark text);
alter table public.copies enable row level security;
create table public.chained (id uuid primary key, user_id uuid, mark text);
alter table public.chained enable row level security;
create rule keep as on delete to public.kept do instead nothing;
create rule copy as on insert to public.copied do also
  insert into public.copies values (gen_random_uuid(), new.user_id, new.mark);
create rule clear as on delete to public.copied do also delete from public.copies where id = old.id;
create rule set_it as on update to public.copied do instead update public.copies set mark = new.mark where id = old.id;
create rule more as on insert to public.copies do also
  insert into public.chained values (gen_random_uuid(), new.user_id, new.mark);
alter table public.copied disable rule clear;
create view public.front as select id, user_id, mark from public.copies where user_id = auth.uid();
create rule front_delete as on delete to public.front do instead delete from public.copies where id = old.id;
-- @seed
insert into public.kept select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
alter table public.copied disable rule copy;
alter table public.copies disable rule more;
insert into public.copied select id, user_id, mark || 'c' from public.kept;
insert into public.copies select id, user_id, mark || 's' from public.kept;
insert into public.chained select id, user_id, mark || 'h' from public.kept;
alter table public.copied enable rule copy;
alter table public.copies enable rule more;
