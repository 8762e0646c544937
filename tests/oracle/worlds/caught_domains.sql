-- Handlers of errors around domains: a CHECK refuses what the cast itself would take, NULL among it, also on the way.
create domain public.present as text check (value is not null);
create domain public.word as text check (value ~ '^[a-z]+$');
create domain public.filled as text not null;
create domain public.nested as public.present;
create domain public.given as uuid check (value is not null);
create type public.pair as (a text, b public.present);
-- Casts, arguments, results, variables, assignments.
create function public.by_cast() returns boolean language plpgsql stable as
$$ begin return ((auth.jwt() ->> 'plan')::public.present = 'x')::boolean; exception when others then return true; end $$;
create function public.by_not_null() returns boolean language plpgsql stable as
$$ begin return (auth.jwt() ->> 'plan')::public.filled = 'x'; exception when not_null_violation then return true; end $$;
create function public.by_nested() returns boolean language plpgsql stable as
$$ begin return (auth.jwt() ->> 'plan')::public.nested = 'x'; exception when check_violation then return true; end $$;
create function public.by_array() returns boolean language plpgsql stable as
$$ begin return (array[auth.jwt() ->> 'plan']::public.present[])[1] = 'x'; exception when check_violation then return true; end $$;
create function public.takes(plan public.present) returns boolean language sql stable as $$ select plan = 'x' $$;
create function public.by_argument() returns boolean language plpgsql stable as
$$ begin return public.takes(auth.jwt() ->> 'plan'); exception when others then return true; end $$;
create function public.gives() returns public.present language sql stable as $$ select auth.jwt() ->> 'plan' $$;
create function public.by_result() returns boolean language plpgsql stable as
$$ begin return public.gives() = 'x'; exception when others then return true; end $$;
-- What is returned becomes the function's type once the handler is gone.
create function public.by_returned() returns public.present language plpgsql stable as
$$ begin return auth.jwt() ->> 'plan'; exception when others then return 'x'; end $$;
-- Of these nothing but the domain on the way may fail.
create function public.said_cast() returns text language plpgsql stable as
$$ begin return (auth.jwt() ->> 'plan')::public.present::text; exception when others then return 'x'; end $$;
create function public.said_nested() returns text language plpgsql stable as
$$ begin return (auth.jwt() ->> 'plan')::public.nested::text; exception when others then return 'x'; end $$;
create function public.said_not_null() returns text language plpgsql stable as
$$ begin return (auth.jwt() ->> 'plan')::public.filled::text; exception when others then return 'x'; end $$;
create function public.said_given() returns uuid language plpgsql stable as
$$ begin return (auth.jwt() ->> 'plan')::public.given::uuid; exception when others then return '11111111-1111-4111-8111-111111111111'; end $$;
create function public.same(plan public.present) returns text language sql stable as $$ select plan::text $$;
create function public.said_argument() returns text language plpgsql stable as
$$ begin return public.same(auth.jwt() ->> 'plan'); exception when others then return 'x'; end $$;
create function public.mine() returns public.present language sql stable as $$ select auth.jwt() ->> 'plan' $$;
create function public.said_result() returns text language plpgsql stable as
$$ begin return public.mine()::text; exception when others then return 'x'; end $$;
create function public.said_lax() returns text language plpgsql stable as
$$ begin return (auth.jwt() ->> 'plan')::uuid::text; exception when others then return 'x'; end $$;
create function public.by_variable() returns boolean language plpgsql stable as
$$ declare plan public.present := 'y'; begin plan := auth.jwt() ->> 'plan'; return false; exception when others then return true; end $$;
-- The block's own declarations are outside of its handler.
create function public.by_declared() returns boolean language plpgsql stable as
$$ begin declare plan public.present := auth.jwt() ->> 'plan'; begin return plan = 'x'; end; exception when others then return true; end $$;
create function public.by_row() returns boolean language plpgsql stable as
$$ begin return (row('a', auth.jwt() ->> 'plan')::public.pair).b = 'x'; exception when others then return true; end $$;
create function public.by_coalesce() returns boolean language plpgsql stable as
$$ begin return coalesce((auth.jwt() ->> 'plan')::public.given, auth.uid()) is null; exception when others then return true; end $$;
create function public.by_word() returns boolean language plpgsql stable as
$$ begin return 'NO'::text::public.word = 'x'; exception when others then return true; end $$;
create function public.by_assert() returns boolean language plpgsql stable as
$$ begin assert auth.jwt() ->> 'plan' is not null; return false; exception when assert_failure then return true; end $$;
-- Another error than the one that is caught ends the statement: nobody gets by.
create function public.other_error() returns boolean language plpgsql stable as
$$ begin return (auth.jwt() ->> 'plan')::public.present = 'x'; exception when unique_violation then return true; end $$;
-- This takes NULL, and the handler says nothing.
create domain public.lax as text check (value <> '');
create function public.by_lax() returns boolean language plpgsql stable as
$$ begin return (auth.jwt() ->> 'plan')::public.lax = 'x'; exception when others then return true; end $$;
do $$ declare one text; begin
  for one in select unnest(array['cast', 'not_null', 'nested', 'array', 'argument', 'result', 'variable', 'declared', 'row', 'coalesce', 'word', 'lax']) loop
    execute format('create table public.t_%s (id uuid primary key, user_id uuid, mark text)', one);
    execute format('alter table public.t_%s enable row level security', one);
    execute format('create policy p on public.t_%s for select using (public.by_%s())', one, one);
  end loop;
end $$;
do $$ declare one text; begin
  for one in select unnest(array['cast', 'nested', 'not_null', 'argument', 'result', 'lax']) loop
    execute format('create table public.t_said_%s (id uuid primary key, user_id uuid, mark text)', one);
    execute format('alter table public.t_said_%s enable row level security', one);
    execute format('create policy p on public.t_said_%s for select using (public.said_%s() = ''x'')', one, one);
  end loop;
end $$;
create table public.t_said_given (id uuid primary key, user_id uuid, mark text);
alter table public.t_said_given enable row level security;
create policy p on public.t_said_given for select using (public.said_given() is not null);
create table public.t_returned (id uuid primary key, user_id uuid, mark text);
alter table public.t_returned enable row level security;
create policy p on public.t_returned for select using (public.by_returned() = 'x');
create table public.t_other (id uuid primary key, user_id uuid, mark text);
alter table public.t_other enable row level security;
create policy p on public.t_other for select using (public.other_error());
-- @seed
do $$ declare one text; begin
  for one in select relname from pg_class where relnamespace = 'public'::regnamespace and relname like 't\_%' and relkind = 'r' loop
    execute format($f$insert into public.%I select format('%%s-0000-4000-8000-1000000000%%s0', repeat(o, 8), n)::uuid,
      case o when 'c' then null else format('%%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%%s%%s%%s]', o, n, %L)
      from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n$f$, one, one);
  end loop;
end $$;
-- @claims
{"plan": "free"}
-- @measures
anon public.t_cast all none none none
anon public.t_not_null all none none none
anon public.t_nested all none none none
anon public.t_array all none none none
anon public.t_argument all none none none
anon public.t_result all none none none
anon public.t_returned none none none none
anon public.t_said_cast all none none none
anon public.t_said_nested all none none none
anon public.t_said_not_null all none none none
anon public.t_said_given all none none none
anon public.t_said_argument all none none none
anon public.t_said_result all none none none
anon public.t_said_lax none none none none
anon public.t_variable all none none none
anon public.t_declared all none none none
anon public.t_row all none none none
anon public.t_coalesce all none none none
anon public.t_word all none none none
anon public.t_other none none none none
anon public.t_lax none none none none
