-- Until when a bank takes an answer, in the rail's seconds: the order in which questions are to be
-- answered. What has no such end comes after all that has. Tried out in
-- tests/web/test_admin_question_order.py.

create or replace function answer_by_epoch(kind text, details jsonb) returns bigint
language sql immutable parallel safe as $$
  select coalesce(case when kind = 'dispute' and details ->> 'stage' = 'needs_response'
    then (details ->> 'evidence_due')::bigint end, 9223372036854775807)
$$;
