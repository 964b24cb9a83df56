# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every change by hand that is tried, one file for each family of objects; importing this fills the registry."""

from tests.integration.drift_coverage.changes import (  # noqa: F401 - each registers its own
    columns,
    constraints,
    indexes,
    rare,
    relations,
    rights,
    routines,
    schemas,
    tables,
    triggers,
    types,
)
