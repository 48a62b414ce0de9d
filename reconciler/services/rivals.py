"""Other payments for the same thing: what is left of them changes when one of them does.

Two payments for one invoice leave one of them in excess, and a person is asked about it. If the
other goes back, the excess finds its place, and the question with it. Nobody holds a rival's lock
here, and nobody needs to: only what is taken up of it has changed, and that belongs to the target.
"""

from collections.abc import Collection

import sqlalchemy as sa

from reconciler.books.reviews import MATCHING_KINDS, ReviewKind
from reconciler.services import reviews
from reconciler.services.reviews import Question
from reconciler.work import Task, Work

_LEFT = sa.text(
    """select p.id, p.currency, p.reasons, a.invoice_id, a.deposit_id,
      p.captured - p.refunded - p.lost - a.amount as amount,
      (select kind from review_item r where r.subject = p.id and r.state = 'open'
        and r.kind = any(:kinds) limit 1) as kind
    from payment p join (
      select payment_id, max(invoice_id) as invoice_id, max(deposit_id) as deposit_id,
        sum(amount)::bigint as amount
      from allocation where payment_id = any(:ids) and closed_at is null
      group by payment_id) a on a.payment_id = p.id
    where p.id = any(:ids) order by p.id"""
)


# A value and not `exists`: that may be turned into a join, which reads the held payments of all
# customers, and of none, for each document.
_UNSURE = """(select true from payment p where p.customer_id = d.customer_id
    and (p.is_held or p.strategy = 'customer_amount') limit 1)"""
_SEEK_AGAIN = (
    sa.text(
        f"""update invoice d set seeks_payment = true
        where id = any(:ids) and state = 'sent' and {_UNSURE}"""
    ),
    sa.text(f"update deposit d set seeks_payment = true where id = any(:ids) and {_UNSURE}"),
)


def seek_again(work: Work, targets: Collection[str]) -> None:
    """What surer claims leave of these has changed: a match by amount may come or go.

    It is decided once this is committed, so that no further payment has to be locked here.
    """
    if not targets:
        return
    for statement in _SEEK_AGAIN:
        result = work.session.execute(statement, {"ids": list(targets)})
        if result.rowcount:  # type: ignore[attr-defined]  # a DML result has it
            work.nudge(Task.FIND_PAYMENTS)


def ask_about(work: Work, payments: Collection[str]) -> None:
    """Bring the questions about these payments to what is left of them now."""
    if not payments:
        return
    kinds = [kind.value for kind in MATCHING_KINDS]
    rows = work.session.execute(_LEFT, {"ids": list(payments), "kinds": kinds}).all()
    placed = [row.id for row in rows if not row.amount]
    reviews.close_matching(work, placed, resolution=reviews.PLACED)
    reviews.open_items(
        work,
        [
            Question(
                kind=ReviewKind(row.kind or ReviewKind.OVERPAYMENT),
                subject=row.id,
                payment_id=row.id,
                invoice_id=row.invoice_id,
                deposit_id=row.deposit_id,
                amount=row.amount,
                currency=row.currency,
                details={"reasons": row.reasons},
            )
            for row in rows
            if row.amount
        ],
    )
