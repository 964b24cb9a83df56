"""What role `backup` made on a server, for tests."""

from __future__ import annotations

import json
from typing import Any

from tests.server import DIRECTORY, Droplet

SIDECAR = "docker exec postgres-erp-backup"


def state(server: Droplet, name: str) -> dict[str, Any]:
    """What a job says about itself: backup, dump, restore_test or archive."""
    found: dict[str, Any] = json.loads(server.shell(f"cat {DIRECTORY}/postgres-erp-backup/state/{name}.json"))
    return found


def repository(server: Droplet) -> dict[str, Any]:
    """pgBackRest's own word."""
    found: dict[str, Any] = json.loads(server.shell(f"{SIDECAR} pgbackrest --output=json info"))[0]
    return found
