-- Whatever changes movements on the balance of payments writes down by how much, and of whom they
-- are: of their payment, of the payout whose row they are, or of themselves. One row a statement and
-- currency, so that an event costs no more; the clock puts them with what was booked of each
-- (reconciler/store/untied.py).

create or replace function note_new_movements() returns trigger language plpgsql as $$
begin
  insert into untied_batch (rail, currency, subjects, amounts)
  select rail, currency, array_agg(subject), array_agg(amount) from (
    select w.rail, w.currency, w.amount, coalesce(w.payment_id, (select min(p.id) from payout p
      where p.rail = w.rail and p.account = w.account and p.facts -> 'rows' ? w.object_id),
      w.object_id) as subject
    from added w
    where w.kind = 'balance_transaction' and w.state not like '%/%' and w.amount <> 0) n
  group by rail, currency;
  return null;
end $$;

create or replace function note_changed_movements() returns trigger language plpgsql as $$
begin
  insert into untied_batch (rail, currency, subjects, amounts)
  select rail, currency, array_agg(subject), array_agg(amount) from (
    select rail, currency, subject, sum(amount)::bigint as amount from (
      select w.rail, w.currency, w.amount, coalesce(w.payment_id, (select min(p.id) from payout p
        where p.rail = w.rail and p.account = w.account and p.facts -> 'rows' ? w.object_id),
        w.object_id) as subject
      from (
        select rail, account, kind, object_id, payment_id, state, currency, amount from added
        union all
        select rail, account, kind, object_id, payment_id, state, currency, -amount from gone) w
      where w.kind = 'balance_transaction' and w.state not like '%/%') b
    group by rail, currency, subject having sum(amount) <> 0) n
  group by rail, currency;
  return null;
end $$;

create trigger note_new_movements after insert on rail_object
  referencing new table as added for each statement execute function note_new_movements();
create trigger note_changed_movements after update on rail_object
  referencing new table as added old table as gone
  for each statement execute function note_changed_movements();
