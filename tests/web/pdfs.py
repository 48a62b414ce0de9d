"""Whether PDFs can be made here: for tests that make some."""

import pytest

from reconciler.web.paper import papers

needs_pdf = pytest.mark.skipif(
    not papers.can_print_pdf(),
    reason="the extra pdf (requirements-pdf.lock) or the system's Pango is not there",
)
