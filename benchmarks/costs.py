"""Processor time of processes: what an event costs, however busy the machine is meanwhile."""

import os
from collections.abc import Collection
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PARENT, _TIMES = 1, slice(11, 15)  # after the name: user, system, and both of reaped children


def processor_seconds(roots: Collection[int]) -> float:
    """Used so far by these processes, their children, and children's children, also ended ones."""
    parents, ticks = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _fields(entry)):
            parents[int(entry.name)] = int(fields[_PARENT])
            ticks[int(entry.name)] = sum(int(value) for value in fields[_TIMES])
    return sum(ticks[pid] for pid in ticks if _is_of(pid, parents, roots)) / _TICK


def _fields(entry: Path) -> list[str]:
    try:
        return (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has ended
        return []


def _is_of(pid: int, parents: dict[int, int], roots: Collection[int]) -> bool:
    while pid not in roots:
        if pid not in parents:
            return False
        pid = parents[pid]
    return True
