-- Casts with a length or a scale change the value: cut, padded, rounded; and domains refuse what is NULL.
create domain public.given as text check (value is not null);
create table public.names (user_id uuid primary key, name text not null, padded char(8), amount numeric(6,1), mark text);
alter table public.names enable row level security;
create policy r on public.names for select using (user_id = auth.uid());
create function public.short(word varchar(5)) returns boolean language sql stable as $$ select word = 'admin' $$;
create function public.short_result(word text) returns varchar(5) language sql stable as $$ select word $$;
create function public.short_variable(word text) returns boolean language plpgsql stable as
$$ declare cut varchar(5); begin cut := word; return cut = 'admin'; exception when string_data_right_truncation then return false; end $$;
create function public.cut_variable(word text) returns boolean language plpgsql stable as
$$ declare cut varchar(5); begin cut := word::varchar(5); return cut = 'admin'; end $$;
create function public.rounded(amount numeric) returns boolean language sql stable as $$ select amount::numeric(6,1) = 1.5 $$;
create function public.rounded_variable(amount numeric) returns boolean language plpgsql stable as
$$ declare kept numeric(6,1) := amount; begin return kept = 1.5; end $$;
create function public.rounded_int(amount numeric) returns boolean language plpgsql stable as
$$ declare kept int := amount; begin return kept = 2; end $$;
create function public.padded(word char(8)) returns boolean language sql stable as $$ select word = 'admin' $$;
create function public.plan() returns text language sql stable set search_path = public as
$$ select coalesce((auth.jwt() ->> 'plan')::given::text, 'none') $$;
create domain public.lax as text check (value <> '');
create function public.lax_plan() returns text language sql stable set search_path = public as
$$ select coalesce((auth.jwt() ->> 'plan')::lax::text, 'none') $$;
create function public.of_given(plan public.given) returns boolean language sql stable as $$ select plan is null or plan = 'x' $$;
do $$ declare one record; begin
  for one in select * from (values
      ('cut', $c$'admin-x'::varchar(5) = 'admin'$c$),
      ('cut_text', $c$'admin-x'::varchar(5)::text = 'admin-x'$c$),
      ('cut_not', $c$'admin-x'::varchar(5) <> 'admin-x'$c$),
      ('cut_claim', $c$'no-user'::varchar(2) = any (array['no', 'yes'])$c$),
      ('cut_array', $c$(array['admin-x']::varchar(5)[])[1] = 'admin'$c$),
      ('cut_bits', $c$b'1011'::bit(2) = b'10'$c$),
      ('arg_not_cut', $c$public.short('admin-x')$c$),
      ('arg_cut', $c$public.short('admin-x'::varchar(5))$c$),
      ('result_not_cut', $c$public.short_result('admin-x') = 'admin'$c$),
      ('assigned', $c$public.short_variable('admin-x')$c$),
      ('assigned_cut', $c$public.cut_variable('admin-x')$c$),
      ('pad_equal', $c$'admin'::char(8) = 'admin   '::char(10)$c$),
      ('pad_text', $c$'admin'::char(8)::text = 'admin'$c$),
      ('pad_like', $c$'admin'::char(8) like 'admin'$c$),
      ('pad_varchar', $c$'admin   '::varchar(8) = 'admin'$c$),
      ('pad_length', $c$length('admin'::char(8)) = 5$c$),
      ('pad_octets', $c$octet_length('admin'::char(8)) = 5$c$),
      ('pad_concat', $c$'admin'::char(8) || '!' = 'admin!'$c$),
      ('pad_in', $c$'admin'::char(8) in ('admin  ', 'x')$c$),
      ('pad_unknown', $c$'admin'::char(8) = 'admin  '$c$),
      ('pad_of_text', $c$'admin'::char(8) = 'admin  '::text$c$),
      ('pad_one', $c$'admin'::char = 'a'$c$),
      ('pad_arg', $c$public.padded('admin  ')$c$),
      ('round_up', $c$1.45::numeric(6,1) = 1.5$c$),
      ('round_even', $c$2.5::numeric(6,0) = 3$c$),
      ('round_neg', $c$(-1.45)::numeric(6,1) = -1.5$c$),
      ('round_hundreds', $c$149.9::numeric(6,-2) = 100$c$),
      ('round_over', $c$99999.96::numeric(6,1) = 100000.0$c$),
      ('round_int', $c$1.5::int = 2$c$),
      ('round_int_even', $c$2.5::int = 3$c$),
      ('round_float', $c$2.5::float8::int = 2$c$),
      ('round_fn', $c$public.rounded(1.45)$c$),
      ('round_var', $c$public.rounded_variable(1.45)$c$),
      ('round_assigned', $c$public.rounded_int(1.5)$c$),
      ('round_text', $c$1.50::numeric(6,2)::text = '1.5'$c$),
      ('stamp', $c$'2001-01-01 00:00:00.6'::timestamp(0) = '2001-01-01 00:00:01'::timestamp$c$),
      ('stamp_tz', $c$'2001-01-01 00:00:00.4+00'::timestamptz(0) = '2001-01-01 00:00:00+00'::timestamptz$c$),
      ('held', $c$exists (select from public.names n where n.user_id = auth.uid() and n.padded = 'staff')$c$),
      ('held_text', $c$exists (select from public.names n where n.user_id = auth.uid() and n.padded::text = 'staff   ')$c$),
      ('domain_null', $c$(auth.jwt() ->> 'plan')::public.given is null$c$),
      ('domain_coalesce', $c$coalesce((auth.jwt() ->> 'plan')::public.given, 'none') = 'none'$c$),
      ('own_cut', $c$user_id::text::varchar(8) = auth.uid()::text::varchar(8)$c$),
      ('domain_literal', $c$null::public.given is null$c$),
      ('domain_body', $c$public.plan() = 'none'$c$),
      ('domain_lax', $c$public.lax_plan() = 'none'$c$),
      ('domain_argument', $c$public.of_given(auth.jwt() ->> 'plan')$c$),
      ('mark_cut', $c$mark::varchar(3) = '[na'$c$),
      ('mark_pad', $c$mark::char(20) = mark$c$)
    ) v (name, condition) loop
    execute format('create table public.t_%s (id uuid primary key, user_id uuid, mark text)', one.name);
    execute format('alter table public.t_%s enable row level security', one.name);
    execute format('create policy p on public.t_%s for select using (%s)', one.name, one.condition);
  end loop;
end $$;
-- @seed
insert into public.names (user_id, name, padded, amount) values ('aaaaaaaa-0000-4000-8000-000000000001', 'admin-x', 'user', 1.45);
update public.names set mark = '[' || user_id || ']' where true;
do $$ declare one text; begin
  for one in select relname from pg_class where relnamespace = 'public'::regnamespace and relname like 't\_%' and relkind = 'r' loop
    execute format($f$insert into public.%I select format('%%s-0000-4000-8000-1000000000%%s0', repeat(o, 8), n)::uuid,
      case o when 'c' then null else format('%%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%%s%%s%%s]', o, n, %L)
      from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n$f$, one, one);
  end loop;
end $$;
-- @measures
anon public.t_cut all none none none
anon public.t_cut_text none none none none
anon public.t_cut_not all none none none
anon public.t_arg_not_cut none none none none
anon public.t_arg_cut all none none none
anon public.t_result_not_cut none none none none
anon public.t_assigned none none none none
anon public.t_assigned_cut all none none none
anon public.t_pad_equal all none none none
anon public.t_pad_text all none none none
anon public.t_pad_like none none none none
anon public.t_pad_varchar none none none none
anon public.t_pad_octets none none none none
anon public.t_pad_of_text none none none none
anon public.t_pad_arg all none none none
anon public.t_round_up all none none none
anon public.t_round_neg all none none none
anon public.t_round_over none none none none
anon public.t_round_text none none none none
anon public.t_round_fn all none none none
anon public.t_round_var all none none none
anon public.t_stamp all none none none
authenticated public.t_own_cut own none none none
anon public.t_mark_cut some none none none
anon public.t_domain_null none none none none
anon public.t_domain_coalesce none none none none
anon public.t_domain_literal none none none none
anon public.t_domain_body none none none none
anon public.t_domain_lax all none none none
anon public.t_domain_argument none none none none
