# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/DATA_API.md names the limits that the roles have."""

from __future__ import annotations

import re

from tests.consistency.repository import defaults, load, read

TEXT = read("docs/DATA_API.md")


def test_the_limits_are_the_roles() -> None:
    api = defaults("postgrest_erp")
    told = dict(re.findall(r"^\| [^|]+ \| ([^|]+) \| `(post\w+)`", TEXT, re.M))
    numbers = {variable: [int(number) for number in re.findall(r"\d+", text)] for text, variable in told.items()}
    timeout = load("sql/access/roles.yml")["roles"]["portfolio_authenticator"]["settings"]["statement_timeout"]
    assert numbers == {
        "postgrest_erp_max_rows": [api["postgrest_erp_max_rows"]],
        "postgrest_erp_max_body_bytes": [api["postgrest_erp_max_body_bytes"] >> 10],
        "postgrest_erp_in_flight": [api["postgrest_erp_in_flight"]],
        "postgrest_erp_in_flight_large": [api["postgrest_erp_in_flight_large"]],
        "postgrest_erp_waiting": [api["postgrest_erp_waiting"]],
        "postgrest_erp_rate": list(api["postgrest_erp_rate"].values()),
        "postgrest_erp_pool": [api["postgrest_erp_pool"]],
        "postgres_erp_process_memory": [int(defaults("postgres_erp")["postgres_erp_process_memory"].rstrip("m"))],
    }
    [most] = re.findall(r"most CONSTANT bigint := (\d+);", read("sql/access/60_mass_write.sql"))
    assert f"| rows that one request changes or deletes | {most} |" in TEXT
    assert re.search(rf"^\| `400` \| PT400 \| .* more than {most} rows", TEXT, re.M)
    assert f"| {timeout.replace('s', ' s')}, less where the role says so |" in TEXT


def test_the_paths_are_the_prefixes() -> None:
    prefixes = load("roles/postgrest_erp/vars/main.yml")["_postgrest_erp_prefixes"]
    assert dict(re.findall(r"^\| `/(\w+)/[^|]+\| `(\w+)` \|", TEXT, re.M)) == prefixes
