"""Proposals: priced lines and a staged plan, and who accepted what."""

from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from reconciler.books.proposals import ProposalState
from reconciler.store import base
from reconciler.store.base import SQLModel, datetime


class Proposal(SQLModel, table=True):
    """An offer to a customer, in minor units of `currency`.

    `terms` holds its lines and stages, `conditions` what else is agreed, in words. What was
    accepted is kept as a text, with its SHA-256, who accepted it, by what (`decided_cause_…`: the
    link of their page, or whoever recorded it) and the project that was made of it.
    """

    __tablename__ = "proposal"
    __table_args__ = (
        base.one_of("proposal_state_is_known", "state", ProposalState),
        base.holds("proposal_price_is_positive", "price > 0"),
        base.holds(
            "an_accepted_proposal_says_what_and_by_whom",
            "(state = 'accepted') = (project_id is not null) and (state <> 'accepted'"
            " or num_nonnulls(accepted_text, accepted_sha256, decided_by, decided_at) = 4)",
        ),
        sa.UniqueConstraint("project_id"),
        sa.Index("ix_proposal_created", "created_at", "id"),
    )

    id: str = base.key()
    customer_id: str = base.reference("customer.id")
    name: str = base.text()
    introduction: str | None = base.text_or_none()
    conditions: str | None = base.text_or_none()
    currency: str = base.text()
    price: int = base.minor_units()
    terms: dict[str, Any] = base.document()
    valid_until: date | None = Field(default=None, sa_type=sa.Date, nullable=True)
    state: str = base.text()
    version: int = base.whole(default=1)
    sent_at: datetime | None = base.instant_or_none()
    decided_at: datetime | None = base.instant_or_none()
    decided_by: str | None = base.text_or_none()
    decided_cause_kind: str | None = base.text_or_none()
    decided_cause_id: str | None = base.text_or_none()
    reason: str | None = base.text_or_none()
    accepted_text: str | None = base.text_or_none()
    accepted_sha256: str | None = base.text_or_none()
    project_id: str | None = base.reference("project.id", nullable=True, index=False)
    created_at: datetime = base.instant()
    rev: int = base.whole(default=1)


class ProposalVersion(SQLModel, table=True):
    """A version as it was sent: its text to the letter, whose SHA-256 the client sees. Stays."""

    __tablename__ = "proposal_version"
    __table_args__ = (
        base.holds("proposal_version_sha256_is_one", "sha256 ~ '^[0-9a-f]{64}$'"),
        base.holds("proposal_version_has_a_price", "price > 0 and version > 0"),
    )

    proposal_id: str = Field(sa_type=sa.Text, primary_key=True, foreign_key="proposal.id")
    version: int = Field(sa_type=sa.BigInteger, primary_key=True)
    text: str = base.text()
    sha256: str = base.text()
    price: int = base.minor_units()
    sent_at: datetime = base.instant()
