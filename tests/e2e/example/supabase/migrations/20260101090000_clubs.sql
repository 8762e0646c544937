-- A reading club: members keep notes on books, and publish those that they want to.
create table public.books (
  id bigint generated always as identity primary key,
  title text not null,
  author text not null
);
alter table public.books enable row level security;
revoke insert, update, delete, truncate on public.books from anon, authenticated;
create policy "the catalogue is public" on public.books for select using (true);
