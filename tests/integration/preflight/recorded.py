# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What server_info and the marker tell, for the cases of test_refusals.py."""

from __future__ import annotations

from typing import Any

OURS = {"bestviable.portfolio": "postgres-erp"}
STRANGER: dict[str, Any] = {
    "id": "1",
    "image": "postgres:16",
    "image_id": "sha256:x",
    "state": "running",
    "health": None,
    "labels": {},
    "networks": {},
    "started_at": "2026-01-01T00:00:00Z",
    "restart_count": 0,
    "memory": 0,
    "memory_swap": 0,
    "nano_cpus": 0,
    "ports": [],
    "mounts": [],
}
MARKER = {
    "image": "postgres:15.20-alpine",
    "image_id": "sha256:old",
    "image_source": "registry",
    "system_identifier": "7",
    "uid": "70",
}
DATA = {"exists": True, "labels": OURS, "empty": False, "pg_version": "15", "system_identifier": 7}
NO_DATABASE = {"pg_version": None, "system_identifier": None}
DATA |= {"path": "/data", "total_mb": 24000, "free_mb": 19000, "ballast_mb": 64}
