# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One step that puts something right: its class, its statements, and when they run. Pure.

Class A loses nothing and locks shortly: a run does it. Class B is somebody's decision: a run does it when it is named.
Class C is never done by a machine.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog import Objects

Attributes = Mapping[str, Any]
WHOLE: frozenset[str] = frozenset()


class Order(enum.IntEnum):
    """What others need comes first."""

    # The owner's own rights to what is his: without them he can do nothing else.
    OWN = 0
    DROP = 1
    ROUTINE = 2
    COLUMN = 3
    TABLE = 4
    KEY = 5
    CONSTRAINT = 6
    INDEX = 7
    ATTACHED = 8
    LAST = 9


@dataclass(frozen=True)
class Online:
    """The same for a large table, without shutting writers out: the long part runs after the transaction, alone."""

    inside: tuple[str, ...]
    alone: tuple[str, ...]
    # What an earlier, interrupted attempt may have left.
    clean_up: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """`attributes`: what of the object differs; nothing stands for the object as a whole."""

    drift_class: str
    order: Order
    statements: tuple[str, ...] = ()
    attributes: frozenset[str] = WHOLE
    online: Online | None = None
    # Counts the rows that stand in the way; asked when the statements fail, or before them where they would not.
    obstacles: str | None = None
    ask_first: bool = False
    # Only whoever administers the server can do it.
    by_admin: bool = False
    # It takes a right or a policy from somebody.
    takes_access: bool = False


@dataclass(frozen=True)
class Context:
    """What a step may need to know beside its object."""

    recorded: Objects
    live: Objects
    database: str
    # The role whose session does it.
    owner: str
    # What this run has made itself: a right that comes with it by default is nobody's decision.
    made: frozenset[str] = field(default_factory=frozenset)
