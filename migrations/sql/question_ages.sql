-- When what a question is about happened, kept beside it: a queue of thousands is sorted and dated by
-- it, and would look up each payment for that on every page. Tried out in
-- tests/services/test_question_ages.py.
-- Whichever comes first or changes last, the question or what it is about, brings it along.

create or replace function date_question() returns trigger language plpgsql as $$
begin
  if new.kind = 'dispute' then
    new.happened_at := (select d.opened_at from dispute d
      where d.payment_id = new.payment_id and d.rail_dispute_id = new.subject);
  elsif new.kind in ('ambiguous_match', 'currency_mismatch', 'invoice_not_payable', 'overpayment',
      'unmatched_payment') then
    new.happened_at := (select p.occurred_at from payment p where p.id = new.payment_id);
  end if;
  return new;
end $$;

create or replace function date_questions_of_payment() returns trigger language plpgsql as $$
begin
  update review_item set happened_at = new.occurred_at where payment_id = new.id
    and kind in ('ambiguous_match', 'currency_mismatch', 'invoice_not_payable', 'overpayment',
      'unmatched_payment');
  return null;
end $$;

create or replace function date_questions_of_dispute() returns trigger language plpgsql as $$
begin
  update review_item set happened_at = new.opened_at where payment_id = new.payment_id
    and kind = 'dispute' and subject = new.rail_dispute_id;
  return null;
end $$;

create trigger date_question before insert or update of payment_id on review_item
  for each row execute function date_question();
create trigger date_questions_of_payment after update of occurred_at on payment
  for each row when (old.occurred_at is distinct from new.occurred_at)
  execute function date_questions_of_payment();
create trigger date_questions_of_new_dispute after insert on dispute
  for each row execute function date_questions_of_dispute();
create trigger date_questions_of_dispute after update of opened_at on dispute
  for each row when (old.opened_at is distinct from new.opened_at)
  execute function date_questions_of_dispute();
