"""What books hold, by names by which people know it: so that two sets of them can be compared."""

from collections.abc import Iterator

import sqlalchemy as sa
from sqlmodel import Session

_ROWS_AT_A_TIME = 1_000
# All of it is read from one snapshot, which takes as long as it takes.
_PATIENT = sa.text(
    """select set_config('statement_timeout', '0', true),
      set_config('idle_in_transaction_session_timeout', '0', true)"""
)
# Questions that books ask by themselves; others are about how news came. In which words it is asked
# where money belongs depends on what was known then.
_MATCHING = """('unmatched_payment', 'ambiguous_match', 'overpayment', 'currency_mismatch',
  'invoice_not_payable')"""
_OF_THE_BOOKS = f"""(kind in {_MATCHING} or kind in ('refund_failed', 'external_refund', 'dispute',
  'manual_refund', 'unclassified_movement', 'payout_failed', 'payout_difference'))"""
_KIND = f"case when kind in {_MATCHING} then 'where it belongs' else kind end"
# What both books hold, under a name by which people know it.
HELD = {
    "the journal": """select concat_ws(' ', coalesce(e.payment_id, e.payout_id, ''),
        coalesce(e.invoice_id, e.deposit_id, ''), e.prepayment_id, e.bill_id), a.role,
        concat_ws(' ', a.rail, nullif(a.category, '')), a.currency,
        sum(x.amount)::bigint
      from posting x join journal_entry e on e.id = x.entry_id
        join ledger_account a on a.id = x.account_id
      group by 1, 2, 3, 4 having sum(x.amount) <> 0""",
    "closing": """select (row_number() over (order by seq))::text, '', '', '',
      concat_ws('/', through, reopened, why) from books_closing""",
    "customer": """select id, '', '', '', concat_ws('/', name, email, overpayment_policy,
      deposit_policy, part_payments) from customer""",
    "customer of a rail": """select rail, rail_customer_id, '', '', customer_id
      from customer_rail_id""",
    "vendor": "select id, '', '', '', concat_ws('/', name, email, notes) from vendor",
    "what is imported": """select subject_id, kind, '', '', external_id from imported_key""",
    "payment": """select id, '', '', coalesce(currency, ''), concat_ws('/', status, captured,
      refunded, lost, disputed, fee) from payment""",
    "payout": """select id, '', '', coalesce(currency, ''), concat_ws('/', status, amount,
      line_count, lines_net, listed_at is not null) from payout""",
    "payout line": """select payout_id, rail_movement_id, '', currency,
      concat_ws('/', amount, fee, category) from payout_line""",
    "bank statement": """select id, bank_account, '', '', concat_ws('/', digest, form, line_count,
      new_count, bad_count) from bank_statement""",
    "bank line": """select id, '', '', currency, concat_ws('/', statement_id, identity, booked_on,
      amount, state, target_kind, target_id, tied_by, fee, fee_why, why) from bank_line""",
    "part of a bank line": """select line_id, target_id, '', '', concat_ws('/', target_kind, amount)
      from bank_line_part""",
    "correction by a bank": """select id, line_id, '', coalesce(currency, ''), concat_ws('/', kind,
      state, amount, new_line_id, decided_by, why) from bank_correction""",
    "project": """select id, '', '', currency, concat_ws('/', original_price, approved_price,
      customer_id, name) from project""",
    "change order": """select project_id, number::text, '', '', concat_ws('/', price_before,
      price_after, reason, approved_by, approved_on, document) from change_order""",
    "milestone": """select id, '', '', currency, concat_ws('/', kind, amount, position, due_on,
      dropped_at is not null) from milestone""",
    "sign-off": """select milestone_id, version::text, '', '', concat_ws('/', source, sha256)
      from sign_off""",
    "proposal": """select id, '', '', currency, concat_ws('/', state, version, price, project_id,
      accepted_sha256) from proposal""",
    "refund": """select id, '', '', currency, concat_ws('/', status, amount, treatment, reason,
      method, approved_by) from refund""",
    "refund leg": """select id, refund_id, payment_id, '', concat_ws('/', status, amount, target_id,
      rail_refund_id, route, replaced_by) from refund_leg""",
    "decision on a refund": """select payment_id, rail_refund_id, coalesce(target_id, ''), '',
      concat_ws('/', treatment, amount) from refund_decision where closed_at is null""",
    "decision on a loss": """select payment_id, rail_dispute_id, '', '',
      (array_agg(decision order by seq desc))[1] from dispute_decision group by 1, 2""",
    "invoice": """select id, number, '', currency, concat_ws('/', state, total, tax, paid,
      credit_notes, bank_fees, refund_credits, write_offs, outstanding, customer_id, project_id,
      milestone_id, issued_on, coalesce(due_on::text, '-'), part_payments) from invoice""",
    "invoice line": """select invoice_id, place::text, '', '', concat_ws('/', quantity, unit_price,
      tax_rate, net, tax) from invoice_line""",
    "credit note": """select n.id, coalesce(n.number, ''), n.invoice_id, '', concat_ws('/',
      n.amount, n.tax, n.freed, n.reason, t.tax, t.reason)
      from credit_note n left join credit_note_taken_back t on t.credit_note_id = n.id""",
    "bank fee": """select id, invoice_id, coalesce(payment_id, ''), '', concat_ws('/', amount,
      reason, closed_at is not null) from short_payment""",
    "object of a rail": """select rail, object_id, '', '', coalesce(invoice_id, deposit_id)
      from rail_reference""",
    "deposit": """select id, code, '', currency, concat_ws('/', amount, received, applied,
      forfeited, refunded,
      customer_id, project_id, milestone_id, taken_on, coalesce(due_on::text, '-'),
      coalesce(work_began_on::text, '-'), forfeit_once_begun, coalesce(forfeit_within_days, -1),
      forfeit_kept, ended_why, coalesce(expires_on::text, '-')) from deposit""",
    "bill": """select id, number, '', currency, concat_ws('/', state, total, tax, paid, vendor_id,
      issued_on, due_on) from bill""",
    "bill line": """select bill_id, place::text, '', '', concat_ws('/', category, unit_price, net)
      from bill_line""",
    "payment of a bill": """select id, bill_id, '', '', concat_ws('/', amount, paid_on, reference,
      closed_at is not null) from bill_payment""",
    "refund by a vendor": """select id, prepayment_id, '', '', concat_ws('/', amount, received_on,
      reference, closed_at is not null) from vendor_refund""",
    "use of a prepayment": """select id, prepayment_id, bill_id, '', concat_ws('/', amount,
      closed_at is not null) from prepayment_application""",
    "prepayment": """select id, code, '', currency, concat_ws('/', kind, amount, tax, applied,
      refunded, voided_at is not null, vendor_id, paid_on) from prepayment""",
    "credit note of a vendor": """select prepayment_id || '/' || place, category, '', '',
      concat_ws('/', quantity, unit_price, tax_rate, net, tax) from vendor_credit_line""",
    "claim": """select concat_ws(' ', payment_id, coalesce(invoice_id, deposit_id)), '', '', '',
      concat_ws('/', sum(amount), sum(credited), sum(reopened), sum(written_off))
      from allocation group by 1
      having sum(amount) <> 0 or sum(credited + reopened + written_off) <> 0""",
    "application": """select concat_ws(' ', deposit_id, invoice_id), '', '', '',
      concat_ws('/', sum(amount), sum(credited), sum(reopened), sum(written_off))
      from application group by 1
      having sum(amount) <> 0 or sum(credited + reopened + written_off) <> 0""",
    "question": f"""select {_KIND}, subject, '', coalesce(currency, ''),
      coalesce(amount::text, 'asked') from review_item where state = 'open' and {_OF_THE_BOOKS}""",
}


_ANSWERED = sa.text(
    f"""select distinct {_KIND}, subject from review_item
    where state = 'resolved' and resolved_by !~ '^(event|job)/'"""
)


def answered(session: Session) -> set[tuple[str, ...]]:
    """What people have answered a question about, by kind and subject.

    Whether the like is asked again depends on the words that it had then.
    """
    return {tuple(row) for row in session.execute(_ANSWERED)}


def held(session: Session, noun: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is held of a noun, by id: that and the words beside it, then the amounts."""
    session.execute(_PATIENT)
    in_order = ", ".join(f'{name} collate "C"' for name in "abcd")
    statement = sa.text(
        f"select a, b, c, d, coalesce(held::text, '') from ({HELD[noun]}) h(a, b, c, d, held)"
        f" order by {in_order}"
    )
    found = session.execute(statement.execution_options(yield_per=_ROWS_AT_A_TIME))
    return ((tuple(row[:-1]), row[-1]) for row in found)
