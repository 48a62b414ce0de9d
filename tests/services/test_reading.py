"""What only reads sees one instant, and can write nothing."""

import pytest
import sqlalchemy as sa

from reconciler.services import customers

COUNT = sa.text("select count(*) from customer")


def _made(office):
    return office.do(lambda work: customers.create(work, name="Acme"))


def test_who_reads_cannot_write(office):
    with office.runtime.read() as session, pytest.raises(sa.exc.InternalError, match="read-only"):
        session.execute(sa.text("delete from customer"))


def test_who_reads_sees_one_instant_whatever_happens_meanwhile(office):
    with office.runtime.read() as session:
        before = session.scalar(COUNT)
        _made(office)
        assert session.scalar(COUNT) == before


def test_who_writes_after_somebody_read_may(office):
    with office.runtime.read() as session:
        session.execute(sa.text("select 1"))
    _made(office)
    assert office.scalar(COUNT) == 1
