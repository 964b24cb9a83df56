# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Molecule's scenario `alternative` sets every option to something else, and looks for what it set."""

from __future__ import annotations

import re
from typing import Any

from tests.consistency.repository import ROLES, load, options, read

VARIABLES: dict[str, Any] = load("molecule/alternative/inventory/group_vars/all/main.yml")
VERIFY = read("molecule/alternative/verify.yml")
# Options that stay at their default there, with the reason.
AT_DEFAULT: dict[str, str] = (
    dict.fromkeys(
        options("cloudflare_ingress"), "needs an account at Cloudflare, which the scenario `ingress` has a stand-in for"
    )
    | dict.fromkeys(
        ("portfolio_topology", "portfolio_database_uri", "portfolio_database_ca", "portfolio_database_major"),
        "needs another server: tests/system/test_18_external.py, test_19_upgrade.py",
    )
    | dict.fromkeys(
        (
            name
            for name in options("backup")
            if name in ("backup_enabled", "backup_rpo") or name.startswith("backup_s3_")
        ),
        "needs a bucket, and without backups nothing else would be seen: tests/integration/preflight, tests/backup",
    )
)
# Options that are set there and leave nothing to look at on the server, with the reason.
NOT_SEEN = {
    "docker_host_compose": "`pypi` works on the control node only; there a plugin lies at its place already",
    "docker_host_repository": "no package repository but the machine's own is in reach of a build machine",
    "docker_host_distributions": "only refuses: tests/integration/preflight",
    "docker_host_minimum_memory_mb": "only refuses: tests/integration/preflight",
    "docker_host_minimum_available_mb": "only refuses: tests/integration/preflight",
    "docker_host_minimum_disk_mb": "only refuses: tests/integration/preflight",
    "postgrest_erp_accept_image": "only allows what is refused: tests/integration/preflight",
    "traefik_accept_image": "only allows what is refused: tests/integration/preflight",
    "postgres_erp_accept": "only allows what is refused: tests/integration/postgresql_migration",
    "postgres_erp_drift": "decides about changes by hand: tests/integration/drift_repair",
    "postgres_erp_repair": "decides about changes by hand: tests/integration/drift_repair",
    "postgres_erp_revoke_extra": "decides about changes by hand: tests/integration/drift_repair",
    "postgres_erp_baseline": "means nothing where a ledger is: tests/integration/postgresql_migration",
    "postgres_erp_probe": "leaves nothing behind, and a run fails where one does not hold",
    "backup_restore_cpus": "of a container that is gone when its restore is done",
    "monitoring_limits": "means nothing where monitoring_enabled is false: tests/system/test_17_monitoring.py",
    "monitoring_webhook_url": "means nothing where monitoring_enabled is false: tests/system/test_17_monitoring.py",
    "portfolio_published": "only what the verb verify judges: tests/system/test_12_verify.py",
    "portfolio_no_log": "changes the output of a run, not the server: tests/system/test_04_secrets.py has the default",
}


def all_options() -> dict[str, dict[str, Any]]:
    return {name: option for role in ROLES for name, option in options(role).items()}


def test_every_option_is_set_to_something_else() -> None:
    same = [
        name
        for name, option in all_options().items()
        if name not in AT_DEFAULT and VARIABLES.get(name, option.get("default")) == option.get("default")
    ]
    assert same == [], "molecule/alternative/inventory has to set them to something else than their default"


def test_every_option_is_looked_for() -> None:
    unseen = {name for name in all_options() if not re.search(rf"\b{name}\b", VERIFY)}
    assert unseen == set(NOT_SEEN) | set(AT_DEFAULT), "molecule/alternative/verify.yml has to look for them"
