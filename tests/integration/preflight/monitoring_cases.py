# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What role monitoring refuses and warns of, in the form of `CASES` and `WARNED` in test_refusals.py."""

from __future__ import annotations

from typing import Any

CASES: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "limit": ({}, {"monitoring_limits": {"disk_percent": [90, 80]}}, ["disk_percent: [90, 80]", "warns first"]),
    "falling_limit": ({}, {"monitoring_limits": {"token_days": [30, 10]}}, []),
    "unknown_limit": ({}, {"monitoring_limits": {"disk": [1, 2]}}, ["has disk:", "disk_percent"]),
    "odd_limit": ({}, {"monitoring_limits": {"slot_mb": "much"}}, ["slot_mb", "two numbers"]),
    "webhook": ({}, {"monitoring_webhook_url": "ftp://example.test/of-a-test"}, ["monitoring_webhook_url", "https://"]),
}
