create table public.notes (
  id bigint generated always as identity primary key,
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  book_id bigint not null references public.books (id),
  body text not null,
  published boolean not null default false
);
alter table public.notes enable row level security;
revoke all on public.notes from anon;
revoke truncate on public.notes from authenticated;
create policy "members keep their own notes" on public.notes for all to authenticated
  using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
