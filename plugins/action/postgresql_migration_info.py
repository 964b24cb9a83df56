# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the migrations on the control node, as postgresql_migration does."""

from __future__ import annotations

from ansible_collections.bestviable.portfolio.plugins.action.postgresql_migration import ActionModule

__all__ = ["ActionModule"]
