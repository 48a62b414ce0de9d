"""For each law, what has to be done to sound books so that they break it."""

PAYMENT = "(select id from payment where rail = 'stripe')"
INVOICE = "(select id from invoice where number = 'INV-1')"
DEPOSIT = "(select id from deposit)"
ENTRY = "(select min(id) from journal_entry)"
OTHER_ACCOUNT = "(select max(id) from ledger_account)"
A_REFUND = f"""insert into refund (id, payment_id, amount, currency, reason, treatment, status,
    requested_by, requested_at, needs_second_person)
  values ('rfd_1', {PAYMENT}, 100, 'USD', 'other', 'credit', 'approved', 'ann', now(), false)"""
A_LEG = f"""insert into refund_leg (id, refund_id, payment_id, amount, status, reference)
  values ('leg_1', 'rfd_1', {PAYMENT}, 100, 'approved', 'rfd_1')"""
A_DISPUTE = f"""insert into dispute (id, payment_id, rail_dispute_id, kind, stage, status, decision,
    opened_at, updated_at)
  values ('dsp_1', {PAYMENT}, 'du_1', 'chargeback', 'lost', 'lost', 'undecided', now(), now())"""
A_PAYMENT = """insert into payment (id, rail, account, rail_payment_id, currency, captured, status,
    facts, booked, occurred_at, created_at, updated_at)
  values ('pay_2', 'stripe', 'own', 'pi_2', '{currency}', {captured}, 'captured',
    '{facts}', '{{}}', now(), now(), now())"""
FACTS = '{{"rail": "stripe", "account": "own", "payment_id": "pi_2"{more}}}'


def no_check(table: str, name: str) -> str:
    return f"alter table {table} drop constraint {name}"


PLANTED: dict[str, list[str]] = {
    "questions_are_as_old_as_what_they_are_about": [
        f"""insert into review_item (id, kind, subject, payment_id, state, details, opened_at, rev,
          happened_at)
        values ('rev_1', 'unmatched_payment', {PAYMENT}, {PAYMENT}, 'open', '{{}}', now(), 1,
          now())"""
    ],
    "entries_balance_in_each_currency": [
        f"update posting set amount = amount + 1 where entry_id = {ENTRY} and line = 1"
    ],
    "entries_have_two_sides": [f"delete from posting where entry_id = {ENTRY} and line = 2"],
    "the_trial_balance_is_zero": [
        f"update posting set amount = amount + 1 where entry_id = {ENTRY} and line = 1"
    ],
    "totals_by_day_are_their_postings": [
        f"""insert into ledger_day (account_id, day, debit, credit)
          select account_id, '2026-11-22', 1, 0 from posting where entry_id = {ENTRY} limit 1"""
    ],
    "sums_of_customers_are_their_documents": ["update customer_sum set paid = paid + 1"],
    "sums_of_movements_are_those_of_the_rail": ["update movement_sum set amount = amount + 1"],
    "what_is_not_tied_is_kept": ["update untied_batch set amounts = array[1 + amounts[1]]"],
    "suspense_is_found_by_its_keys": [
        "update ledger_account set role = 'suspense', rail = '' where role = 'clearing'"
    ],
    "reversals_mirror_what_they_reverse": [
        f"""update journal_entry set reverses = (select min(key) from journal_entry
          where id <> {ENTRY}) where id = {ENTRY}"""
    ],
    "every_change_names_its_cause": [f"update journal_entry set cause_id = ' ' where id = {ENTRY}"],
    "payments_keep_what_they_did_not_give_away": [
        f"update payment set captured = captured + 1 where id = {PAYMENT}"
    ],
    "invoices_are_paid_by_their_claims": [
        "update invoice set paid = paid - 1 where state = 'sent'"
    ],
    "invoices_owe_what_the_ledger_says": ["update invoice set total = total + 1"],
    "projects_cost_what_their_change_orders_say": [
        "update project set approved_price = approved_price + 1"
    ],
    "change_orders_follow_each_other": ["update change_order set price_before = price_before + 1"],
    "projects_plan_and_bill_no_more_than_was_approved": [
        "update milestone set amount = amount + 20001 where kind = 'final'"
    ],
    "milestones_are_billed_once_and_no_more_than_they_are": [
        "update invoice set total = total + 1 where milestone_id is not null"
    ],
    "sign_offs_are_what_was_signed": ["update sign_off set signed = signed || ' and more'"],
    "bank_fees_are_those_of_tied_lines": [
        f"""insert into bank_line (id, statement_id, bank_account, identity, booked_on, amount,
          currency, text, reference, counterparty, bank_reference, state, target_kind, target_id,
          tied_by, fee, fee_why)
        select 'bln_1', 'stm_1', 'Giro', '1', current_date, captured - 5, currency, '', '', '', '',
          'tied', 'receipt', id, 'ann', 5, 'Wire fee' from payment where id = {PAYMENT}"""
    ],
    "credit_notes_add_up": [
        "update invoice set credit_notes = credit_notes + 1 where state = 'sent'"
    ],
    "short_payments_are_booked_as_bank_fees": [
        f"""insert into short_payment (id, invoice_id, amount, reason, cause_kind, cause_id,
          created_at) values ('fee_1', {INVOICE}, 5, 'x', 'person', 'ann', now())"""
    ],
    "lines_and_tax_add_up": ["update invoice_line set net = net + 1"],
    "tax_goes_with_what_is_credited": [
        "update invoice set tax_credited = tax_credited + 1 where tax > 0"
    ],
    "tax_is_owed_as_invoices_say": ["update invoice set tax = tax + 1 where tax > 0"],
    "write_offs_are_booked_as_losses": ["update invoice set write_offs = 1 where state = 'sent'"],
    "losses_are_taken_back_as_decided": [
        f"""update allocation set written_off = 1 where payment_id = {PAYMENT}
          and invoice_id is not null"""
    ],
    "deposits_are_applied_refunded_or_remain": ["update deposit set received = received + 1"],
    "receivables_add_up": ["update invoice set total = total + 1"],
    "deposits_add_up": ["update deposit set received = received + 1"],
    "unapplied_cash_adds_up": [f"update payment set captured = captured + 1 where id = {PAYMENT}"],
    "refunds_stay_within_what_was_captured": [
        A_REFUND,
        A_LEG,
        f"""update payment set refunded = captured where id = {PAYMENT}""",
    ],
    "one_refund_asked_for_is_one_on_the_rail": [
        f"""update payment set facts = facts || '{{"refunds": {{
          "re_1": {{"id": "re_1", "amount": 1, "reference": "same"}},
          "re_2": {{"id": "re_2", "amount": 1, "reference": "same"}}}}}}' where id = {PAYMENT}"""
    ],
    "refunds_go_back_where_the_money_came_from": [
        A_REFUND,
        A_LEG,
        A_PAYMENT.format(
            currency="USD",
            captured=0,
            facts=FACTS.format(
                more=', "refunds": {"re_9": {"id": "re_9", "amount": 1, "reference": "rfd_1"}}'
            ),
        ),
    ],
    "refund_legs_add_up": [A_REFUND, A_LEG.replace("100", "99")],
    "another_way_has_a_closed_rail_and_two_people": [
        A_REFUND,
        A_LEG,
        """update refund_leg set route = 'hand', method = 'cash', routed_by = 'ann',
          settled_by = 'ben', status = 'manual'""",
    ],
    "what_is_asked_by_hand_goes_by_no_rail": [
        A_REFUND,
        A_LEG,
        "update refund set method = 'hand'",
    ],
    "decisions_stay_within_their_refund": [
        f"""insert into refund_decision (id, payment_id, rail_refund_id, amount, treatment,
          cause_kind, cause_id, created_at)
        values ('rdc_1', {PAYMENT}, 're_none', 1, 'credit', 'person', 'ann', now())"""
    ],
    "refunds_under_way_are_what_was_approved": [
        A_REFUND,
        A_LEG,
        "update refund set approved_terms = refund_terms(id)",
        "update refund set reason = 'fraudulent'",
    ],
    "money_stays_in_its_currency": ["update invoice set currency = 'EUR'"],
    "no_event_is_left_behind": [
        "delete from inbox_outcome where seq = (select min(seq) from inbox_event)",
        "update inbox_horizon set seq = (select max(seq) from inbox_event)",
    ],
    "applied_events_name_their_payment": [
        "update inbox_outcome set payment_id = 'pay_nobody' where status = 'applied'"
    ],
    "payments_say_what_their_facts_say": [
        f"update payment set booked = '{{}}' where id = {PAYMENT}"
    ],
    "disputes_say_what_facts_and_people_say": [A_DISPUTE],
    "movements_of_no_payment_are_those_of_the_rail": [
        """insert into rail_object
          (rail, account, kind, object_id, amount, currency, state, made_at)
        values ('stripe', 'own', 'balance_transaction', 'txn_nobody', 5, 'USD', 'fee', now())"""
    ],
    "rail_objects_are_those_of_the_facts": [
        "update rail_object set amount = amount + 1 where kind = 'charge'"
    ],
    "clearing_equals_the_rails_movements": [
        f"""update posting set amount = sign(amount) * (abs(amount) + 5) where entry_id = (
          select id from journal_entry where key like '%/captured/%'
            and payment_id = {PAYMENT})"""
    ],
    "movements_of_no_payment_are_booked": [
        """insert into balance_movement (rail, account, rail_movement_id, amount, fee, currency,
          category, kind, balance_type, moved_at, created_at)
        values ('stripe', 'own', 'txn_9', -5, 0, 'USD', 'fee', 'stripe_fee', 'payments', now(),
          now())"""
    ],
    "clearing_belongs_to_something": [
        """update journal_entry set payment_id = null where key like '%/captured/%'"""
    ],
    "payouts_say_what_their_facts_say": [
        """insert into payout (id, rail, account, rail_payout_id, currency, amount, status, facts,
          occurred_at, created_at, updated_at)
        values ('po_1', 'stripe', 'own', 'po_9', 'USD', 5, 'paid', '{"rail": "stripe",
          "account": "own", "payout_id": "po_9", "currency": "USD", "amount": 5, "stage": 2}',
          now(), now(), now())"""
    ],
    "bills_are_paid_by_what_is_on_them": ["update bill_payment set amount = amount + 1"],
    "bills_owe_what_the_ledger_says": ["update bill set total = total + 1 where state = 'open'"],
    "bill_lines_and_tax_add_up": ["update bill_line set net = net + 1"],
    "expenses_are_what_bills_say": ["update bill_line set category = 'another'"],
    "input_tax_is_what_bills_say": [
        "update bill set tax = tax - 1 where tax > 0",
        "update prepayment set tax = tax - 1 where tax > 0",
    ],
    "prepayments_are_applied_refunded_or_remain": ["update vendor_refund set closed_at = now()"],
    "vendor_credit_lines_and_tax_add_up": [
        "update prepayment set tax = tax + 1 where kind = 'credit_note'"
    ],
    "payables_add_up": ["update bill set paid = paid + 1 where state = 'open'"],
    "prepayments_add_up": ["update prepayment set refunded = refunded + 1"],
    "prepayments_stay_with_their_vendor_and_currency": ["update prepayment set currency = 'EUR'"],
    "closed_books_stand_as_they_were_closed": [
        """insert into books_closing (through, cause_kind, cause_id, at)
        values ('2026-12-31', 'person', 'ann', now())"""
    ],
    "the_audit_trail_is_unbroken": ["update audit_line set subject = subject || '!' where seq = 2"],
}

# As the facts have it, so have the objects that are made of them.
A_RAIL_REFUND = """insert into rail_object
    (rail, account, kind, object_id, payment_id, amount, currency, state, made_at, reference)
  values ('stripe', 'own', 'refund', '{id}', {payment}, 1, 'USD', 'left', now(), '{reference}')"""
WATCHED = {
    "one_refund_asked_for_is_one_on_the_rail": [
        A_RAIL_REFUND.format(id=name, payment=PAYMENT, reference="same")
        for name in ("re_1", "re_2")
    ],
    "refunds_go_back_where_the_money_came_from": [
        A_RAIL_REFUND.format(id="re_9", payment="'pay_2'", reference="rfd_1")
    ],
}
