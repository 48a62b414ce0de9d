-- What a rail is known to have moved on the balance of payments, kept as numbers to be added up:
-- whatever changes its movements writes the difference (reconciler/store/movement_sums.py). Those
-- on another balance have a slash in their state. No movement is ever deleted.

create or replace function sum_new_movements() returns trigger language plpgsql as $$
begin
  insert into movement_sum (rail, currency, amount)
  select rail, currency, sum(amount) from added
  where kind = 'balance_transaction' and state not like '%/%'
  group by rail, currency having sum(amount) <> 0;
  return null;
end $$;

create or replace function sum_changed_movements() returns trigger language plpgsql as $$
begin
  insert into movement_sum (rail, currency, amount)
  select rail, currency, sum(amount) from (
    select rail, kind, state, currency, amount from added
    union all select rail, kind, state, currency, -amount from gone) w
  where kind = 'balance_transaction' and state not like '%/%'
  group by rail, currency having sum(amount) <> 0;
  return null;
end $$;

create trigger sum_new_movements after insert on rail_object
  referencing new table as added for each statement execute function sum_new_movements();
create trigger sum_changed_movements after update on rail_object
  referencing new table as added old table as gone
  for each statement execute function sum_changed_movements();
