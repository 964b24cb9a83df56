# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of role `backup` for test_refusals.py."""

from __future__ import annotations

from typing import Any

from tests.integration.preflight.recorded import STRANGER

BUCKET = {
    "backup_s3_bucket": "acme",
    "backup_s3_endpoint": "s3.example.test:9000",
    "backup_s3_key": "key",
    "backup_s3_key_secret": "not so secret",
    "backup_passphrase": "a long enough passphrase".replace(" ", "-"),
}
# name: (changes to the state, inventory variables, what the sentence must hold); no words = must pass
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "bucket": ({}, BUCKET, []),
    "bucket_without_a_passphrase": (
        {},
        BUCKET | {"backup_passphrase": ""},
        ["backup_s3_bucket is acme", "backup_passphrase must be in the inventory"],
    ),
    "bucket_without_a_key": ({}, BUCKET | {"backup_s3_key": ""}, ["backup_s3_bucket is acme", "backup_s3_key must"]),
    "endpoint_with_a_scheme": (
        {},
        BUCKET | {"backup_s3_endpoint": "https://s3.example.test"},
        ["backup_s3_endpoint is https://s3.example.test", "host:port"],
    ),
    "folder_of_a_bucket": ({}, BUCKET | {"backup_s3_path": "erp"}, ["backup_s3_path is erp", "begins with /"]),
    "authority": ({}, BUCKET | {"backup_s3_ca_file": "/nowhere/ca.pem"}, ["backup_s3_ca_file is /nowhere/ca.pem"]),
    "short_passphrase": ({}, BUCKET | {"backup_passphrase": "secret"}, ["backup_passphrase", "16 characters"]),
    "sizes_of_the_backup": ({}, {"backup_spool_size": "big"}, ["backup_spool_size is big", "128m"]),
    "small_spool": ({}, {"backup_spool_size": "16m"}, ["backup_spool_size is 16m", "64m"]),
    "no_copies": ({}, {"backup_full_kept": 0}, ["backup_full_kept is 0", "1 or more"]),
    "seconds": ({}, {"backup_rpo": "seconds"}, ["backup_rpo is seconds for", "leave backup_rpo at minutes"]),
    "archive_timeout": ({}, {"backup_archive_timeout": "soon"}, ["backup_archive_timeout is soon", "60s"]),
    "schedule": ({}, {"backup_schedule": {"hourly": "*:10"}}, ["backup_schedule has hourly", "incremental"]),
    "container_of_the_backup": (
        {"containers": {"postgres-erp-backup": STRANGER}},
        {},
        ["postgres-erp-backup", "docker rename postgres-erp-backup NEW_NAME"],
    ),
    "volume_of_the_backup": (
        {"volumes": {"postgres-erp-backup": {"driver": "local", "mountpoint": "/x", "labels": {}}}},
        {},
        ["postgres-erp-backup", "docker volume rm postgres-erp-backup"],
    ),
    "directory_of_the_backup": (
        {"files": {"/opt/portfolio/postgres-erp-backup": {"type": "directory"}}},
        {},
        ["/opt/portfolio/postgres-erp-backup", "portfolio_directory"],
    ),
    "no_backup": ({}, {"backup_enabled": False, "backup_spool_size": "big"}, []),
    "no_systemd": ({"init": "none"}, {}, []),
    "more_memory": ({"memory": {"total_mb": 2000, "available_mb": 640}}, {}, []),
}
# What the doctor warns of on the small server that the cases begin with.
ALWAYS = {"same server", "memory of the restore test"}
CALM = {
    **{name: {"same server"} for name, (_, variables, _words) in CASES.items() if "backup_s3_bucket" in variables},
    "no_backup": ALWAYS,
    "more_memory": {"memory of the restore test"},
}
# Roles backup and monitoring.
WARNED = {"no_systemd": {"timers", "systemd"}}
# Checks that need the answer of a repository; each way in which its sentence may be said counts by itself.
OF_A_RESTORE = (
    *("external server", "backups", "readable time", "future", "repository", "repository 2", "repository 3"),
    *("first backup", "first backup 2", "another database", "another database 2", "disk for a restore"),
    *(
        "names of tables",
        "names of tables 2",
        "running server",
        "running server 2",
        "known tables",
        "database of an earlier restore",
        "database of somebody else",
    ),
)
