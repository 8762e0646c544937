-- Rows for Kilnhouse. Run as a superuser: it writes into auth and storage as well.
-- The trigger on auth.users makes a profile and a billing account for each person.

-- mara owns the studio Lehm, jonas owns Ofen; theo works at Lehm; ines only takes classes; priya is of the support team.
insert into auth.users (id, aud, role, email, email_confirmed_at, last_sign_in_at, raw_app_meta_data, raw_user_meta_data, created_at)
values
  ('a0000000-0000-4000-8000-000000000001', 'authenticated', 'authenticated', 'mara@example.com', '2025-02-01 08:00+00', '2026-03-01 09:12+00', '{"provider": "email"}', '{"name": "Mara Lind"}', '2025-02-01 08:00+00'),
  ('a0000000-0000-4000-8000-000000000002', 'authenticated', 'authenticated', 'jonas@example.com', '2025-02-03 10:00+00', '2026-03-02 18:40+00', '{"provider": "email"}', '{"name": "Jonas Brandt"}', '2025-02-03 10:00+00'),
  ('a0000000-0000-4000-8000-000000000003', 'authenticated', 'authenticated', 'theo@example.com', '2025-03-11 07:30+00', '2026-02-27 07:55+00', '{"provider": "email"}', '{"name": "Theo Okafor", "role": "staff"}', '2025-03-11 07:30+00'),
  ('a0000000-0000-4000-8000-000000000004', 'authenticated', 'authenticated', 'ines@example.com', '2025-05-20 19:00+00', '2026-03-03 20:01+00', '{"provider": "email"}', '{"name": "Ines Duarte"}', '2025-05-20 19:00+00'),
  ('a0000000-0000-4000-8000-000000000005', 'authenticated', 'authenticated', 'priya@example.com', '2025-01-15 09:00+00', '2026-03-03 08:00+00', '{"provider": "email"}', '{"name": "Priya Nair"}', '2025-01-15 09:00+00');

update public.profiles set is_admin = true where id = 'a0000000-0000-4000-8000-000000000005';

update public.billing_accounts set plan = 'studio', credit_cents = 12000, phone = '+49 30 5550101' where user_id = 'a0000000-0000-4000-8000-000000000001';
update public.billing_accounts set plan = 'studio', phone = '+49 30 5550102' where user_id = 'a0000000-0000-4000-8000-000000000002';
update public.billing_accounts set phone = '+351 21 5550104' where user_id = 'a0000000-0000-4000-8000-000000000004';

insert into public.studios (id, name, address) values
  ('b0000000-0000-4000-8000-000000000001', 'Lehm', 'Kastanienallee 7, Berlin'),
  ('b0000000-0000-4000-8000-000000000002', 'Ofen', 'Am Hafen 12, Hamburg');

insert into public.studio_members (studio_id, user_id, role) values
  ('b0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'owner'),
  ('b0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000003', 'staff'),
  ('b0000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000002', 'owner');

insert into public.firings (studio_id, cone, peak_celsius, remarks, fired_on) values
  ('b0000000-0000-4000-8000-000000000001', '06', 999, 'bisque, full load', '2026-02-10'),
  ('b0000000-0000-4000-8000-000000000001', '6', 1222, 'celadon test on the top shelf', '2026-02-17'),
  ('b0000000-0000-4000-8000-000000000002', '10', 1288, 'reduction from 1100', '2026-02-20');

insert into public.clients (id, studio_id, full_name, email, phone, date_of_birth, notes) values
  ('c0000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000001', 'Ines Duarte', 'ines@example.com', '+351 21 5550104', '1991-04-02', 'pays late'),
  ('c0000000-0000-4000-8000-000000000002', 'b0000000-0000-4000-8000-000000000001', 'Paul Weiss', 'paul@example.com', '+49 30 5550110', '1978-11-19', 'bad back, no wheel'),
  ('c0000000-0000-4000-8000-000000000003', 'b0000000-0000-4000-8000-000000000002', 'Aiko Mori', 'aiko@example.com', '+49 40 5550111', '1985-07-30', null),
  ('c0000000-0000-4000-8000-000000000004', 'b0000000-0000-4000-8000-000000000002', 'Lena Kurz', 'lena@example.com', '+49 40 5550112', '2009-01-05', 'a minor, mother brings her');

insert into public.invoices (studio_id, client_id, number, amount_cents, status, issued_on) values
  ('b0000000-0000-4000-8000-000000000001', 'c0000000-0000-4000-8000-000000000001', '2026-001', 18000, 'open', '2026-01-09'),
  ('b0000000-0000-4000-8000-000000000001', 'c0000000-0000-4000-8000-000000000002', '2026-002', 9500, 'paid', '2026-01-21'),
  ('b0000000-0000-4000-8000-000000000002', 'c0000000-0000-4000-8000-000000000003', '2026-001', 24000, 'paid', '2026-02-02');

insert into public.payouts (studio_id, iban, amount_cents, paid_on) values
  ('b0000000-0000-4000-8000-000000000001', 'DE02120300000000202051', 9100, '2026-02-01'),
  ('b0000000-0000-4000-8000-000000000001', 'DE02120300000000202051', 3300, '2026-03-01'),
  ('b0000000-0000-4000-8000-000000000002', 'DE02500105170137075030', 23100, '2026-03-01');

refresh materialized view public.payout_totals;

insert into public.incident_reports (studio_id, person, what_happened, happened_on) values
  ('b0000000-0000-4000-8000-000000000001', 'Paul Weiss', 'burned his hand on a kiln shelf', '2026-01-30'),
  ('b0000000-0000-4000-8000-000000000002', 'Lena Kurz', 'fainted, ambulance called', '2026-02-14');

insert into public.classes (id, studio_id, title, starts_at, price_cents, published) values
  ('d0000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000001', 'Wheel for beginners', '2026-04-04 10:00+00', 6500, true),
  ('d0000000-0000-4000-8000-000000000002', 'b0000000-0000-4000-8000-000000000001', 'Glazes, not yet announced', '2026-05-09 10:00+00', 8000, false),
  ('d0000000-0000-4000-8000-000000000003', 'b0000000-0000-4000-8000-000000000002', 'Raku by the water', '2026-06-13 14:00+00', 12000, true),
  ('d0000000-0000-4000-8000-000000000004', 'b0000000-0000-4000-8000-000000000002', 'Wood firing weekend, draft', '2026-07-04 08:00+00', 24000, false);

insert into public.bookings (id, class_id, user_id, seats, health_note, cancelled_at) values
  ('e0000000-0000-4000-8000-000000000001', 'd0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000004', 1, 'pregnant', null),
  ('e0000000-0000-4000-8000-000000000002', 'd0000000-0000-4000-8000-000000000003', 'a0000000-0000-4000-8000-000000000004', 2, null, null),
  ('e0000000-0000-4000-8000-000000000003', 'd0000000-0000-4000-8000-000000000003', 'a0000000-0000-4000-8000-000000000003', 1, 'epilepsy', null),
  ('e0000000-0000-4000-8000-000000000004', 'd0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000002', 1, null, '2026-03-01 12:00+00');

insert into public.waivers (user_id, emergency_contact, medical_conditions, signed_on) values
  ('a0000000-0000-4000-8000-000000000003', 'Ada Okafor, +49 30 5550120', 'epilepsy', '2025-03-12'),
  ('a0000000-0000-4000-8000-000000000004', 'Rui Duarte, +351 21 5550121', 'asthma', '2025-05-24');

insert into public.orders (customer_id, item, total_cents, shipping_address, status) values
  ('a0000000-0000-4000-8000-000000000001', 'stoneware, 20 kg', 3900, 'Kastanienallee 7, Berlin', 'sent'),
  ('a0000000-0000-4000-8000-000000000004', 'trimming tools', 2800, 'Rua das Flores 3, Lisboa', 'new'),
  ('a0000000-0000-4000-8000-000000000004', 'apron', 3200, 'Rua das Flores 3, Lisboa', 'sent');

insert into public.payment_events (id, payload) values
  ('evt_1', '{"type": "charge.succeeded", "customer": "ines@example.com", "card": "4242"}'),
  ('evt_2', '{"type": "payout.paid", "studio": "Ofen"}');

insert into public.messages (sender_id, recipient_id, body, sent_at) values
  ('a0000000-0000-4000-8000-000000000004', 'a0000000-0000-4000-8000-000000000001', 'Can I pay in two parts?', '2025-11-02 17:00+00'),
  ('a0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000004', 'Yes, and how are you feeling?', '2026-01-10 09:00+00'),
  ('a0000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000003', 'Would you like to work for me instead?', '2026-02-22 21:30+00');

insert into public.circles (id, name, listed) values
  ('f0000000-0000-4000-8000-000000000001', 'Studio owners', true),
  ('f0000000-0000-4000-8000-000000000002', 'Kiln builders', true),
  ('f0000000-0000-4000-8000-000000000003', 'Strike fund', false);

insert into public.circle_members (circle_id, user_id) values
  ('f0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001'),
  ('f0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000002'),
  ('f0000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000003'),
  ('f0000000-0000-4000-8000-000000000003', 'a0000000-0000-4000-8000-000000000003');

insert into public.circle_posts (circle_id, author_id, body) values
  ('f0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'I will have to let Theo go in June.'),
  ('f0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000002', 'I could take him.'),
  ('f0000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000003', 'Arch bricks to give away.');

insert into public.glaze_notes (user_id, title, recipe) values
  ('a0000000-0000-4000-8000-000000000001', 'Celadon 4', 'feldspar 44, silica 28, whiting 18, kaolin 10, iron 1'),
  ('a0000000-0000-4000-8000-000000000003', 'Shino that crawls', 'too much soda ash'),
  ('a0000000-0000-4000-8000-000000000003', 'Tenmoku', 'iron 8, cone 10');

insert into public.support_tickets (user_id, subject, body) values
  ('a0000000-0000-4000-8000-000000000002', 'Payout missing', 'My new IBAN is DE02500105170137075030.'),
  ('a0000000-0000-4000-8000-000000000004', 'Delete my health note', 'I wrote more than I wanted.');

insert into public.activity_log (user_id, action, happened_at) values
  ('a0000000-0000-4000-8000-000000000001', 'invoice 2026-001 sent', '2026-01-09 10:00+00'),
  ('a0000000-0000-4000-8000-000000000001', 'refund refused', '2026-02-11 11:00+00'),
  ('a0000000-0000-4000-8000-000000000004', 'booking made', '2026-03-03 20:02+00');

insert into storage.objects (bucket_id, name, owner_id, metadata) values
  ('portfolio', 'a0000000-0000-4000-8000-000000000003/bowl.jpg', 'a0000000-0000-4000-8000-000000000003', '{"size": 48213}'),
  ('portfolio', 'a0000000-0000-4000-8000-000000000004/vase.jpg', 'a0000000-0000-4000-8000-000000000004', '{"size": 51220}'),
  ('contracts', 'b0000000-0000-4000-8000-000000000001/lease.pdf', 'a0000000-0000-4000-8000-000000000001', '{"size": 210334}'),
  ('contracts', 'b0000000-0000-4000-8000-000000000002/theo-offer.pdf', 'a0000000-0000-4000-8000-000000000002', '{"size": 90112}');
