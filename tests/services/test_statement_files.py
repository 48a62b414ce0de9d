"""Statements as banks write them: read one way only, bad rows named, the rest taken."""

import tracemalloc
from datetime import date

import pytest

from reconciler.books.bank_lines import DayOrder
from reconciler.errors import Invalid
from reconciler.services import statement_camt, statement_files
from reconciler.services.statement_files import Form

CAMT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"><BkToCstmrStmt><Stmt>
<Ntry><Amt Ccy="EUR">1234.56</Amt><CdtDbtInd>CRDT</CdtDbtInd>{status}
<BookgDt><Dt>2026-11-20</Dt></BookgDt><AcctSvcrRef>B-77</AcctSvcrRef>
<NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>
<RltdPties><Dbtr><Nm>Stripe Payments Europe</Nm></Dbtr><Cdtr><Nm>Us</Nm></Cdtr></RltdPties>
<RmtInf><Ustrd>STRIPE po_1Nv8</Ustrd><Ustrd>XkLk</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>
<Ntry><Amt Ccy="EUR">10.00</Amt><CdtDbtInd>DBIT</CdtDbtInd>{status}
<BookgDt><DtTm>2026-11-21T10:00:00</DtTm></BookgDt><RvslInd>true</RvslInd></Ntry>
<Ntry><Amt Ccy="EUR">5.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>{pending}
<BookgDt><Dt>2026-11-22</Dt></BookgDt></Ntry>
<Ntry><Amt Ccy="EUR">5.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>{status}
<BookgDt><Dt>someday</Dt></BookgDt></Ntry>
</Stmt></BkToCstmrStmt></Document>"""


def read(text, **more):
    return statement_files.read(text if isinstance(text, bytes) else text.encode(), **more)


def refused(text, **more):
    with pytest.raises(Invalid) as error:
        read(text, **more)
    return error.value.field, str(error.value)


def amounts(*cells, currency="EUR", separator=";"):
    text = f"Date{separator}Amount\n" + "".join(f"2026-11-20{separator}{cell}\n" for cell in cells)
    found = read(text, currency=currency)
    return [line.amount for line in found.lines], [bad.why for bad in found.bad]


def test_columns_are_found_by_name_below_whatever_stands_above():
    found = read(
        "Account,DE00 1234\nBalance,100.00\n\n"
        "Booking Date,Value Date,Description,Amount,Currency,Payee,Reference,Transaction ID\n"
        '2026-11-20,2026-11-21,"STRIPE  PAYOUT, Nov",1234.50,eur,Stripe,po_1,T1\n'
        "\n2026-11-21,2026-11-21,Rent,-800.00,EUR,Landlord,,T2\n"
    )
    assert found.form is Form.CSV
    assert found.bad == []
    first, second = found.lines
    assert (first.number, first.booked_on, first.amount) == (5, date(2026, 11, 20), 123_450)
    assert (first.text, first.counterparty) == ("STRIPE PAYOUT, Nov", "Stripe")
    assert (first.reference, first.bank_reference, first.currency) == ("po_1", "T1", "EUR")
    assert (second.number, second.amount) == (7, -80_000)


def test_credit_and_debit_in_columns_of_their_own():
    text = "date;paid out;paid in\n2026-11-20;;12.00\n2026-11-20;3.50;\n2026-11-20;-4.00;\n"
    found = read(text, currency="GBP")
    assert [line.amount for line in found.lines] == [1_200, -350, -400]


def test_amounts_with_points_commas_signs_and_brackets():
    assert amounts("1.234,50", "-3,00", "12")[0] == [123_450, -300, 1_200]
    assert amounts("1,234.50", "(3.00)", "4.00-", "+5", "1 234.00", "\u22126.00")[0] == [
        123_450, -300, -400, 500, 123_400, -600,
    ]  # fmt: skip
    assert amounts("1,234", currency="JPY")[0] == [1_234]
    assert refused("Date;Amount\n2026-11-20;1,00\n2026-11-20;1.00\n", currency="EUR")[0] == "amount"


def test_bad_rows_are_named_and_the_rest_is_taken():
    found = read(
        "Date,Amount,Currency\n2026-11-20,5.00,EUR\n2026-11-31,5.00,EUR\n2026-11-20,five,EUR\n"
        "2026-11-20,5.00,XXX\n2026-11-20,0.00,EUR\n2026-11-20,1.234,EUR\n2026-11-20,7.00,EUR\n"
    )
    assert [line.amount for line in found.lines] == [500, 700]
    assert [(bad.number, bad.field) for bad in found.bad] == [
        (3, "day"), (4, "amount"), (5, "currency"), (6, "amount"), (7, "amount"),
    ]  # fmt: skip
    assert found.bad[0].why == "'2026-11-31' is not a day"


def test_days_that_can_be_read_two_ways_are_asked_about():
    twice = "Date,Amount\n03/04/2026,1.00\n"
    assert refused(twice, currency="USD")[0] == "day_order"
    for order, month in ((DayOrder.DAY_FIRST, 4), (DayOrder.MONTH_FIRST, 3)):
        found = read(twice, currency="USD", day_order=order)
        assert found.lines[0].booked_on.month == month
    told_by_another = read(twice + "13/04/2026,1.00\n", currency="USD")
    assert [line.booked_on.month for line in told_by_another.lines] == [4, 4]
    told_by_another = read(twice + "04/13/26,1.00\n", currency="USD")
    assert [line.booked_on.month for line in told_by_another.lines] == [3, 4]
    assert read("Date,Amount\n03.04.2026,1.00\n", currency="USD").lines[0].booked_on.month == 4
    both = "Date,Amount\n13/04/2026,1.00\n04/13/2026,1.00\n"
    assert refused(both, currency="USD")[0] == "day_order"


def test_old_encodings_and_marks_are_read():
    head = "Buchungstag;Betrag;Verwendungszweck;Währung\n"
    text = head + "20.11.2026;1,00;Büro;EUR\n"
    for body in (text.encode("cp1252"), text.encode("utf-8-sig")):
        (line,) = read(body).lines
        assert (line.text, line.amount) == ("Büro", 100)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "file"),
        ("  \n", "file"),
        ("Name,Age\nAnn,3\n", "file"),
        ("Date,Amount\n", "file"),
        ("Date,Amount\n2026-11-20,five\n", "file"),
        ("<html></html>", "file"),
        ("<broken", "file"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><Document>&b;</Document>', "file"),
        ("<Document><BkToCstmrStmt/></Document>", "file"),
        (b"\x00\x01\x02", "file"),
        ("Date,Amount\n" + "2026-11-20,1.00\n" * 50_001, "file"),
    ],
)
def test_what_is_no_statement_is_refused_whole(text, field):
    assert refused(text, currency="EUR")[0] == field


def test_a_file_that_names_no_currency_needs_the_accounts():
    field, why = refused("Date,Amount\n2026-11-20,5.00\n")
    assert field == "file"
    assert "currency" in why


@pytest.mark.parametrize("version", ["02", "08", "13"])
def test_camt_of_any_version_gives_its_booked_entries(version):
    word = "<Sts>{}</Sts>" if version == "02" else "<Sts><Cd>{}</Cd></Sts>"
    body = CAMT.format(
        version=version, status=word.format("BOOK"), pending=word.format("PDNG")
    )  # fmt: skip
    found = read(body)
    assert found.form is Form.CAMT
    first, second = found.lines
    assert (first.amount, first.currency, first.booked_on) == (123_456, "EUR", date(2026, 11, 20))
    assert (first.text, first.reference) == ("STRIPE po_1Nv8 XkLk", "")
    assert (first.counterparty, first.bank_reference) == ("Stripe Payments Europe", "B-77")
    assert (second.amount, second.booked_on) == (-1_000, date(2026, 11, 21))
    assert [(bad.number, bad.field) for bad in found.bad] == [(4, "BookgDt")]


def test_a_long_camt_is_read_an_entry_at_a_time() -> None:
    entry = (
        '<Ntry><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>'
        "<BookgDt><Dt>2026-11-02</Dt></BookgDt><AddtlNtryInf>x</AddtlNtryInf></Ntry>"
    )
    body = f"<Document><BkToCstmrStmt><Stmt>{entry * 4_000}</Stmt></BkToCstmrStmt></Document>"
    tracemalloc.start()
    read = sum(1 for _ in statement_camt._entries(body.encode()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert read == 4_000
    assert peak < 3 * len(body), "a tree of all entries is ten times as large as the file"


def test_a_camt_with_too_many_entries_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement_camt, "LINES_MAX", 2)
    many = "<Document><BkToCstmrStmt>" + "<Ntry/>" * 3 + "</BkToCstmrStmt></Document>"
    with pytest.raises(Invalid, match="at most 2 lines"):
        statement_files.read(many.encode())
