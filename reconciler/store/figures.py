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


class FigureHour(SQLModel, table=True):
    """The same for an hour: what days are added up of."""

    __tablename__ = "figure_hour"

    hour: datetime = Field(sa_type=sa.DateTime(timezone=True), primary_key=True)
    kind: str = Field(sa_type=sa.Text, primary_key=True)
    currency: str = Field(sa_type=sa.Text, primary_key=True)
    amount: int = base.minor_units()
    number: int = base.whole()


class FigureStale(SQLModel, table=True):
    """An hour that is to be counted again."""

    __tablename__ = "figure_stale"

    hour: datetime = Field(sa_type=sa.DateTime(timezone=True), primary_key=True)


class FigureRound(SQLModel, table=True):
    """A round of counting that is under way, and how far it has come.

    It counts what was written up to `until`. The hours of what was written up to `noted_to` are
    among those that are stale, or counted already. `piece` is what it is at.
    """

    __tablename__ = "figure_round"
    __table_args__ = (base.holds("there_is_one_figure_round", "id = 1"),)

    id: int = Field(
        default=1, sa_column=sa.Column(sa.Integer, primary_key=True, autoincrement=False)
    )
    until: datetime = base.instant()
    noted_to: datetime = base.instant()
    piece: int = base.whole()


class FigureMark(SQLModel, table=True):
    """Up to which instant of the journal every change is counted; by days only at first."""

    __tablename__ = "figure_mark"
    __table_args__ = (base.holds("there_is_one_figure_mark", "id = 1"),)

    id: int = Field(
        default=1, sa_column=sa.Column(sa.Integer, primary_key=True, autoincrement=False)
    )
    counted_to: datetime = base.instant()
    is_by_hour: bool = base.flag()
