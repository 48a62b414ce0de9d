-- The walls around the journal. Each is tried out in tests/store.

-- An entry has at least two postings and nets to nothing in each currency, checked when its
-- transaction commits.
create or replace function entry_balances() returns trigger language plpgsql as $$
declare
  counted integer;
  crooked text;
begin
  select count(*) into counted from posting where entry_id = new.id;
  if counted < 2 then
    raise exception 'journal entry % has % postings, it needs two', new.key, counted
      using errcode = 'check_violation', constraint = 'entry_has_two_sides';
  end if;
  select string_agg(net.currency || ' ' || net.amount, ', ') into crooked from (
    select a.currency, sum(p.amount) as amount
    from posting p join ledger_account a on a.id = p.account_id
    where p.entry_id = new.id group by a.currency having sum(p.amount) <> 0
  ) as net;
  if crooked is not null then
    raise exception 'journal entry % is out of balance by %', new.key, crooked
      using errcode = 'check_violation', constraint = 'entry_balances';
  end if;
  return null;
end $$;

create constraint trigger entry_balances after insert on journal_entry
  deferrable initially deferred for each row execute function entry_balances();

-- Postings come with their entry, in the same transaction and all in one statement, or not at all:
-- so the balance that was checked stays, whenever in that transaction it was checked.
create or replace function postings_come_with_their_entry() returns trigger language plpgsql as $$
begin
  if exists (
    select 1 from (select entry_id, count(*) as counted from added group by entry_id) a
    join journal_entry e on e.id = a.entry_id
    where e.xact <> pg_current_xact_id()::text::bigint
      or a.counted <> (select count(*) from posting p where p.entry_id = a.entry_id)
  ) then
    raise exception 'a posting was added to an entry that had its own already'
      using errcode = 'check_violation', constraint = 'postings_come_with_their_entry';
  end if;
  return null;
end $$;

create trigger postings_come_with_their_entry after insert on posting
  referencing new table as added for each statement
  execute function postings_come_with_their_entry();

-- What is written stays written. A correction is a new entry.
create or replace function append_only() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name
    using errcode = 'check_violation', constraint = 'append_only';
end $$;

create trigger append_only before update or delete or truncate on journal_entry
  for each statement execute function append_only();
create trigger append_only before update or delete or truncate on posting
  for each statement execute function append_only();
create trigger append_only before update or delete or truncate on ledger_account
  for each statement execute function append_only();

-- What a rail said is evidence.
create trigger append_only before update or delete or truncate on inbox_event
  for each statement execute function append_only();

-- An event's number is drawn before its row is written, and shows only at commit. So that the
-- horizon can tell which numbers may still appear, the transaction takes its id first.
create or replace function event_takes_its_transaction_first() returns trigger language plpgsql as $$
begin
  perform pg_current_xact_id();
  return null;
end $$;

create trigger event_takes_its_transaction_first before insert on inbox_event
  for each statement execute function event_takes_its_transaction_first();

insert into inbox_horizon (id) values (1);
insert into switch (name) values ('refunds'), ('apply'), ('outbound');
