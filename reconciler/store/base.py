"""What all tables share: column types, constraint names, and the registry of tables.

A `table=True` model checks nothing by itself: tables store, the books judge, and the
constraints written here are the second wall.
"""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# What would check a row is made when somebody asks for it, and nobody does: starts are quicker.
SQLModel.model_config["defer_build"] = True


def key() -> Any:
    """Our own id, made by `reconciler.ids`."""
    return Field(sa_type=sa.Text, primary_key=True)


def text(*, index: bool = False, unique: bool = False) -> Any:
    """Text that must be there."""
    return Field(sa_type=sa.Text, nullable=False, index=index, unique=unique)


def text_or_none() -> Any:
    """Text that may be missing."""
    return Field(default=None, sa_type=sa.Text, nullable=True)


def text_or_empty() -> Any:
    """Text that may say nothing."""
    return _with_default("", sa.Text, "''")


def reference(target: str, *, nullable: bool = False, index: bool = True) -> Any:
    """The id of a row elsewhere."""
    if nullable:
        return Field(default=None, sa_type=sa.Text, foreign_key=target, nullable=True, index=index)
    return Field(sa_type=sa.Text, foreign_key=target, nullable=False, index=index)


def minor_units() -> Any:
    """An amount in the row's currency: 64 bits, nothing when not said."""
    return _with_default(0, sa.BigInteger, "0")


def made_of(others: str) -> Any:
    """An amount that the database makes of the row's others, and nobody writes."""
    return Field(
        default=None,
        sa_type=sa.BigInteger,
        nullable=False,
        sa_column_args=[sa.Computed(others, persisted=True)],
    )


def whole(*, default: int = 0) -> Any:
    """A count or a rail's whole seconds."""
    return _with_default(default, sa.BigInteger, str(default))


def flag(*, default: bool = False) -> Any:
    """A yes or no."""
    return _with_default(default, sa.Boolean, "true" if default else "false")


def instant() -> Any:
    """An aware instant that must be there."""
    return Field(sa_type=sa.DateTime(timezone=True), nullable=False)


def instant_or_none() -> Any:
    """An aware instant that may be missing."""
    return Field(default=None, sa_type=sa.DateTime(timezone=True), nullable=True)


def place() -> Any:
    """Which of its document's lines this is: part of the key."""
    return Field(
        sa_type=sa.BigInteger, primary_key=True, sa_column_kwargs={"server_default": sa.text("0")}
    )


def rank() -> Any:
    """Where the row's transaction stands among all that changed the books; decision 79.

    Drawn when the row is written, which is once its transaction holds all that it decides on.
    None for what is older than ranks.
    """
    return Field(
        default=None,
        sa_type=sa.BigInteger,
        nullable=True,
        sa_column_kwargs={"server_default": sa.text("nextval('rank')")},
    )


def document() -> Any:
    """JSON that nothing here searches by."""
    return Field(
        default_factory=dict,
        sa_type=JSONB,
        nullable=False,
        sa_column_kwargs={"server_default": sa.text("'{}'")},
    )


def texts() -> Any:
    """A list of texts."""
    return Field(
        default_factory=list,
        sa_type=ARRAY(sa.Text),
        nullable=False,
        sa_column_kwargs={"server_default": sa.text("'{}'")},
    )


def one_of(name: str, column: str, words: Any) -> sa.CheckConstraint:
    """A constraint that keeps a column to the words of an enum."""
    listed = ", ".join(f"'{word.value}'" for word in words)
    return sa.CheckConstraint(f"{column} in ({listed})", name=name)


def holds(name: str, condition: str) -> sa.CheckConstraint:
    """A constraint named after what must hold."""
    return sa.CheckConstraint(condition, name=name)


def _with_default(value: object, kind: Any, server: str) -> Any:
    return Field(
        default=value,
        sa_type=kind,
        nullable=False,
        sa_column_kwargs={"server_default": sa.text(server)},
    )


class PricedLine(SQLModel):
    """What every document's line has: as it was written, and what it comes to in minor units."""

    description: str = text()
    quantity: str = text()
    unit_price: int = minor_units()
    tax_rate: str = text()
    tax_name: str | None = text_or_none()
    net: int = minor_units()
    tax: int = minor_units()


__all__ = ["SQLModel", "date", "datetime", "sa"]
