"""The account that a vendor or a customer is paid to: written down, changed, taken away.

The audit trail has its number masked: it says that it was changed, when and by whom, and with what
is kept here it is no second place from which the number has to be taken when somebody asks.
"""

from reconciler.books import payees as rules
from reconciler.books.payees import Account
from reconciler.errors import Conflict, NotFound
from reconciler.services import audit
from reconciler.store.customers import Customer
from reconciler.store.payees import PayeeAccount
from reconciler.store.purchases import Vendor
from reconciler.work import Work


def keep(work: Work, owner_id: str, account: Account, *, rev: int | None = None) -> None:
    """Let this be the account that they are paid to from now on.

    `owner_id` is of a customer or a vendor. Raises NotFound, and Conflict if `rev` is not the
    latest; 0 is that of none. The same once more changes nothing, and nobody has to look at it.
    """
    row = _locked(work, owner_id)
    _must_be(row, rev)
    if row is not None and Account(row.holder, row.number, row.bank) == account:
        work.has_only_looked = True
        return
    before = _as_said(row)
    if row is None:
        row = PayeeAccount(id=owner_id, kept_at=work.now, rev=0)
        is_customer = work.session.get(Customer, owner_id) is not None
        row.customer_id, row.vendor_id = (owner_id, None) if is_customer else (None, owner_id)
    row.holder, row.number, row.bank = account.holder, account.number, account.bank
    row.cause_kind, row.cause_id = work.cause.kind, work.cause.id
    row.kept_at = work.now
    row.rev += 1
    work.session.add(row)
    work.session.flush()
    audit.note(work, "payee_account.kept", owner_id, before=before, after=_as_said(row))


def remove(work: Work, owner_id: str, *, rev: int | None = None) -> None:
    """Keep no account of theirs any more. Raises NotFound, and Conflict as `keep` does."""
    row = _locked(work, owner_id)
    if row is None:
        raise NotFound(f"no account of {owner_id} is kept")
    _must_be(row, rev)
    before = _as_said(row)
    work.session.delete(row)
    work.session.flush()
    audit.note(work, "payee_account.removed", owner_id, before=before)


def _locked(work: Work, owner_id: str) -> PayeeAccount | None:
    # The owner is held: of two who write the first account down, the second waits.
    kind = Customer if owner_id.startswith("cust_") else Vendor
    if work.session.get(kind, owner_id, with_for_update={"key_share": True}) is None:
        raise NotFound(f"there is no customer or vendor {owner_id}")
    return work.session.get(PayeeAccount, owner_id, with_for_update=True)


def _must_be(row: PayeeAccount | None, rev: int | None) -> None:
    if rev is not None and rev != (row.rev if row else 0):
        raise Conflict("the account was changed meanwhile", field="rev")


def _as_said(row: PayeeAccount | None) -> dict[str, object]:
    if row is None:
        return {}
    return {"holder": row.holder, "number": rules.masked(row.number), "bank": row.bank}
