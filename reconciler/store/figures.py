"""Figures of the charts, counted beforehand so that a page reads a few rows however many payments.

They are made of the books and never the other way round: dropping them loses nothing.
"""

import sqlalchemy as sa
from sqlmodel import Field

from reconciler.store import base
from reconciler.store.base import SQLModel, datetime


class Figure(SQLModel, table=True):
    """A sum in minor units and a count, of one kind, for a day (or an age) and a currency.

    `currency` is empty where nothing but a number is counted.
    """

    __tablename__ = "figure"

    kind: str = Field(sa_type=sa.Text, primary_key=True)
    bucket: str = Field(sa_type=sa.Text, primary_key=True)
    currency: str = Field(sa_type=sa.Text, primary_key=True)
    amount: int = base.minor_units()
    number: int = base.whole()


class FigureMark(SQLModel, table=True):
    """Up to which instant of the journal every change is counted."""

    __tablename__ = "figure_mark"
    __table_args__ = (base.holds("there_is_one_figure_mark", "id = 1"),)

    id: int = Field(
        default=1, sa_column=sa.Column(sa.Integer, primary_key=True, autoincrement=False)
    )
    counted_to: datetime = base.instant()
