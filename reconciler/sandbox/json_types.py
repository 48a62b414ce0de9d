"""What travels: JSON objects as plain dictionaries."""

from typing import Any

Json = dict[str, Any]
