"""Templates become pages: one environment, everything escaped, a missing value is an error."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import url_for
from jinja2 import Environment

from reconciler.services import review_desk
from reconciler.timestamps import from_epoch
from reconciler.web import rail_pages, templating
from reconciler.web.admin import account_words, dispute_words, file_words, plain_words, words

HERE = Path(__file__).parent
STATIC = HERE / "static"
asset = templating.assets("admin.static", STATIC)


def render(template: str, **values: object) -> str:
    """The page, as HTML."""
    return _environment().get_template(template).render(**values)


@functools.cache
def _environment() -> Environment:
    environment = templating.environment(HERE / "templates")
    environment.globals |= {
        "rail_page": rail_pages.of_id,
        "to": to,
        "asset": asset,
        "pill": words.pill,
        "applied_pill": words.applied,
        "counted": words.counted,
        "age": words.age,
        "need": words.need,
        "account_name": account_words.account,
        "TRADING": account_words.TRADING,
        "REASONS": words.REASONS,
        "METHODS": words.METHODS,
        "KEPT": words.KEPT,
        "STRATEGIES": words.STRATEGIES,
        "ROLES": words.ROLES,
        "BANK_TARGETS": words.BANK_TARGETS,
        "DISPUTES": dispute_words.DISPUTES,
        "DECISIONS": words.DECISIONS,
        "OWES": words.OWES,
        "RAIL_OBJECTS": words.RAIL_OBJECTS,
        "RAIL_OBJECT": words.RAIL_OBJECT,
        "RUNS": words.RUNS,
        "FILE_KINDS": file_words.KINDS,
    }
    environment.filters |= _filters()
    return environment


def _filters() -> dict[str, Callable[..., object]]:
    """What a template may do to a value."""
    return {
        "money": words.shown,
        "typed": words.typed,
        "moment": words.moment,
        "second": words.second,
        "short": words.short,
        "day": words.day,
        "later": words.later,
        "span": words.span,
        "rail_name": words.rail_name,
        "answer_by": review_desk.answer_by,
        "dispute_reason": dispute_words.reason,
        "dispute_status": dispute_words.status,
        "category_name": account_words.category_name,
        "share": share,
        "with_signs": words.with_signs,
        "sentence": words.sentence,
        "stopped": plain_words.stopped,
        "plain": plain_words.plain,
        "mail": plain_words.mail,
        "instant": from_epoch,
        "bytes": file_words.size,
    }


def to(endpoint: str, **values: object) -> str:
    """The address of a screen; what is None of it is left out."""
    given: dict[str, Any] = {k: v for k, v in values.items() if v is not None}
    return url_for(f"admin.{endpoint}", **given)


def share(part: int, whole: int) -> str:
    """`part` of `whole` as an SVG length out of 100, in whole thousandths; no float is asked."""
    thousandths = min(100_000, part * 100_000 // whole) if whole > 0 and part > 0 else 0
    return f"{thousandths // 1000}.{thousandths % 1000:03d}"
