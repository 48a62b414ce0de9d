"""The database refuses what must never be, also from our own login, whatever the program thinks."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.builders import (
    bill,
    captured,
    customer,
    deposit,
    invoice,
    named,
    observe,
    prepayment,
    vendor,
)
from tests.runtime import Office, open_office

ENTRY = """insert into journal_entry (id, key, cause_kind, cause_id, at)
    values ('je_1', 'key_1', 'person', 'usr_1', now())"""
POSTINGS = "insert into posting (entry_id, line, account_id, amount) values "


@pytest.fixture(scope="module")
def house(module_database_url: str, line, stripe_api) -> Iterator[Office]:
    """Books that hold something, and into which nobody gets anything."""
    office = open_office(module_database_url, line, stripe_api)
    ann = customer(office)
    invoice(office, "INV-1", 1_000, customer_id=ann)
    invoice(office, "INV-2", 1_000, customer_id=ann, send=False)
    deposit(office, "DEP-1", 500, customer_id=ann)
    oak = vendor(office)
    bill(office, "B-1", 900, vendor_id=oak)
    bill(office, "B-2", 900, vendor_id=oak, open_=False)
    prepayment(office, 600, vendor_id=oak)
    observe(office, captured(400, "pi_1", named=named(invoice="INV-1")))
    observe(office, captured(300, "pi_2", named=named(deposit="DEP-1")))
    office.deliver(*[_an_event()])
    yield office
    office.runtime.engine.dispose()


@pytest.fixture
def sql(house: Office, module_database_url: str) -> Iterator[psycopg.Connection]:
    """Our own login at work by hand, beside these books."""
    with psycopg.connect(module_database_url.replace("+psycopg", "", 1)) as line:
        yield line
        line.rollback()
    assert house.violations() == []


def _an_event() -> dict:
    charge = {"id": "ch_9", "object": "charge", "amount": 1, "currency": "usd", "status": "failed"}
    event = {"id": "evt_9", "object": "event", "type": "charge.failed", "created": 1}
    return event | {"livemode": False, "api_version": None, "data": {"object": charge}}


def refused(line: psycopg.Connection, *statements: str) -> str:
    """Which wall it ran into, at the latest when it commits."""
    with pytest.raises(psycopg.Error) as wall:
        for statement in statements:
            line.execute(statement)
        line.commit()
    line.rollback()
    return wall.value.diag.constraint_name or type(wall.value).__name__


def test_an_entry_that_does_not_balance(sql) -> None:
    assert (
        refused(sql, ENTRY, POSTINGS + "('je_1', 1, 1, 5), ('je_1', 2, 2, -4)") == "entry_balances"
    )


def test_an_entry_that_balances_only_across_currencies(sql) -> None:
    euros = "insert into ledger_account (role, rail, currency) values ('revenue', '', 'EUR')"
    crossed = (
        POSTINGS
        + """('je_1', 1, (select id from ledger_account where currency = 'EUR'), -5),
      ('je_1', 2, (select min(id) from ledger_account where currency = 'USD'), 5)"""
    )
    assert refused(sql, euros, ENTRY, crossed) == "entry_balances"


def test_an_entry_of_one_side_or_none(sql) -> None:
    assert refused(sql, ENTRY) == "entry_has_two_sides"
    assert refused(sql, ENTRY, POSTINGS + "('je_1', 1, 1, 5)") == "entry_has_two_sides"


def test_a_posting_of_nothing(sql) -> None:
    nothing = POSTINGS + "('je_1', 1, 1, 0), ('je_1', 2, 2, 0)"
    assert refused(sql, ENTRY, nothing) == "posting_amount_is_not_zero"


def test_postings_added_to_an_old_entry(sql) -> None:
    old = "(select min(id) from journal_entry)"
    late = POSTINGS + f"({old}, 8, 1, 5), ({old}, 9, 2, -5)"
    assert refused(sql, late) == "postings_come_with_their_entry"


def test_postings_added_after_the_balance_was_checked(sql) -> None:
    balanced = POSTINGS + "('je_1', 1, 1, 5), ('je_1', 2, 2, -5)"
    one_more = POSTINGS + "('je_1', 3, 1, 7)"
    checked = "set constraints all immediate"
    wall = refused(sql, ENTRY, balanced, checked, one_more)
    assert wall == "postings_come_with_their_entry"


def test_an_entry_key_used_again(sql) -> None:
    again = ENTRY.replace("'key_1'", "(select min(key) from journal_entry)")
    assert refused(sql, again) == "uq_journal_entry_key"


COLUMNS = {"posting": "amount", "inbox_event": "type", "ledger_account": "role"}
WRITTEN_FOR_EVER = ("journal_entry", "posting", "ledger_account", "inbox_event", "credit_note")


@pytest.mark.parametrize("table", WRITTEN_FOR_EVER)
def test_what_is_written_stays_written(sql, module_owner_url: str, table: str) -> None:
    column = COLUMNS.get(table, "id")
    change = f"update {table} set {column} = {column}"
    for statement in (change, f"delete from {table}", f"truncate {table} cascade"):
        assert refused(sql, statement) == "InsufficientPrivilege"
    if table == "credit_note":
        return
    with psycopg.connect(module_owner_url.replace("+psycopg", "", 1)) as owner:
        for statement in (change, f"delete from {table}", f"truncate {table} cascade"):
            assert refused(owner, statement) == "append_only"


def test_an_event_is_held_but_not_changed(sql) -> None:
    sql.execute("select seq from inbox_event for no key update")
    assert refused(sql, "update inbox_event set seq = seq") in ("append_only", "GeneratedAlways")


def test_our_login_cannot_take_a_wall_down(sql) -> None:
    for statement in (
        "alter table posting disable trigger all",
        "drop trigger append_only on posting",
        "drop table posting",
        "alter table deposit drop constraint no_deposit_is_spent_twice",
        "create or replace function append_only() returns trigger language sql as 'select 1'",
        "set session_replication_role = replica",
        "create table mine (id int)",
        "alter role current_user superuser",
    ):
        assert refused(sql, statement) in ("InsufficientPrivilege", "InvalidFunctionDefinition")


BOUNDS = {
    "invoice set paid = 1001 where number = 'INV-1'": "invoice_is_not_paid_beyond_its_total",
    "invoice set paid = -1 where number = 'INV-1'": "invoice_is_not_paid_beyond_its_total",
    "invoice set credit_notes = 601 where number = 'INV-1'": "invoice_is_not_paid_beyond_its_total",
    "invoice set paid = 1 where number = 'INV-2'": "only_a_sent_invoice_holds_money",
    "invoice set state = 'void' where number = 'INV-1'": "only_a_sent_invoice_holds_money",
    "invoice set state = 'paid' where number = 'INV-1'": "invoice_state_is_known",
    "invoice set total = 0, paid = 0": "invoice_total_is_positive",
    "invoice set number = ' inv-1 ' where number = 'INV-2'": "uq_invoice_number",
    "deposit set applied = 301": "no_deposit_is_spent_twice",
    "deposit set applied = 200, refunded = 101": "no_deposit_is_spent_twice",
    "deposit set received = 501": "deposit_receives_no_more_than_asked",
    "deposit set refunded = -1": "deposit_parts_are_not_negative",
    "bill set paid = 901 where number = 'B-1'": "bill_is_not_paid_beyond_its_total",
    "bill set paid = -1 where number = 'B-1'": "bill_is_not_paid_beyond_its_total",
    "bill set paid = 1 where number = 'B-2'": "only_an_open_bill_holds_money",
    "bill set state = 'paid' where number = 'B-1'": "bill_state_is_known",
    "bill set total = 0": "bill_total_is_positive",
    "bill set tax = 901": "bill_tax_is_part_of_its_total",
    "bill set number = ' b-1 ' where number = 'B-2'": "uq_bill_number",
    "bill_line set net = 1 where bill_id in (select id from bill where state = 'open')": (
        "bill_lines_stay_once_open"
    ),
    "prepayment set applied = 400, refunded = 201": "no_prepayment_is_spent_twice",
    "prepayment set refunded = -1": "prepayment_parts_are_not_negative",
    "prepayment set voided_at = now(), applied = 1": "nothing_came_of_a_void_prepayment",
    "payment set refunded = 401 where rail_payment_id = 'pi_1'": (
        "payment_gives_back_no_more_than_it_took"
    ),
    "payment set refunded = 300, lost = 200 where rail_payment_id = 'pi_1'": (
        "payment_gives_back_no_more_than_it_took"
    ),
    "payment set lost = -1": "payment_parts_are_not_negative",
    "payment set status = 'paid'": "payment_status_is_known",
    "payment set rail_payment_id = 'pi_1'": "uq_payment_rail_account_rail_payment_id",
    "allocation set amount = gross + 1": "allocation_takes_up_what_is_offered",
    "allocation set credited = 1": "allocation_takes_up_what_is_offered",
    "allocation set amount = -1": "allocation_takes_up_what_is_offered",
    "allocation set closed_at = now()": "a_closed_allocation_is_empty",
    "allocation set invoice_id = null, deposit_id = null": "allocation_has_one_target",
    "allocation set invoice_id = (select min(id) from invoice) where deposit_id is not null": (
        "allocation_has_one_target"
    ),
    "inbox_horizon set id = 2": "there_is_one_horizon",
}


@pytest.mark.parametrize("change", BOUNDS, ids=str)
def test_amounts_stay_within_their_bounds(sql, change: str) -> None:
    assert refused(sql, f"update {change}") == BOUNDS[change]


TWICE = {
    "two-live-claims-on-one-target": (
        """insert into allocation (id, payment_id, invoice_id, strategy, cause_kind, cause_id,
          created_at) select 'alo_2', payment_id, invoice_id, 'person', 'person', 'usr_1', now()
        from allocation where invoice_id is not null""",
        "uq_allocation_one_claim_a_target",
    ),
    "one-event-twice": (
        """insert into inbox_event (rail, account, rail_event_id, type, livemode, created, headers,
          body) select rail, account, rail_event_id, type, livemode, created, headers, body
        from inbox_event""",
        "uq_inbox_event_rail_account_rail_event_id",
    ),
    "one-account-twice": (
        """insert into ledger_account (role, rail, currency) select role, rail, currency
        from ledger_account""",
        "uq_ledger_account_role_rail_category_currency",
    ),
    "an-account-of-no-known-role": (
        "insert into ledger_account (role, rail, currency) values ('slush', '', 'USD')",
        "account_role_is_known",
    ),
    "one-open-question-twice": (
        """insert into review_item (id, kind, state, subject, opened_at)
        select 'rev_' || n, 'drift', 'open', 'pay_1', now() from generate_series(1, 2) n""",
        "uq_review_item_open",
    ),
    "a-second-horizon": ("insert into inbox_horizon (id) values (2)", "there_is_one_horizon"),
}


@pytest.mark.parametrize("case", TWICE, ids=str)
def test_what_is_there_once_is_there_once(sql, case: str) -> None:
    statement, wall = TWICE[case]
    assert refused(sql, statement) == wall
