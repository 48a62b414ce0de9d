-- What a customer's invoices and payments come to, kept as numbers to be added up: whatever changes
-- an invoice, a payment or an allocation writes the difference as a row of its own. So two who
-- change what is one customer's never wait for each other; rows are added together now and then
-- (reconciler/store/customer_sums.py). Tried out in tests/store/test_customer_sums.py.
-- Each row that was written counts once as it is now, and once less as it was before. None of the
-- three is ever deleted.

create or replace function sum_new_invoices() returns trigger language plpgsql as $$
begin
  insert into customer_sum (customer_id, currency, billed, credited, paid, invoices, open, part,
    settled, drafts)
  select customer_id, currency,
    coalesce(sum(total) filter (where state = 'sent'), 0),
    coalesce(sum(credited) filter (where state = 'sent'), 0),
    coalesce(sum(paid) filter (where state = 'sent'), 0),
    count(*),
    count(*) filter (where state = 'sent' and outstanding > 0),
    count(*) filter (where state = 'sent' and outstanding > 0 and paid > 0),
    count(*) filter (where state = 'sent' and outstanding = 0),
    count(*) filter (where state = 'draft')
  from added group by customer_id, currency;
  return null;
end $$;

create or replace function sum_changed_invoices() returns trigger language plpgsql as $$
begin
  insert into customer_sum (customer_id, currency, billed, credited, paid, invoices, open, part,
    settled, drafts)
  select * from (
    select customer_id, currency,
      coalesce(sum(n * total) filter (where state = 'sent'), 0) as billed,
      coalesce(sum(n * credited) filter (where state = 'sent'), 0) as credited,
      coalesce(sum(n * paid) filter (where state = 'sent'), 0) as paid,
      sum(n) as invoices,
      coalesce(sum(n) filter (where state = 'sent' and outstanding > 0), 0) as open,
      coalesce(sum(n) filter (where state = 'sent' and outstanding > 0 and paid > 0), 0) as part,
      coalesce(sum(n) filter (where state = 'sent' and outstanding = 0), 0) as settled,
      coalesce(sum(n) filter (where state = 'draft'), 0) as drafts
    from (
      select 1 as n, customer_id, currency, state, total, credited, paid, outstanding from added
      union all
      select -1, customer_id, currency, state, total, credited, paid, outstanding from gone) w
    group by customer_id, currency) d
  where (billed, credited, paid, invoices, open, part, settled, drafts)
    <> (0, 0, 0, 0, 0, 0, 0, 0);
  return null;
end $$;

-- What a payment keeps is its customer's credit, less what of it is set against documents.
create or replace function sum_new_payments() returns trigger language plpgsql as $$
begin
  insert into customer_sum (customer_id, currency, credit)
  select customer_id, currency, sum(captured - refunded - lost)
  from added where customer_id is not null and currency is not null
  group by customer_id, currency having sum(captured - refunded - lost) <> 0;
  return null;
end $$;

-- A payment whose customer becomes known brings along what is set against documents already.
create or replace function sum_changed_payments() returns trigger language plpgsql as $$
begin
  insert into customer_sum (customer_id, currency, credit)
  select customer_id, currency, sum(kept) from (
    select customer_id, currency, captured - refunded - lost as kept from added
    union all
    select customer_id, currency, refunded + lost - captured from gone) w
  where customer_id is not null and currency is not null
  group by customer_id, currency having sum(kept) <> 0;
  if exists (select from added join gone using (id) where
      (added.customer_id, added.currency) is distinct from (gone.customer_id, gone.currency)) then
    insert into customer_sum (customer_id, currency, credit)
    select s.customer_id, s.currency, sum(s.n * a.amount)
    from added join gone using (id) join allocation a on a.payment_id = added.id
      cross join lateral (values (-1, added.customer_id, added.currency),
        (1, gone.customer_id, gone.currency)) s(n, customer_id, currency)
    where (added.customer_id, added.currency) is distinct from (gone.customer_id, gone.currency)
      and s.customer_id is not null and s.currency is not null
    group by s.customer_id, s.currency having sum(s.n * a.amount) <> 0;
  end if;
  return null;
end $$;

create or replace function sum_new_allocations() returns trigger language plpgsql as $$
begin
  insert into customer_sum (customer_id, currency, credit)
  select p.customer_id, p.currency, -sum(w.amount)
  from added w join payment p on p.id = w.payment_id
  where w.amount <> 0 and p.customer_id is not null and p.currency is not null
  group by p.customer_id, p.currency;
  return null;
end $$;

create or replace function sum_changed_allocations() returns trigger language plpgsql as $$
begin
  insert into customer_sum (customer_id, currency, credit)
  select p.customer_id, p.currency, sum(w.amount) from (
    select payment_id, -amount as amount from added
    union all select payment_id, amount from gone) w join payment p on p.id = w.payment_id
  where p.customer_id is not null and p.currency is not null
  group by p.customer_id, p.currency having sum(w.amount) <> 0;
  return null;
end $$;

create trigger sum_new_invoices after insert on invoice
  referencing new table as added for each statement execute function sum_new_invoices();
create trigger sum_changed_invoices after update on invoice
  referencing new table as added old table as gone
  for each statement execute function sum_changed_invoices();
create trigger sum_new_payments after insert on payment
  referencing new table as added for each statement execute function sum_new_payments();
create trigger sum_changed_payments after update on payment
  referencing new table as added old table as gone
  for each statement execute function sum_changed_payments();
create trigger sum_new_allocations after insert on allocation
  referencing new table as added for each statement execute function sum_new_allocations();
create trigger sum_changed_allocations after update on allocation
  referencing new table as added old table as gone
  for each statement execute function sum_changed_allocations();
