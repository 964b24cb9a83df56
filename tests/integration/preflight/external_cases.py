# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused where the database is on a server of somebody else, and what does not count there."""

from __future__ import annotations

from typing import Any

from tests.integration.preflight.recorded import DATA, STRANGER

SECRET = "of-the-provider"
EXTERNAL = {
    "portfolio_topology": "external",
    "portfolio_database_uri": f"postgresql://doadmin:{SECRET}@db.example.com:25060/defaultdb?sslmode=require",
    "portfolio_database_ca": "{{ inventory_dir }}/ca.crt",
    "portfolio_database_major": 17,
}
THERE = {"data": {"server": "db.example.com:25060"}}
FILES = {"/opt/portfolio/.portfolio": {"type": "directory"}, "/opt/portfolio/postgres-erp": {"type": "directory"}}

CASES: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "external": ({}, EXTERNAL, []),
    "external_deployed": ({"markers": THERE, "files": FILES}, EXTERNAL, []),
    "external_beside_others": (
        {
            "containers": {"postgres-erp": STRANGER},
            "images": {"postgres:15.20-alpine": {"id": "sha256:a", "env": {"PG_MAJOR": "15"}}},
        },
        EXTERNAL | {"portfolio_directory": "/" + "x" * 90},
        [],
    ),
    "external_without_address": (
        {},
        EXTERNAL | {"portfolio_database_uri": ""},
        ["portfolio_database_uri is empty", "provider shows"],
    ),
    "external_odd_address": (
        {},
        EXTERNAL | {"portfolio_database_uri": "db.example.com"},
        ["portfolio_database_uri is not the URI", "give one such as"],
    ),
    "external_without_certificate": (
        {},
        EXTERNAL | {"portfolio_database_ca": ""},
        ["portfolio_database_ca is empty", "provider's CA certificate"],
    ),
    "external_odd_certificate": (
        {},
        EXTERNAL | {"portfolio_database_ca": "/etc/hostname"},
        ["portfolio_database_ca is /etc/hostname", "as PEM"],
    ),
    "external_over_own_data": (
        {"data_volume": DATA, "files": FILES},
        EXTERNAL,
        ["a database of its own", "set it to single", "make destroy DATA=yes"],
    ),
    "external_elsewhere": (
        {"markers": {"data": {"server": "db.example.com:25061"}}, "files": FILES},
        EXTERNAL,
        ["leads to db.example.com:25060", "are at db.example.com:25061", "set it back"],
    ),
    "external_images": ({}, EXTERNAL | {"portfolio_image_source": "auto"}, ["auto", "registry or build"]),
    "single_after_external": (
        {"markers": THERE, "files": FILES},
        {},
        ["portfolio_topology is single", "db.example.com:25060", "set it to external"],
    ),
}
