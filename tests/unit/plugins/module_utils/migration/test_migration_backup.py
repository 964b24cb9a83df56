# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be said of a backup file without a server."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import backup, restore
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import Target

# As pg_restore 15 prints it.
LISTING = """;
; Archive created at 2026-11-24 22:06:08 UTC
;     Dumped from database version: 15.14
;
5; 2615 16390 SCHEMA - erp erp_admin
210; 1259 16400 TABLE erp people erp_admin
3530; 0 0 COMMENT erp TABLE people erp_admin
3600; 0 16400 TABLE DATA erp people erp_admin
3601; 0 16410 TABLE DATA other two words erp_admin
3700; 0 0 SEQUENCE SET erp people_id_seq erp_admin
"""


def test_the_tables_of_a_listing_are_those_with_rows() -> None:
    assert backup.tables_of(LISTING) == {("erp", "people"), ("other", "two words")}


def test_names_sort_by_time_and_are_file_names() -> None:
    first = backup.name_of("portfolio", "0b7e1c2d-9a4f/../x", 1767225600.0)
    assert first == "portfolio-20260101T000000Z-0b7e1c2d.dump"
    assert first < backup.name_of("portfolio", "00000000", 1767225601.0)
    assert backup.name_of("portfolio", "a/b", 0.0) == "portfolio-19700101T000000Z-ab.dump"


def test_room_is_that_of_the_nearest_directory_that_is_there(tmp_path: Path) -> None:
    assert backup.room(tmp_path / "not" / "yet") > 0


def test_room_is_the_whole_database_and_what_stays_free() -> None:
    size = 50 * 1024 * 1024
    backup.refuse_no_room(Path("/b"), size, size + backup.MARGIN)
    with pytest.raises(
        MigrationError, match=r"^/b has 149 MB free, and a backup needs up to 150 MB \(the database has 50"
    ):
        backup.refuse_no_room(Path("/b"), size, size + backup.MARGIN - 1)


def test_a_quote_in_a_path_stays_in_its_string() -> None:
    assert restore.literal("it's") == "'it''s'"


def test_a_password_file_that_is_there_is_used_and_another_is_made_of_a_password(tmp_path: Path) -> None:
    target = Target("erp_admin", "portfolio", "db.example.com", 25060, passfile="/opt/pgpass")
    made = tmp_path / "made"
    assert "passfile='/opt/pgpass'" in backup.address_of(target, made) and not made.exists()
    assert f"passfile='{made}'" in backup.address_of(target.at(password="a:b"), made)
    assert made.read_text(encoding="utf-8") == "*:*:*:*:a\\:b\n" and made.stat().st_mode & 0o777 == 0o600
