"""Each page has its main task done in a browser: with a mouse, with keys, without a script."""

from pathlib import Path

from tests.browser import (
    hands,
    test_tasks_of_books,
    test_tasks_of_clients,
    test_tasks_of_documents,
    test_tasks_of_money,
)

TABLE = Path(__file__).parents[1] / "web" / "access.txt"
TOLD_IN = (
    test_tasks_of_books, test_tasks_of_clients, test_tasks_of_documents, test_tasks_of_money,
)  # fmt: skip
# No pages: files, numbers, and what is at no address.
NO_PAGES = {
    "/<path:address>", "/counts", "/paper.css", "/portal/paper.css", "/static/<path:filename>",
    "/portal/static/<path:filename>", "/deposits/<name>/attachments/<attachment_id>",
    "/milestones/<milestone_id>/sign-offs/<attachment_id>",
}  # fmt: skip


def pages() -> set[str]:
    """Every page of the screens and of clients, as the table of who may call what has it."""
    rows = [line.split() for line in TABLE.read_text().splitlines() if line.startswith("GET")]
    paths = {path for _, path, *_ in rows if path.startswith(("/admin/", "/portal/"))}
    return {path.removeprefix("/admin") for path in paths} - NO_PAGES


def test_every_page_has_its_main_task_done_in_a_browser() -> None:
    assert len(pages()) > 90
    assert sorted(pages() - hands.DONE.keys()) == []
    assert sorted(hands.DONE.keys() - pages()) == []


def test_each_of_these_tests_is_there_and_is_done_with_every_pair_of_hands() -> None:
    there = {name for file in TOLD_IN for name in vars(file)}
    told = {name for names in hands.DONE.values() for name in names}
    assert told <= there
    assert [kind.__name__ for kind in hands.HANDS] == ["Mouse", "Keys", "NoScript"]
