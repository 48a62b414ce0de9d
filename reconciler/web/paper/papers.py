"""What stands on a paper, made into a page to print or, where WeasyPrint is installed, a PDF.

The same for everybody who hands one out: the screens here, the client's page elsewhere.

A paper holds words from outside (a description, a name). So making a PDF fetches nothing at all:
neither from the network nor from a file, whatever those words say.
"""

import ctypes
import functools
import importlib
import importlib.util
import re
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

from flask import Response, request
from jinja2 import Environment

from reconciler.errors import NotFound
from reconciler.money import shown
from reconciler.reads.papers import Paper
from reconciler.web import templating

PDF_LINES_MAX = 1_000  # of a statement: laying out more takes seconds, and it prints all the same

PANGO = ("libpango-1.0.so.0", "libpangoft2-1.0.so.0")  # what WeasyPrint cannot be imported without

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_HERE = Path(__file__).parent
STYLE = _HERE / "paper.css"


def page(paper: Paper, seller: Sequence[str], **around: object) -> str:
    """The paper as a page; `around` says where its stylesheet, its icon and its PDF are."""
    given = {"style": None, "icon": None, "pdf": None, "back": None, **around}
    template = _environment().get_template(paper.template)
    return template.render(seller=seller, title=paper.name, **given, **paper.values)


def answer(paper: Paper, seller: Sequence[str], *, style: str, icon: str, back: str) -> Response:
    """The paper as it was asked for: a page, or with `as=pdf` a PDF to be saved.

    Raises NotFound where no PDF of it is made.
    """
    if request.args.get("as") == "pdf":
        name = _UNSAFE.sub("-", paper.name)
        return Response(
            pdf(paper, seller),
            mimetype="application/pdf",
            headers={"Content-Disposition": f'attachment; filename="{name}.pdf"'},
        )
    asked = request.full_path.rstrip("?")
    saved = f"{asked}{'&' if '?' in asked else '?'}as=pdf" if can_print(paper) else None
    return Response(page(paper, seller, style=style, icon=icon, pdf=saved, back=back))


def can_print(paper: Paper) -> bool:
    """Whether a PDF of this paper is made here."""
    return can_print_pdf() and paper.lines <= PDF_LINES_MAX


def can_print_pdf() -> bool:
    """Whether WeasyPrint is here (requirements-pdf.lock), and what it draws with."""
    return importlib.util.find_spec("weasyprint") is not None and has(PANGO)


def has(libraries: Sequence[str]) -> bool:
    """Whether these libraries of the system are there. Opening them again costs nothing."""
    try:
        return all(ctypes.CDLL(name) for name in libraries)
    except OSError:
        return False


def pdf(paper: Paper, seller: Sequence[str]) -> bytes:
    """The paper as a PDF. Raises NotFound where nothing here can make one."""
    if not can_print(paper):
        raise NotFound(
            "no PDF is made here: install requirements-pdf.lock and Pango, or print the page"
        )
    weasyprint: Any = importlib.import_module("weasyprint")
    refusing = _refusing(weasyprint)
    style = weasyprint.CSS(string=STYLE.read_text(), url_fetcher=refusing())
    made: bytes = weasyprint.HTML(string=page(paper, seller), url_fetcher=refusing()).write_pdf(
        stylesheets=[style]
    )
    return made


def _refusing(weasyprint: Any) -> Callable[[], Any]:  # noqa: ANN401  there may be no types
    """What WeasyPrint asks for a picture, a font or a stylesheet: here it never gets one."""

    class Refusing(weasyprint.urls.URLFetcher):  # type: ignore[misc]
        def fetch(self, *_: object, **__: object) -> NoReturn:
            raise ValueError("a paper fetches nothing")

    return Refusing


@functools.cache
def _environment() -> Environment:
    environment = templating.environment(_HERE / "templates")
    environment.filters |= {"money": shown, "day": _day}
    return environment


def _day(day: date | None) -> str:
    return f"{day.day} {day:%B %Y}" if day else "open"
