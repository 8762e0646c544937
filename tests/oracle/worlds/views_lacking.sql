-- Views that leave out a column which has to have a value: no row is put in by them, unless something gives it one.
create domain public.coded as text default 'code';
create function public.fills() returns trigger language plpgsql as $$ begin new.code := 'filled'; return new; end $$;
create table public.lacks (id uuid primary key default gen_random_uuid(), user_id uuid, mark text, code text not null);
create table public.lacks_below (id uuid primary key default gen_random_uuid(), user_id uuid, mark text, code text not null);
create table public.defaults (id uuid primary key default gen_random_uuid(), user_id uuid, mark text, code text not null default 'c');
create table public.numbered (id uuid primary key default gen_random_uuid(), user_id uuid, mark text, code int not null generated always as identity);
create table public.domains (id uuid primary key default gen_random_uuid(), user_id uuid, mark text, code public.coded not null);
create table public.filled (id uuid primary key default gen_random_uuid(), user_id uuid, mark text, code text not null);
create trigger fill before insert on public.filled for each row execute function public.fills();
create table public.too_late (id uuid primary key default gen_random_uuid(), user_id uuid, mark text, code text not null);
create trigger fill after insert on public.too_late for each row execute function public.fills();
create table public.parted (id uuid default gen_random_uuid(), user_id uuid, mark text, code text not null) partition by list (mark);
create table public.parted_rest partition of public.parted default;
create trigger fill before insert on public.parted_rest for each row execute function public.fills();
create table public.shown (id uuid primary key default gen_random_uuid(), user_id uuid, mark text, code text not null);
do $$ declare t text; begin
  foreach t in array array['lacks', 'lacks_below', 'defaults', 'numbered', 'domains', 'filled', 'too_late', 'parted', 'parted_rest', 'shown'] loop
    execute format('alter table public.%I enable row level security', t);
  end loop;
  foreach t in array array['lacks', 'defaults', 'numbered', 'domains', 'filled', 'too_late', 'parted'] loop
    execute format('create view public.v_%I as select id, user_id, mark from public.%I', t, t);
  end loop;
end $$;
create view public.v_whole as select id, user_id, mark, code from public.lacks_below;
create view public.v_lacks_below as select id, user_id, mark from public.v_whole;
revoke insert on public.v_whole from anon, authenticated;
create view public.v_shown as select id, user_id, mark, code from public.shown;
alter view public.v_shown alter column code set default 'shown';
revoke insert on public.v_shown from anon, authenticated;
grant insert (id, user_id, mark) on public.v_shown to anon, authenticated;
-- @seed
do $$ declare t text; begin
  foreach t in array array['lacks', 'lacks_below', 'defaults', 'domains', 'filled', 'too_late', 'shown', 'parted'] loop
    execute format($f$insert into public.%I (user_id, mark, code) select u, %L || left(u::text, 3), 'x' from unnest(array['aaaaaaaa-0000-4000-8000-000000000001', 'bbbbbbbb-0000-4000-8000-000000000001']::uuid[]) u$f$, t, t || '-');
  end loop;
end $$;
insert into public.numbered (user_id, mark) select user_id, 'numbered-' || left(user_id::text, 3) from public.lacks;
