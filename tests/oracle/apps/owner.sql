-- Everybody keeps notes of one's own; a profile is made at sign-up and changed by whom it is of.
create table public.profiles (id uuid primary key references auth.users on delete cascade, display_name text, mark text);
create table public.notes (id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users on delete cascade, title text not null, mark text);
create index on public.notes (user_id);
alter table public.profiles enable row level security;
alter table public.notes enable row level security;
create policy "Users can view their own profile" on public.profiles for select to authenticated
  using ((select auth.uid()) = id);
create policy "Users can update their own profile" on public.profiles for update to authenticated
  using ((select auth.uid()) = id) with check ((select auth.uid()) = id);
create policy "Users can view their own notes" on public.notes for select to authenticated
  using ((select auth.uid()) = user_id);
create policy "Users can create their own notes" on public.notes for insert to authenticated
  with check ((select auth.uid()) = user_id);
create policy "Users can change their own notes" on public.notes for update to authenticated
  using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
create policy "Users can delete their own notes" on public.notes for delete to authenticated
  using ((select auth.uid()) = user_id);
create function public.handle_new_user() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into public.profiles (id, display_name) values (new.id, new.raw_user_meta_data ->> 'name');
  return new;
end $$;
revoke execute on function public.handle_new_user() from public, anon, authenticated;
create trigger on_auth_user_created after insert on auth.users for each row execute function public.handle_new_user();
-- @seed
update public.profiles set mark = format('[profile %s]', id) where true;
insert into public.notes select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, 'a title', format('[note %s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
-- @measures
authenticated public.notes own own own own
authenticated public.profiles own none own none
anon public.notes none none none none
anon public.profiles none none none none
