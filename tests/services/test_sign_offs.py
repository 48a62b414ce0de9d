"""Sign-offs: what a milestone's invoice waits for, and that nothing can be put in their place."""

import pytest
import sqlalchemy as sa

from reconciler.books.plans import Part
from reconciler.books.sign_offs import digest
from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.flows import keep_file
from reconciler.reads import milestones as reads
from reconciler.services import billing, invoices, milestones, projects, sign_offs
from reconciler.services.milestones import Stage
from reconciler.services.projects import NewProject
from reconciler.store.projects import Milestone
from tests import builders
from tests.file_samples import pdf, png


@pytest.fixture
def kitchen(office) -> dict[str, str]:
    """A project of 1,000.01 in three milestones."""
    customer = builders.customer(office)
    new = NewProject(customer_id=customer, name="Kitchen", currency="USD", original_price=100_001)

    def step(work):
        project = projects.create(work, new)
        kinds = ("deposit", "midpoint", "final")
        stages = [
            Stage(kind=kind, part=Part(share=share))
            for kind, share in zip(kinds, (3_000, 4_000, 3_000), strict=True)
        ]
        return dict(zip(kinds, milestones.plan(work, project, stages), strict=True))

    return office.do(step)


def by_file(office, milestone_id, body=None, **more) -> str:
    with keep_file.kept(office.runtime, body or pdf()) as file:
        return office.do(
            lambda work: sign_offs.sign_off_by_file(work, milestone_id, "ok.pdf", file, **more)
        )


def seen(office, milestone_id) -> str:
    """The digest that the client's page carries."""
    return office.do(
        lambda work: digest(sign_offs.terms(work.session.get(Milestone, milestone_id)))
    )


def by_client(office, milestone_id, name="Ann Lee", given=None) -> str:
    given = given or seen(office, milestone_id)
    return office.do(
        lambda work: sign_offs.sign_off_by_client(work, milestone_id, name, seen=given)
    )


def shown(office, milestone_id):
    with office.runtime.read() as session:
        return reads.one(session, milestone_id, today=office.clock().date()).sign_offs


def send(office, milestone_id, **more):
    return office.do(lambda work: invoices.send(work, billing.invoice(work, milestone_id), **more))


def test_a_milestones_invoice_waits_for_its_sign_off(office, kitchen):
    with pytest.raises(Refused, match="not signed off") as refusal:
        send(office, kitchen["final"])
    assert refusal.value.field == "without_sign_off"
    by_file(office, kitchen["final"], signed_by="Ann Lee")
    send(office, kitchen["final"])
    [one] = shown(office, kitchen["final"])
    assert (one.source, one.signed_by_name, one.version, one.is_current) == (
        "file", "Ann Lee", 1, True,
    )  # fmt: skip
    assert office.violations() == []


def test_or_somebody_says_why_and_that_is_kept(office, kitchen):
    with pytest.raises(Invalid):
        send(office, kitchen["midpoint"], without_sign_off=" \n ")
    send(office, kitchen["midpoint"], without_sign_off="Agreed on the phone")
    words = office.scalar(
        """select convert_from(w.body::text::bytea, 'UTF8')::jsonb ->> 'why' from audit_line l
        join audit_words w using (seq) where l.action = 'invoice.sent'"""
    )
    assert words == "Agreed on the phone"


def test_what_is_held_ahead_of_the_work_needs_none(office, kitchen):
    send(office, kitchen["deposit"])
    plain = builders.invoice(office, "INV-9", 500)
    assert builders.paid_on(office, plain) == (0, 0, 500)


def test_the_client_signs_by_name_what_the_page_showed(office, kitchen):
    made = by_client(office, kitchen["final"])
    [one] = shown(office, kitchen["final"])
    assert (one.id, one.source, one.signed_by_name) == (made, "portal", "Ann Lee")
    assert one.sha256 == seen(office, kitchen["final"])
    assert one.attachment_id is None
    with pytest.raises(Conflict, match="signed off already"):
        by_client(office, kitchen["final"])
    with pytest.raises(Invalid):
        by_client(office, kitchen["midpoint"], name=" ")
    send(office, kitchen["final"])
    assert office.violations() == []


def test_a_milestone_that_was_changed_meanwhile_is_signed_again(office, kitchen):
    before = seen(office, kitchen["final"])
    by_client(office, kitchen["final"])
    change = {"description": "With a larder"}
    office.do(lambda work: milestones.patch(work, kitchen["final"], change))
    assert [one.is_current for one in shown(office, kitchen["final"])] == [False]
    with pytest.raises(Refused, match="not signed off"):
        send(office, kitchen["final"])
    with pytest.raises(Conflict, match="changed meanwhile"):
        by_client(office, kitchen["final"], given=before)
    by_client(office, kitchen["final"])
    assert [one.is_current for one in shown(office, kitchen["final"])] == [False, True]
    send(office, kitchen["final"])


def test_another_document_is_the_next_version_and_the_first_one_stays(office, kitchen):
    by_file(office, kitchen["final"])
    by_client(office, kitchen["midpoint"])
    by_file(office, kitchen["midpoint"], png())
    by_file(office, kitchen["final"], png())
    found = shown(office, kitchen["final"])
    assert [(one.version, one.is_current) for one in found] == [(1, False), (2, True)]
    first = keep_file.download(office.runtime, found[0].attachment_id, kitchen["final"])
    assert first.body == pdf()
    with pytest.raises(NotFound):
        keep_file.download(office.runtime, found[0].attachment_id, kitchen["midpoint"])


def test_there_is_nothing_to_sign_where_there_is_no_milestone(office):
    with pytest.raises(NotFound):
        by_file(office, "mil_none")
    with pytest.raises(NotFound):
        by_client(office, "mil_none", given="x")


def test_a_sign_off_stays_as_it_is(office, kitchen):
    by_client(office, kitchen["final"])
    for statement in ("update sign_off set signed_by_name = 'Bo'", "delete from sign_off"):
        with pytest.raises(Exception, match=r"append-only|permission denied"):
            office.do(lambda work, s=statement: work.session.execute(sa.text(s)))


@pytest.mark.parametrize(
    "planted",
    [
        "update sign_off set signed = replace(signed, '100001', '1')",
        "update sign_off set signed_by_name = signed_by_name, sha256 = repeat('0', 64)",
        "update attachment set sha256 = repeat('0', 64)",
        "update attachment set subject = 'mil_other'",
    ],
)
def test_what_was_planted_in_its_place_is_found(office, kitchen, surgeon, planted):
    by_client(office, kitchen["midpoint"])
    by_file(office, kitchen["final"])
    assert office.violations() == []
    surgeon.execute(planted.replace("100001", "40001"))
    assert {one.invariant for one in office.violations()} == {"sign_offs_are_what_was_signed"}
