# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalog as the release makes it (sql/expected), against the recorded and the live one. Pure."""

from __future__ import annotations

import binascii
import json
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.drift import acl
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import catalog, catalog_history
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog import Attributes, Objects
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.effects import Effect
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.files import Migration, Warn
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.ledger import Expected, Plan
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.packing import packed, unpacked

if TYPE_CHECKING:
    from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.state import Work

# What a server has before the first migration; no dump of the schemas carries it either.
_OF_THE_SERVER = ("database this", "schema public")
_NAMED = 5


@dataclass(frozen=True)
class Shipped:
    """One file of sql/expected."""

    algorithm: str
    postgresql: int
    # Version and checksum of each migration that it describes.
    migrations: Mapping[str, str]
    access: str
    # The roles of roles.yml.
    roles: frozenset[str]
    access_objects: list[str]
    fingerprint: str
    # Unpacked only when a fingerprint differs.
    packed: str

    @property
    def version(self) -> str:
        return max(self.migrations)

    @cached_property
    def objects(self) -> Objects:
        try:
            found: Objects = json.loads(unpacked(self.packed))
        except (binascii.Error, zlib.error, ValueError):
            raise MigrationError(broken_sentence()) from None
        return found

    def describes(self, migrations: Sequence[Migration]) -> bool:
        """It was made from these very files."""
        return self.migrations == {migration.version: migration.checksum for migration in migrations}

    def record(self) -> Expected:
        """As a run records it that makes exactly this."""
        return Expected(self.version, self.algorithm, self.fingerprint, self.access, self.access_objects, "")

    def differences(
        self, objects: Objects, algorithm: str = catalog.ALGORITHM, schemas: Collection[str] = ()
    ) -> list[str]:
        """Objects that are not as the release makes them, as far as that algorithm sees.

        Rights of roles that somebody added are left out.
        """
        sides = (catalog_history.seen_by(algorithm, side, schemas) or {} for side in (self.objects, objects))
        return catalog.changed(*(self.comparable(side) for side in sides))

    def comparable(self, objects: Objects) -> dict[str, Attributes]:
        return {key: self._of_release(each) for key, each in objects.items() if key not in _OF_THE_SERVER}

    def _of_release(self, attributes: Attributes) -> Attributes:
        rights = [item for item in attributes.get("acl", ()) if self._known(item)]
        rest = {name: value for name, value in attributes.items() if name != "acl"}
        return {**rest, "acl": rights} if rights else rest

    def _known(self, item: str) -> bool:
        return {grantee for grantee, _privilege in acl.privileges([item])} <= self.roles | {"PUBLIC"}


@dataclass(frozen=True)
class Verdict:
    """Where the record of a database and the release differ, although both were made from the same files."""

    # The database is as the release makes it: what is recorded of these is replaced by what the release has, if any.
    renewed: Mapping[str, Attributes | None] = field(default_factory=dict)
    # The database is as it was recorded: nobody changed it.
    described: tuple[str, ...] = ()

    def recorded(self, before: Objects) -> Objects:
        """The record as it is to be."""
        if not self.renewed:
            return before
        after = {**before, **self.renewed}
        return {key: attributes for key, attributes in after.items() if attributes is not None}

    def changes(self) -> list[Effect]:
        if not self.renewed:
            return []
        return [Effect("change", "migration ledger", f"records as the release makes them: {named(list(self.renewed))}")]

    def left(self) -> list[Effect]:
        """Once for all objects: nobody has to do anything about one of them."""
        if not self.described:
            return []
        told = (
            f"our release or another minor version of PostgreSQL describes {len(self.described)} objects differently "
            f"than they are and were recorded: {named(self.described)}; this is not drift"
        )
        remedy = (
            "nothing has to be done; where a migration was accepted without being run, do by hand what was edited "
            "in it, and the next run records that"
        )
        return [Effect("left", "expected state", told, remedy)]


def broken_sentence() -> str:
    return "expected is not a file that this collection made; nothing was changed; run: make expected"


def named(keys: Sequence[str]) -> str:
    return ", ".join(keys[:_NAMED]) + (", ..." if keys[_NAMED:] else "")


def judge(work: Work, plan: Plan, expected: Expected | None, recorded: Objects, live: Objects) -> Verdict:
    """Three-way, where what is recorded was made from the very files that the release describes."""
    shipped = work.shipped
    if (
        shipped is None
        or expected is None
        or expected.fingerprint == shipped.fingerprint
        or plan.pending
        or plan.accepted
        or not shipped.describes(work.migrations)
        or not shipped.access == expected.access_checksum == work.access_checksum
    ):
        return Verdict()

    def differing(objects: Objects) -> list[str]:
        return shipped.differences(objects, expected.catalog_algo, work.schemas)

    other = differing(recorded)
    as_shipped = set(other) - set(differing(live))
    return Verdict(
        {key: shipped.objects.get(key) for key in other if key in as_shipped},
        tuple(key for key in other if key not in as_shipped and recorded.get(key) == live.get(key)),
    )


def pack(document: Any) -> dict[str, Any]:
    """What the action plugin sends of a file: 8 times smaller than the file."""
    if not isinstance(document, dict) or not isinstance(document.get("objects"), dict):
        raise MigrationError(broken_sentence())
    objects = json.dumps(document["objects"], separators=(",", ":")).encode()
    return {**document, "objects": packed(objects)}


def parse(argument: Any, server_major: int, warn: Warn) -> Shipped | None:
    """What the action plugin sent; None for a file that an older release made, which cannot be compared."""
    if argument is None:
        return None
    try:
        found = Shipped(
            str(argument["algorithm"]),
            int(argument["postgresql"]),
            {str(version): str(checksum) for version, checksum in argument["migrations"].items()},
            str(argument["access"]),
            frozenset(argument["roles"]),
            list(argument["access_objects"]),
            str(argument["fingerprint"]),
            str(argument["objects"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise MigrationError(broken_sentence()) from None
    if found.postgresql != server_major:
        raise MigrationError(
            f"expected describes the schema on PostgreSQL {found.postgresql}, and the server is to be {server_major}; "
            f"nothing was changed; remove expected, or give one that was made on PostgreSQL {server_major}"
        )
    if found.algorithm != catalog.ALGORITHM:
        warn(
            f"expected was made by {found.algorithm}, and this module knows {catalog.ALGORITHM}, so nothing is "
            "compared with it; run: make expected"
        )
        return None
    return found
