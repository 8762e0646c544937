-- What functions surely write, with their owner's rights, and what looks like it and writes nothing.
create domain public.yes as text check (value = 'yes');
create table public.w_key (id uuid primary key, owner_id uuid, open boolean not null default false, state text not null default 'new', count integer not null default 0, mark text);
alter table public.w_key enable row level security;
create table public.w_gone (id uuid primary key, owner_id uuid, open boolean not null default false, state text not null default 'new', count integer not null default 0, mark text);
alter table public.w_gone enable row level security;
create table public.w_some (id uuid primary key, owner_id uuid, open boolean not null default false, state text not null default 'new', count integer not null default 0, mark text);
alter table public.w_some enable row level security;
create table public.w_mine (id uuid primary key, owner_id uuid, open boolean not null default false, state text not null default 'new', count integer not null default 0, mark text);
alter table public.w_mine enable row level security;
create table public.log_entries (id uuid primary key default gen_random_uuid(), of uuid not null, said text not null check (length(said) < 40), at timestamptz not null default now());
alter table public.log_entries enable row level security;
create table public.w_looked (id uuid primary key, owner_id uuid, open boolean not null default false, state text not null default 'new', count integer not null default 0, mark text);
alter table public.w_looked enable row level security;
create table public.w_put (id uuid primary key, owner_id uuid, open boolean not null default false, state text not null default 'new', count integer not null default 0, mark text);
alter table public.w_put enable row level security;
create table public.w_upsert (id uuid primary key, owner_id uuid, open boolean not null default false, state text not null default 'new', count integer not null default 0, mark text);
alter table public.w_upsert enable row level security;
create table public.w_twice (id uuid primary key, owner_id uuid, open boolean not null default false, state text not null default 'new', count integer not null default 0, mark text);
alter table public.w_twice enable row level security;
create table public.w_check (id uuid primary key, owner_id uuid, open boolean not null default false, state text not null default 'new', count integer not null default 0, mark text, check (state in ('new', 'closed')));
alter table public.w_check enable row level security;
create table public.w_null (id uuid primary key, owner_id uuid, open boolean not null default false, state text not null default 'new', count integer not null default 0, mark text);
alter table public.w_null enable row level security;
create table public.w_long (id uuid primary key, owner_id uuid, open boolean not null default false, state text not null default 'new', count integer not null default 0, mark text, code varchar(3));
alter table public.w_long enable row level security;
create table public.w_domain (id uuid primary key, owner_id uuid, open boolean not null default false, state text not null default 'new', count integer not null default 0, mark text, code public.yes);
alter table public.w_domain enable row level security;
create table public.w_trigger (id uuid primary key, owner_id uuid, open boolean not null default false, state text not null default 'new', count integer not null default 0, mark text);
alter table public.w_trigger enable row level security;
create table public.w_swallow (id uuid primary key, owner_id uuid, open boolean not null default false, state text not null default 'new', count integer not null default 0, mark text);
alter table public.w_swallow enable row level security;
create table public.w_later (id uuid primary key, owner_id uuid, open boolean not null default false, state text not null default 'new', count integer not null default 0, mark text);
alter table public.w_later enable row level security;
create table public.w_log (id uuid primary key, owner_id uuid, open boolean not null default false, state text not null default 'new', count integer not null default 0, mark text);
alter table public.w_log enable row level security;
create table public.w_undone (id uuid primary key, owner_id uuid, open boolean not null default false, state text not null default 'new', count integer not null default 0, mark text);
alter table public.w_undone enable row level security;
create table public.w_filled (id uuid primary key, owner_id uuid, open boolean not null default false, state text not null default 'new', count integer not null default 0, mark text);
alter table public.w_filled enable row level security;
create table public.w_moved (id uuid primary key, owner_id uuid, open boolean not null default false, state text not null default 'new', count integer not null default 0, mark text);
alter table public.w_moved enable row level security;
create table public.w_given (id uuid primary key, owner_id uuid, open boolean not null default false, state text not null default 'new', count integer not null default 0, mark text, check (owner_id is not null));
alter table public.w_given enable row level security;
create table public.w_text (id uuid primary key, owner_id uuid, open boolean not null default false, state text not null default 'new', count integer not null default 0, mark text, named varchar(36) not null);
alter table public.w_text enable row level security;
-- What is surely changed and deleted: by a key, by what it is, by whose it is.
create function public.close_it(p uuid) returns void language sql security definer set search_path = '' as
$$ update public.w_key set state = 'closed', count = count + 1 where id = p; $$;
create function public.drop_it(p uuid) returns void language plpgsql security definer set search_path = '' as
$$ begin delete from public.w_gone where id = p; if not found then raise exception 'none'; end if; end $$;
create function public.close_open(p uuid) returns void language sql security definer set search_path = '' as
$$ update public.w_some set state = 'closed' where id = p and open $$;
create function public.close_mine(p uuid) returns void language plpgsql security definer set search_path = '' as
$$ begin if auth.uid() is null then raise exception 'no'; end if; update public.w_mine set state = 'closed' where id = p and owner_id = auth.uid(); end $$;
-- A row that was looked up decides, whatever was written by then.
create function public.close_logged(p uuid) returns void language plpgsql security definer set search_path = '' as
$$ declare r public.w_looked%rowtype; begin select * into r from public.w_looked where id = p; if not found or r.state <> 'new' then return; end if; insert into public.log_entries (of, said) values (p, 'closed'); update public.w_looked set state = 'closed' where id = p; end $$;
-- What is put in: whose it is, the caller says.
create function public.put_in(p uuid, o uuid, m text) returns void language sql security definer set search_path = '' as
$$ insert into public.w_put (id, owner_id, mark) values (p, o, m) $$;
create function public.count_up(p uuid, o uuid) returns void language sql security definer set search_path = '' as
$$ insert into public.w_upsert (id, owner_id) values (p, o) on conflict (id) do update set count = public.w_upsert.count + 1 $$;
-- Nothing is written: a constraint or a trigger refuses, a value does not fit, a later statement fails.
create function public.break_check(p uuid) returns void language sql security definer set search_path = '' as
$$ update public.w_check set state = 'odd' where id = p $$;
create function public.break_null(p uuid) returns void language sql security definer set search_path = '' as
$$ update public.w_null set state = null where id = p $$;
create function public.break_length(p uuid) returns void language sql security definer set search_path = '' as
$$ update public.w_long set code = 'too long' where id = p $$;
create function public.break_domain(p uuid) returns void language sql security definer set search_path = '' as
$$ update public.w_domain set code = 'no' where id = p $$;
create function public.touch_it(p uuid) returns void language sql security definer set search_path = '' as
$$ update public.w_trigger set state = 'closed' where id = p $$;
create function public.refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
create trigger refuse before update on public.w_trigger for each row execute function public.refuse();
create function public.swallowed(p uuid) returns void language sql security definer set search_path = '' as
$$ delete from public.w_swallow where id = p $$;
create function public.swallow() returns trigger language plpgsql as $$ begin return null; end $$;
create trigger swallow before delete on public.w_swallow for each row execute function public.swallow();
create function public.fails_later(p uuid) returns void language plpgsql security definer set search_path = '' as
$$ begin update public.w_later set state = 'closed' where id = p; perform 'x'::text::int; end $$;
create function public.log_fails(p uuid) returns void language plpgsql security definer set search_path = '' as
$$ begin delete from public.w_log where id = p; insert into public.log_entries (of, said) values (p, 'this is much longer than what the check of the table allows'); end $$;
create function public.undone(p uuid) returns void language plpgsql security definer set search_path = '' as
$$ begin begin delete from public.w_undone where id = p; raise exception 'back'; exception when others then null; end; end $$;
create function public.put_null(p uuid) returns void language sql security definer set search_path = '' as
$$ insert into public.w_filled (id, owner_id, state) values (gen_random_uuid(), p, null) $$;
-- Other rows than those that were asked about: they were moved before, or another one is meant.
create function public.moved_first(p uuid) returns void language plpgsql security definer set search_path = '' as
$$ begin update public.w_moved set state = 'moved' where id = p; delete from public.w_moved where id = p and state = 'new'; end $$;
create function public.owner_given(p uuid) returns void language plpgsql security definer set search_path = '' as
$$ begin insert into public.w_given (id, owner_id, mark) values (p, auth.uid(), 'x'); end $$;
create function public.owner_as_text(p uuid) returns void language sql security definer set search_path = '' as
$$ insert into public.w_text (id, named) values (p, auth.uid()::text) $$;
create table public.w_stable (id uuid primary key, owner_id uuid, open boolean not null default false, state text not null default 'new', count integer not null default 0, mark text);
alter table public.w_stable enable row level security;
create table public.w_after (id uuid primary key, owner_id uuid, open boolean not null default false, state text not null default 'new', count integer not null default 0, mark text);
alter table public.w_after enable row level security;
-- What is no volatile function may not write, and what is deleted afterwards was not changed.
create function public.stable_write(p uuid) returns void language sql stable security definer set search_path = '' as
$$ update public.w_stable set state = 'closed' where id = p $$;
create function public.change_and_drop(p uuid) returns void language plpgsql security definer set search_path = '' as
$$ begin update public.w_after set state = 'closed' where id = p; delete from public.w_after where id = p; end $$;
-- What belongs to a list of one's own is one's own, when both are named by the same argument.
create table public.w_lists (id uuid primary key, owner_id uuid not null, mark text);
alter table public.w_lists enable row level security;
create table public.w_items (id uuid primary key, list_id uuid not null references public.w_lists (id), mark text);
alter table public.w_items enable row level security;
create function public.empty_list(p uuid) returns void language plpgsql security definer set search_path = '' as
$$ begin
  if not exists (select 1 from public.w_lists where id = p and owner_id = auth.uid()) then raise exception 'not yours'; end if;
  delete from public.w_items where list_id = p;
end $$;
-- It fails whoever calls: the key by which it looks for a row is a variable's name as well.
create function public.named_as_key(p uuid, o uuid) returns table (id uuid) language plpgsql security definer set search_path = '' as
$$ begin insert into public.w_twice (id, owner_id) values (p, o) on conflict (id) do update set count = 7; end $$;
-- @seed
insert into public.w_key (id, owner_id, open, mark) select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, n = 1, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.w_gone (id, owner_id, open, mark) select id, owner_id, open, mark || 'y1' from public.w_key;
insert into public.w_some (id, owner_id, open, mark) select id, owner_id, open, mark || 'y2' from public.w_key;
insert into public.w_mine (id, owner_id, open, mark) select id, owner_id, open, mark || 'y3' from public.w_key;
insert into public.w_looked (id, owner_id, open, mark) select id, owner_id, open, mark || 'y4' from public.w_key;
insert into public.w_put (id, owner_id, open, mark) select id, owner_id, open, mark || 'y5' from public.w_key;
insert into public.w_twice (id, owner_id, open, mark) select id, owner_id, open, mark || 'z9' from public.w_key;
insert into public.w_upsert (id, owner_id, open, mark) select id, owner_id, open, mark || 'y6' from public.w_key;
insert into public.w_check (id, owner_id, open, mark) select id, owner_id, open, mark || 'y7' from public.w_key;
insert into public.w_null (id, owner_id, open, mark) select id, owner_id, open, mark || 'y8' from public.w_key;
insert into public.w_long (id, owner_id, open, mark) select id, owner_id, open, mark || 'y9' from public.w_key;
insert into public.w_domain (id, owner_id, open, mark) select id, owner_id, open, mark || 'y10' from public.w_key;
insert into public.w_trigger (id, owner_id, open, mark) select id, owner_id, open, mark || 'y11' from public.w_key;
insert into public.w_swallow (id, owner_id, open, mark) select id, owner_id, open, mark || 'y12' from public.w_key;
insert into public.w_later (id, owner_id, open, mark) select id, owner_id, open, mark || 'y13' from public.w_key;
insert into public.w_log (id, owner_id, open, mark) select id, owner_id, open, mark || 'y14' from public.w_key;
insert into public.w_undone (id, owner_id, open, mark) select id, owner_id, open, mark || 'y15' from public.w_key;
insert into public.w_filled (id, owner_id, open, mark) select id, owner_id, open, mark || 'y16' from public.w_key;
insert into public.w_moved (id, owner_id, open, mark) select id, owner_id, open, mark || 'y17' from public.w_key;
insert into public.w_given (id, owner_id, open, mark) select id, owner_id, open, mark || 'y18' from public.w_key;
insert into public.w_text (id, owner_id, open, mark, named) select id, owner_id, open, mark || 'y19', owner_id::text from public.w_key;
insert into public.w_lists select id, owner_id, mark || 'y98' from public.w_key;
insert into public.w_items select id, id, mark || 'y99' from public.w_key;
insert into public.w_stable (id, owner_id, mark) select id, owner_id, mark || 'z1' from public.w_key;
insert into public.w_after (id, owner_id, mark) select id, owner_id, mark || 'z2' from public.w_key;
-- @calls
select public.stable_write('aaaaaaaa-0000-4000-8000-100000000010')
select public.change_and_drop('aaaaaaaa-0000-4000-8000-100000000010')
select public.stable_write('aaaaaaaa-0000-4000-8000-100000000020')
select public.change_and_drop('aaaaaaaa-0000-4000-8000-100000000020')
select public.stable_write('bbbbbbbb-0000-4000-8000-100000000010')
select public.change_and_drop('bbbbbbbb-0000-4000-8000-100000000010')
select public.stable_write('bbbbbbbb-0000-4000-8000-100000000020')
select public.change_and_drop('bbbbbbbb-0000-4000-8000-100000000020')
select public.stable_write('cccccccc-0000-4000-8000-100000000010')
select public.change_and_drop('cccccccc-0000-4000-8000-100000000010')
select public.stable_write('cccccccc-0000-4000-8000-100000000020')
select public.change_and_drop('cccccccc-0000-4000-8000-100000000020')
select public.empty_list('aaaaaaaa-0000-4000-8000-100000000010')
select public.empty_list('aaaaaaaa-0000-4000-8000-100000000020')
select public.empty_list('bbbbbbbb-0000-4000-8000-100000000010')
select public.empty_list('bbbbbbbb-0000-4000-8000-100000000020')
select public.empty_list('cccccccc-0000-4000-8000-100000000010')
select public.empty_list('cccccccc-0000-4000-8000-100000000020')
select public.close_it('aaaaaaaa-0000-4000-8000-100000000010')
select public.close_it('aaaaaaaa-0000-4000-8000-100000000020')
select public.close_it('bbbbbbbb-0000-4000-8000-100000000010')
select public.close_it('bbbbbbbb-0000-4000-8000-100000000020')
select public.close_it('cccccccc-0000-4000-8000-100000000010')
select public.close_it('cccccccc-0000-4000-8000-100000000020')
select public.drop_it('aaaaaaaa-0000-4000-8000-100000000010')
select public.drop_it('aaaaaaaa-0000-4000-8000-100000000020')
select public.drop_it('bbbbbbbb-0000-4000-8000-100000000010')
select public.drop_it('bbbbbbbb-0000-4000-8000-100000000020')
select public.drop_it('cccccccc-0000-4000-8000-100000000010')
select public.drop_it('cccccccc-0000-4000-8000-100000000020')
select public.close_open('aaaaaaaa-0000-4000-8000-100000000010')
select public.close_open('aaaaaaaa-0000-4000-8000-100000000020')
select public.close_open('bbbbbbbb-0000-4000-8000-100000000010')
select public.close_open('bbbbbbbb-0000-4000-8000-100000000020')
select public.close_open('cccccccc-0000-4000-8000-100000000010')
select public.close_open('cccccccc-0000-4000-8000-100000000020')
select public.close_mine('aaaaaaaa-0000-4000-8000-100000000010')
select public.close_mine('aaaaaaaa-0000-4000-8000-100000000020')
select public.close_mine('bbbbbbbb-0000-4000-8000-100000000010')
select public.close_mine('bbbbbbbb-0000-4000-8000-100000000020')
select public.close_mine('cccccccc-0000-4000-8000-100000000010')
select public.close_mine('cccccccc-0000-4000-8000-100000000020')
select public.close_logged('aaaaaaaa-0000-4000-8000-100000000010')
select public.close_logged('aaaaaaaa-0000-4000-8000-100000000020')
select public.close_logged('bbbbbbbb-0000-4000-8000-100000000010')
select public.close_logged('bbbbbbbb-0000-4000-8000-100000000020')
select public.close_logged('cccccccc-0000-4000-8000-100000000010')
select public.close_logged('cccccccc-0000-4000-8000-100000000020')
select public.put_in('abababab-0000-4000-8000-100000000099', 'bbbbbbbb-0000-4000-8000-000000000001', '[new]')
select public.count_up('aaaaaaaa-0000-4000-8000-100000000010', 'bbbbbbbb-0000-4000-8000-000000000001')
select public.count_up('aaaaaaaa-0000-4000-8000-100000000020', 'bbbbbbbb-0000-4000-8000-000000000001')
select public.count_up('bbbbbbbb-0000-4000-8000-100000000010', 'bbbbbbbb-0000-4000-8000-000000000001')
select public.count_up('bbbbbbbb-0000-4000-8000-100000000020', 'bbbbbbbb-0000-4000-8000-000000000001')
select public.count_up('cccccccc-0000-4000-8000-100000000010', 'bbbbbbbb-0000-4000-8000-000000000001')
select public.count_up('cccccccc-0000-4000-8000-100000000020', 'bbbbbbbb-0000-4000-8000-000000000001')
select public.count_up('abababab-0000-4000-8000-100000000099', 'bbbbbbbb-0000-4000-8000-000000000001')
select public.break_check('aaaaaaaa-0000-4000-8000-100000000010')
select public.break_check('aaaaaaaa-0000-4000-8000-100000000020')
select public.break_check('bbbbbbbb-0000-4000-8000-100000000010')
select public.break_check('bbbbbbbb-0000-4000-8000-100000000020')
select public.break_check('cccccccc-0000-4000-8000-100000000010')
select public.break_check('cccccccc-0000-4000-8000-100000000020')
select public.break_null('aaaaaaaa-0000-4000-8000-100000000010')
select public.break_null('aaaaaaaa-0000-4000-8000-100000000020')
select public.break_null('bbbbbbbb-0000-4000-8000-100000000010')
select public.break_null('bbbbbbbb-0000-4000-8000-100000000020')
select public.break_null('cccccccc-0000-4000-8000-100000000010')
select public.break_null('cccccccc-0000-4000-8000-100000000020')
select public.break_length('aaaaaaaa-0000-4000-8000-100000000010')
select public.break_length('aaaaaaaa-0000-4000-8000-100000000020')
select public.break_length('bbbbbbbb-0000-4000-8000-100000000010')
select public.break_length('bbbbbbbb-0000-4000-8000-100000000020')
select public.break_length('cccccccc-0000-4000-8000-100000000010')
select public.break_length('cccccccc-0000-4000-8000-100000000020')
select public.break_domain('aaaaaaaa-0000-4000-8000-100000000010')
select public.break_domain('aaaaaaaa-0000-4000-8000-100000000020')
select public.break_domain('bbbbbbbb-0000-4000-8000-100000000010')
select public.break_domain('bbbbbbbb-0000-4000-8000-100000000020')
select public.break_domain('cccccccc-0000-4000-8000-100000000010')
select public.break_domain('cccccccc-0000-4000-8000-100000000020')
select public.touch_it('aaaaaaaa-0000-4000-8000-100000000010')
select public.touch_it('aaaaaaaa-0000-4000-8000-100000000020')
select public.touch_it('bbbbbbbb-0000-4000-8000-100000000010')
select public.touch_it('bbbbbbbb-0000-4000-8000-100000000020')
select public.touch_it('cccccccc-0000-4000-8000-100000000010')
select public.touch_it('cccccccc-0000-4000-8000-100000000020')
select public.swallowed('aaaaaaaa-0000-4000-8000-100000000010')
select public.swallowed('aaaaaaaa-0000-4000-8000-100000000020')
select public.swallowed('bbbbbbbb-0000-4000-8000-100000000010')
select public.swallowed('bbbbbbbb-0000-4000-8000-100000000020')
select public.swallowed('cccccccc-0000-4000-8000-100000000010')
select public.swallowed('cccccccc-0000-4000-8000-100000000020')
select public.fails_later('aaaaaaaa-0000-4000-8000-100000000010')
select public.fails_later('aaaaaaaa-0000-4000-8000-100000000020')
select public.fails_later('bbbbbbbb-0000-4000-8000-100000000010')
select public.fails_later('bbbbbbbb-0000-4000-8000-100000000020')
select public.fails_later('cccccccc-0000-4000-8000-100000000010')
select public.fails_later('cccccccc-0000-4000-8000-100000000020')
select public.log_fails('aaaaaaaa-0000-4000-8000-100000000010')
select public.log_fails('aaaaaaaa-0000-4000-8000-100000000020')
select public.log_fails('bbbbbbbb-0000-4000-8000-100000000010')
select public.log_fails('bbbbbbbb-0000-4000-8000-100000000020')
select public.log_fails('cccccccc-0000-4000-8000-100000000010')
select public.log_fails('cccccccc-0000-4000-8000-100000000020')
select public.undone('aaaaaaaa-0000-4000-8000-100000000010')
select public.undone('aaaaaaaa-0000-4000-8000-100000000020')
select public.undone('bbbbbbbb-0000-4000-8000-100000000010')
select public.undone('bbbbbbbb-0000-4000-8000-100000000020')
select public.undone('cccccccc-0000-4000-8000-100000000010')
select public.undone('cccccccc-0000-4000-8000-100000000020')
select public.put_null('aaaaaaaa-0000-4000-8000-100000000010')
select public.put_null('aaaaaaaa-0000-4000-8000-100000000020')
select public.put_null('bbbbbbbb-0000-4000-8000-100000000010')
select public.put_null('bbbbbbbb-0000-4000-8000-100000000020')
select public.put_null('cccccccc-0000-4000-8000-100000000010')
select public.put_null('cccccccc-0000-4000-8000-100000000020')
select public.moved_first('aaaaaaaa-0000-4000-8000-100000000010')
select public.moved_first('aaaaaaaa-0000-4000-8000-100000000020')
select public.moved_first('bbbbbbbb-0000-4000-8000-100000000010')
select public.moved_first('bbbbbbbb-0000-4000-8000-100000000020')
select public.moved_first('cccccccc-0000-4000-8000-100000000010')
select public.moved_first('cccccccc-0000-4000-8000-100000000020')
select public.owner_given('abababab-0000-4000-8000-100000000099')
select public.owner_as_text('abababab-0000-4000-8000-100000000099')
select * from public.named_as_key('aaaaaaaa-0000-4000-8000-100000000010', 'bbbbbbbb-0000-4000-8000-000000000001')
select * from public.named_as_key('aaaaaaaa-0000-4000-8000-100000000020', 'bbbbbbbb-0000-4000-8000-000000000001')
select * from public.named_as_key('bbbbbbbb-0000-4000-8000-100000000010', 'bbbbbbbb-0000-4000-8000-000000000001')
select * from public.named_as_key('bbbbbbbb-0000-4000-8000-100000000020', 'bbbbbbbb-0000-4000-8000-000000000001')
select * from public.named_as_key('cccccccc-0000-4000-8000-100000000010', 'bbbbbbbb-0000-4000-8000-000000000001')
select * from public.named_as_key('cccccccc-0000-4000-8000-100000000020', 'bbbbbbbb-0000-4000-8000-000000000001')
select * from public.named_as_key('abababab-0000-4000-8000-100000000099', 'bbbbbbbb-0000-4000-8000-000000000001')
-- @measures
anon public.w_items none none none none
authenticated public.w_items none none none own
anon public.w_key none none all none
anon public.w_gone none none none all
anon public.w_some none none some none
anon public.w_mine none none none none
authenticated public.w_mine none none own none
anon public.w_looked none none all none
anon public.w_put none some none none
anon public.w_upsert none some all none
anon public.w_check none none none none
anon public.w_null none none none none
anon public.w_long none none none none
anon public.w_domain none none none none
anon public.w_trigger none none none none
anon public.w_swallow none none none none
anon public.w_later none none none none
anon public.w_log none none none none
anon public.w_undone none none none none
anon public.w_filled none none none none
anon public.w_moved none none all none
anon public.w_given none none none none
authenticated public.w_given none own none none
authenticated public.w_text none own none none
anon public.w_stable none none none none
anon public.w_after none none none all
anon public.w_twice none none none none
