"""How much of this machine's memory the embedded PostgreSQL keeps pages of its files in."""

from pathlib import Path

MEGABYTE = 1 << 20
# As PostgreSQL has it by itself; and as much as books of a million payments write to again and
# again. Beyond that the kernel keeps pages as well, and processes need room on the same machine.
SHARED_MEGABYTES_MIN, SHARED_MEGABYTES_MAX = 128, 2_048
SHARE = 8

_MACHINE = Path("/proc/meminfo")
# What a container may have, by the newer and by the older way of telling it.
_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def shared_megabytes(memory_bytes: int) -> int:
    """An eighth of the memory, within bounds."""
    share = memory_bytes // SHARE // MEGABYTE
    return min(max(share, SHARED_MEGABYTES_MIN), SHARED_MEGABYTES_MAX)


def memory_bytes(machine: Path = _MACHINE, limits: tuple[Path, ...] = _LIMITS) -> int:
    """What this machine has, or what this container may have of it. Nothing if nobody tells."""
    known = [size for size in (_total(machine), *map(_limit, limits)) if size]
    return min(known, default=0)


def _total(machine: Path) -> int:
    """The first line of the kernel's table: the total, in kilobytes."""
    words = _text(machine).partition("\n")[0].split()
    return int(words[1]) << 10 if words[:1] == ["MemTotal:"] else 0


def _limit(told: Path) -> int:
    text = _text(told).strip()
    return int(text) if text.isdigit() else 0  # "max" where there is none


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
