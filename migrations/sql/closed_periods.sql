-- Nothing is posted into books that are closed. Tried out in tests/services/test_closings.py.

-- Who closes waits for those who are posting, and who posts for the one who closes: a shared and an
-- exclusive lock of the same number. The function is volatile, so that it reads after the lock.
create or replace function first_open_day() returns date language plpgsql volatile as $$
declare
  closed date;
begin
  perform pg_advisory_xact_lock_shared(7201956);
  select through into closed from books_closing order by seq desc limit 1;
  return coalesce(closed + 1, date '-infinity');
end $$;

create or replace function closed_periods_stay_closed() returns trigger language plpgsql as $$
declare
  opens date := first_open_day();
  found text;
begin
  select key into found from added
    where coalesce(posted_on, (at at time zone 'UTC')::date) < opens limit 1;
  if found is not null then
    raise exception 'the books are closed through %: % cannot be posted', opens - 1, found
      using errcode = 'check_violation', constraint = 'closed_periods_stay_closed';
  end if;
  return null;
end $$;

create trigger closed_periods_stay_closed after insert on journal_entry
  referencing new table as added for each statement
  execute function closed_periods_stay_closed();

create or replace function nobody_posts_meanwhile() returns trigger language plpgsql as $$
begin
  perform pg_advisory_xact_lock(7201956);
  return null;
end $$;

create trigger nobody_posts_meanwhile before insert on books_closing
  for each statement execute function nobody_posts_meanwhile();

create trigger append_only before update or delete or truncate on books_closing
  for each statement execute function append_only();
