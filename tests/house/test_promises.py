"""README's table of promises names the test of each, and no test keeps a promise nobody gave."""

import re

from tests.house.source import ROOT

_SECTION = re.compile(r"## What is promised, and the test of each\n(.*?)\n## ", re.DOTALL)
_TEST = re.compile(r"^def (test_(\d+)(?:_and_(\d+))?_\w+)", re.MULTILINE)


def test_each_promise_has_its_test_and_each_test_its_promise():
    section = _SECTION.search((ROOT / "README.md").read_text())
    assert section, "README says what is promised"
    rows = [line.split("|") for line in section[1].splitlines() if re.match(r"\| \d", line)]
    promised = {number for row in rows for number in re.findall(r"\d+", row[1])}
    named = {name for row in rows for name in re.findall(r"test_\d+(?:_and_\d+)?_", row[3])}
    files = list((ROOT / "tests/promises").glob("test_*.py"))
    tests = [found for path in files for found in _TEST.findall(path.read_text())]
    assert len(tests) > 30
    assert {name for name in named if not any(one[0].startswith(name) for one in tests)} == set()
    kept = {number for one in tests for number in one[1:] if number}
    elsewhere = {number for row in rows if "](" in row[3] for number in re.findall(r"\d+", row[1])}
    assert kept - promised == set(), "a test of a promise that README does not give"
    assert promised - kept - elsewhere == set(), "a promise without its test"
