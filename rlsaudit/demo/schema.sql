-- Kilnhouse: bookings, clients and payments for pottery studios.
-- The first migration of the app; the hosting platform runs it as the role postgres.

-- ---------------------------------------------------------------------------------------------------------------------
-- People
-- ---------------------------------------------------------------------------------------------------------------------

-- What the app shows of a person. Priya and the rest of the support team have is_admin.
create table public.profiles (
  id uuid primary key references auth.users (id) on delete cascade,
  display_name text,
  bio text,
  is_admin boolean not null default false,
  created_at timestamptz not null default now()
);

alter table public.profiles enable row level security;

create policy "people see their own profile" on public.profiles
  for select to authenticated
  using ((select auth.uid()) = id);

create policy "people edit their own profile" on public.profiles
  for update to authenticated
  using ((select auth.uid()) = id)
  with check ((select auth.uid()) = id);

-- Plan and credit are set by the billing webhook, with the service key; people change their name and phone only.
create table public.billing_accounts (
  user_id uuid primary key references auth.users (id) on delete cascade,
  email text not null,
  full_name text,
  phone text,
  plan text not null default 'free',
  credit_cents integer not null default 0
);

alter table public.billing_accounts enable row level security;

create policy "people see their own billing account" on public.billing_accounts
  for select to authenticated
  using ((select auth.uid()) = user_id);

create policy "people edit their own billing account" on public.billing_accounts
  for update to authenticated
  using ((select auth.uid()) = user_id)
  with check ((select auth.uid()) = user_id);

revoke all on public.billing_accounts from anon, authenticated;
grant select on public.billing_accounts to authenticated;
grant update (full_name, phone) on public.billing_accounts to authenticated;

-- A profile and a billing account for everybody who signs up.
create function public.handle_new_user() returns trigger
  language plpgsql security definer set search_path = ''
as $$
begin
  insert into public.profiles (id, display_name) values (new.id, new.raw_user_meta_data ->> 'name');
  insert into public.billing_accounts (user_id, email, full_name)
    values (new.id, coalesce(new.email, ''), new.raw_user_meta_data ->> 'name');
  return new;
end;
$$;

create trigger on_auth_user_created
  after insert on auth.users
  for each row execute function public.handle_new_user();

-- The team page lists names, e-mails and who was here last.
create view public.user_directory as
  select id, email, raw_user_meta_data ->> 'name' as name, last_sign_in_at
  from auth.users;

-- Search box of the "share with" dialog.
create function public.find_people(term text) returns table (id uuid, full_name text, email text, phone text, plan text)
  language sql stable security definer set search_path = ''
as $$
  select b.user_id, b.full_name, b.email, b.phone, b.plan
  from public.billing_accounts b
  where b.full_name ilike '%' || term || '%' or b.email ilike '%' || term || '%'
  order by b.full_name;
$$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Studios and who works there
-- ---------------------------------------------------------------------------------------------------------------------

create table public.studios (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  address text,
  created_at timestamptz not null default now()
);

create table public.studio_members (
  studio_id uuid not null references public.studios (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  role text not null default 'staff' check (role in ('owner', 'staff')),
  primary key (studio_id, user_id)
);

create index on public.studio_members (user_id);

-- Security definer, so that the policies of studio_members can use them without going round in circles.
create function public.is_studio_member(studio uuid) returns boolean
  language sql stable security definer set search_path = ''
as $$
  select exists (
    select 1 from public.studio_members m where m.studio_id = studio and m.user_id = (select auth.uid())
  );
$$;

create function public.is_studio_owner(studio uuid) returns boolean
  language sql stable security definer set search_path = ''
as $$
  select exists (
    select 1 from public.studio_members m
    where m.studio_id = studio and m.user_id = (select auth.uid()) and m.role = 'owner'
  );
$$;

alter table public.studios enable row level security;
alter table public.studio_members enable row level security;

create policy "the team sees its studio" on public.studios
  for select to authenticated
  using (public.is_studio_member(id));

create policy "owners edit their studio" on public.studios
  for update to authenticated
  using (public.is_studio_owner(id))
  with check (public.is_studio_owner(id));

create policy "the team sees its colleagues" on public.studio_members
  for select to authenticated
  using (public.is_studio_member(studio_id));

create policy "owners add colleagues" on public.studio_members
  for insert to authenticated
  with check (public.is_studio_owner(studio_id));

create policy "owners remove colleagues" on public.studio_members
  for delete to authenticated
  using (public.is_studio_owner(studio_id));

-- A new studio belongs to whoever opens it.
create function public.create_studio(studio_name text) returns uuid
  language plpgsql security definer set search_path = ''
as $$
declare
  caller uuid := auth.uid();
  studio uuid;
begin
  if caller is null then
    raise exception 'sign in first' using errcode = 'insufficient_privilege';
  end if;
  insert into public.studios (name) values (studio_name) returning id into studio;
  insert into public.studio_members (studio_id, user_id, role) values (studio, caller, 'owner');
  return studio;
end;
$$;

-- Firings of the studio's kilns: the team keeps the log together.
create table public.firings (
  id uuid primary key default gen_random_uuid(),
  studio_id uuid not null references public.studios (id) on delete cascade,
  cone text not null,
  peak_celsius integer not null,
  remarks text,
  fired_on date not null default current_date
);

alter table public.firings enable row level security;

create policy "the team keeps the firing log" on public.firings
  for all to authenticated
  using (public.is_studio_member(studio_id))
  with check (public.is_studio_member(studio_id));

-- The studio's own list of customers, filled by hand or by CSV import.
create table public.clients (
  id uuid primary key default gen_random_uuid(),
  studio_id uuid not null references public.studios (id) on delete cascade,
  full_name text not null,
  email text,
  phone text,
  date_of_birth date,
  notes text,
  created_at timestamptz not null default now()
);

create index on public.clients (studio_id);

create table public.invoices (
  id uuid primary key default gen_random_uuid(),
  studio_id uuid not null references public.studios (id) on delete cascade,
  client_id uuid references public.clients (id) on delete set null,
  number text not null,
  amount_cents integer not null,
  status text not null default 'open' check (status in ('open', 'paid', 'void')),
  issued_on date not null default current_date,
  unique (studio_id, number)
);

-- Invoices are for the team of the studio that wrote them; only owners change them.
create policy "the team sees the invoices" on public.invoices
  for select to authenticated
  using (public.is_studio_member(studio_id));

create policy "owners write invoices" on public.invoices
  for insert to authenticated
  with check (public.is_studio_owner(studio_id));

create policy "owners correct invoices" on public.invoices
  for update to authenticated
  using (public.is_studio_owner(studio_id))
  with check (public.is_studio_owner(studio_id));

-- What an owner's dashboard shows in the top right corner.
create function public.studio_revenue(studio uuid) returns bigint
  language plpgsql stable security definer set search_path = ''
as $$
begin
  if not public.is_studio_owner(studio) then
    raise exception 'only owners see the revenue' using errcode = 'insufficient_privilege';
  end if;
  return (
    select coalesce(sum(i.amount_cents), 0) from public.invoices i where i.studio_id = studio and i.status = 'paid'
  );
end;
$$;

create table public.payouts (
  id uuid primary key default gen_random_uuid(),
  studio_id uuid not null references public.studios (id) on delete cascade,
  iban text not null,
  amount_cents integer not null,
  paid_on date not null default current_date
);

alter table public.payouts enable row level security;

create policy "owners see their payouts" on public.payouts
  for select to authenticated
  using (public.is_studio_owner(studio_id));

-- Summed up once a night, the dashboard was slow.
create materialized view public.payout_totals as
  select s.id as studio_id, s.name as studio, p.iban, sum(p.amount_cents) as total_cents, max(p.paid_on) as last_paid_on
  from public.payouts p
  join public.studios s on s.id = p.studio_id
  group by s.id, s.name, p.iban;

-- Accidents have to be recorded; only staff may read about them.
create table public.incident_reports (
  id uuid primary key default gen_random_uuid(),
  studio_id uuid not null references public.studios (id) on delete cascade,
  person text not null,
  what_happened text not null,
  happened_on date not null default current_date
);

alter table public.incident_reports enable row level security;

create policy "staff read incident reports" on public.incident_reports
  for select to authenticated
  using (((select auth.jwt()) -> 'user_metadata' ->> 'role') = 'staff');

-- ---------------------------------------------------------------------------------------------------------------------
-- Classes, bookings, waivers
-- ---------------------------------------------------------------------------------------------------------------------

create table public.classes (
  id uuid primary key default gen_random_uuid(),
  studio_id uuid not null references public.studios (id) on delete cascade,
  title text not null,
  description text,
  starts_at timestamptz not null,
  price_cents integer not null,
  published boolean not null default false
);

create index on public.classes (studio_id);

alter table public.classes enable row level security;

create policy "everybody sees published classes" on public.classes
  for select to anon, authenticated
  using (published = true);

create policy "the team sees drafts" on public.classes
  for select to authenticated
  using (public.is_studio_member(studio_id));

create policy "the team plans classes" on public.classes
  for insert to authenticated
  with check (public.is_studio_member(studio_id));

create policy "the team changes classes" on public.classes
  for update to authenticated
  using (public.is_studio_member(studio_id))
  with check (public.is_studio_member(studio_id));

create policy "owners delete classes" on public.classes
  for delete to authenticated
  using (public.is_studio_owner(studio_id));

create table public.bookings (
  id uuid primary key default gen_random_uuid(),
  class_id uuid not null references public.classes (id) on delete cascade,
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  seats integer not null default 1,
  health_note text,
  cancelled_at timestamptz,
  created_at timestamptz not null default now()
);

create index on public.bookings (user_id);

alter table public.bookings enable row level security;

create policy "people see their bookings" on public.bookings
  for select to authenticated
  using ((select auth.uid()) = user_id);

create policy "people book for themselves" on public.bookings
  for insert to authenticated
  with check ((select auth.uid()) = user_id);

-- Cancelling goes through here, so that a booking is never deleted.
create function public.cancel_booking(booking uuid) returns void
  language plpgsql security definer set search_path = ''
as $$
begin
  update public.bookings set cancelled_at = now() where id = booking and user_id = auth.uid();
  if not found then
    raise exception 'no such booking' using errcode = 'no_data_found';
  end if;
end;
$$;

create view public.my_bookings with (security_invoker = on) as
  select b.id, c.title, c.starts_at, b.seats, b.cancelled_at
  from public.bookings b
  join public.classes c on c.id = b.class_id;

-- The tablet at the front desk shows who is coming.
create view public.open_bookings as
  select id, class_id, user_id, seats, health_note, created_at
  from public.bookings
  where cancelled_at is null;

-- Signed on paper before the first class, typed in afterwards.
create table public.waivers (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  emergency_contact text not null,
  medical_conditions text,
  signed_on date not null default current_date
);

alter table public.waivers enable row level security;

create policy "Enable read access for all users" on public.waivers
  for select
  using (true);

create policy "Enable insert for users based on user_id" on public.waivers
  for insert to authenticated
  with check ((select auth.uid()) = user_id);

create policy "Enable update for all users" on public.waivers
  for update
  using (true);

-- ---------------------------------------------------------------------------------------------------------------------
-- Shop and payments
-- ---------------------------------------------------------------------------------------------------------------------

create table public.orders (
  id uuid primary key default gen_random_uuid(),
  customer_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  item text not null,
  total_cents integer not null,
  shipping_address text not null,
  status text not null default 'new',
  created_at timestamptz not null default now()
);

alter table public.orders enable row level security;

create policy "customers see orders" on public.orders
  for select
  using (auth.role() = 'authenticated');

create policy "customers place orders" on public.orders
  for insert to authenticated
  with check ((select auth.uid()) = customer_id);

-- Raw webhooks of the payment provider. The edge function that stores them has the service key, nobody else needs them.
create table public.payment_events (
  id text primary key,
  payload jsonb not null,
  received_at timestamptz not null default now()
);

alter table public.payment_events enable row level security;

-- ---------------------------------------------------------------------------------------------------------------------
-- Messages, circles, notebook
-- ---------------------------------------------------------------------------------------------------------------------

-- Messages between two people, in two parts: the old one moves to cheap storage some day.
create table public.messages (
  id uuid not null default gen_random_uuid(),
  sender_id uuid not null default auth.uid(),
  recipient_id uuid not null,
  body text not null,
  sent_at timestamptz not null default now(),
  primary key (id, sent_at)
) partition by range (sent_at);

create table public.messages_archive partition of public.messages
  for values from (minvalue) to ('2026-01-01 00:00+00');

alter table public.messages enable row level security;
alter table public.messages_archive enable row level security;

create policy "both sides read a message" on public.messages
  for select to authenticated
  using ((select auth.uid()) in (sender_id, recipient_id));

create policy "people send as themselves" on public.messages
  for insert to authenticated
  with check ((select auth.uid()) = sender_id);

-- Everything since the new year.
create table public.messages_current partition of public.messages
  for values from ('2026-01-01 00:00+00') to (maxvalue);

-- Circles are closed groups. Listed ones can be found by name, what is written inside stays inside.
create table public.circles (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  listed boolean not null default true
);

create table public.circle_members (
  circle_id uuid not null references public.circles (id) on delete cascade,
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  joined_at timestamptz not null default now(),
  primary key (circle_id, user_id)
);

create table public.circle_posts (
  id uuid primary key default gen_random_uuid(),
  circle_id uuid not null references public.circles (id) on delete cascade,
  author_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  body text not null,
  created_at timestamptz not null default now()
);

alter table public.circles enable row level security;
alter table public.circle_members enable row level security;
alter table public.circle_posts enable row level security;

create policy "listed circles can be found" on public.circles
  for select to authenticated
  using (listed = true);

create policy "people see where they belong" on public.circle_members
  for select to authenticated
  using ((select auth.uid()) = user_id);

create policy "people join" on public.circle_members
  for insert to authenticated
  with check ((select auth.uid()) = user_id);

create policy "people leave" on public.circle_members
  for delete to authenticated
  using ((select auth.uid()) = user_id);

create policy "members read posts" on public.circle_posts
  for select to authenticated
  using (
    exists (
      select 1 from public.circle_members m
      where m.circle_id = circle_posts.circle_id and m.user_id = (select auth.uid())
    )
  );

create policy "members write posts" on public.circle_posts
  for insert to authenticated
  with check (
    (select auth.uid()) = author_id
    and exists (
      select 1 from public.circle_members m
      where m.circle_id = circle_posts.circle_id and m.user_id = (select auth.uid())
    )
  );

-- A potter's notebook: recipes and failures, nobody else's business.
create table public.glaze_notes (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  title text not null,
  recipe text,
  created_at timestamptz not null default now()
);

create index on public.glaze_notes (user_id);

alter table public.glaze_notes enable row level security;

create policy "people read their notes" on public.glaze_notes
  for select to authenticated
  using ((select auth.uid()) = user_id);

create policy "people add notes" on public.glaze_notes
  for insert to authenticated
  with check ((select auth.uid()) = user_id);

create policy "people change their notes" on public.glaze_notes
  for update to authenticated
  using ((select auth.uid()) = user_id)
  with check ((select auth.uid()) = user_id);

create policy "people delete their notes" on public.glaze_notes
  for delete to authenticated
  using ((select auth.uid()) = user_id);

-- ---------------------------------------------------------------------------------------------------------------------
-- Support
-- ---------------------------------------------------------------------------------------------------------------------

create table public.support_tickets (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  subject text not null,
  body text not null,
  created_at timestamptz not null default now()
);

alter table public.support_tickets enable row level security;

create policy "people see their tickets" on public.support_tickets
  for select to authenticated
  using ((select auth.uid()) = user_id);

create policy "people open tickets" on public.support_tickets
  for insert to authenticated
  with check ((select auth.uid()) = user_id);

create policy "admins see all tickets" on public.support_tickets
  for select to authenticated
  using (
    exists (select 1 from public.profiles p where p.id = (select auth.uid()) and p.is_admin)
  );

-- Who did what, for disputes. There is no update and no delete policy: what is written stays written.
create table public.activity_log (
  id bigint generated always as identity primary key,
  user_id uuid not null default auth.uid(),
  action text not null,
  happened_at timestamptz not null default now()
);

alter table public.activity_log enable row level security;

create policy "people see what they did" on public.activity_log
  for select to authenticated
  using ((select auth.uid()) = user_id);

create policy "people log what they do" on public.activity_log
  for insert to authenticated
  with check ((select auth.uid()) = user_id);

-- ---------------------------------------------------------------------------------------------------------------------
-- Files
-- ---------------------------------------------------------------------------------------------------------------------

insert into storage.buckets (id, name, public) values
  ('portfolio', 'portfolio', false),
  ('contracts', 'contracts', false);

-- portfolio/<user id>/bowl.jpg
create policy "people keep their portfolio" on storage.objects
  for all to authenticated
  using (bucket_id = 'portfolio' and (storage.foldername(name))[1] = (select auth.uid())::text)
  with check (bucket_id = 'portfolio' and (storage.foldername(name))[1] = (select auth.uid())::text);

-- contracts/<studio id>/lease.pdf
create policy "contracts read" on storage.objects
  for select to authenticated
  using (bucket_id = 'contracts');

create policy "contracts upload" on storage.objects
  for insert to authenticated
  with check (bucket_id = 'contracts');

create policy "contracts replace" on storage.objects
  for update to authenticated
  using (bucket_id = 'contracts');
