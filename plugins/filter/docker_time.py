# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter docker_time: a time stamp of Docker as seconds since 1970."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any


def docker_time(stamp: str) -> float:
    """Seconds since 1970 of Docker's time stamp (RFC 3339 with nanoseconds, which fromisoformat does not read)."""
    head, _dot, fraction = stamp.rstrip("Z").partition(".")
    seconds = datetime.strptime(head, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc).timestamp()
    return seconds + float("0." + (fraction or "0"))


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"docker_time": docker_time}
