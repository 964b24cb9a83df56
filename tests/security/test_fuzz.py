# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that a program makes up from the API's own description, which is published to nobody."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.security.beside import api_beside
from tests.security.chain import Chain
from tests.server import BIN, ROOT

SEED = 20261128
# Schema behind the prefix, and who asks.
WAYS = [("erp", "erp_reader"), ("erp", "erp_writer"), ("agent", "agent_viewer"), ("agent", "agent_service")]


@pytest.fixture
def kept(chain: Chain) -> Iterator[None]:
    """All rows as they were, whatever is written in between."""
    psql = "docker exec -i postgres-erp psql -qXU postgres -d portfolio -v ON_ERROR_STOP=1"
    chain.droplet.shell(
        "docker exec postgres-erp pg_dump -U postgres -d portfolio --data-only --disable-triggers -n erp -n agent"
        " > /tmp/kept.sql"
    )
    yield
    tables = chain.sql(
        "SELECT string_agg(oid::regclass::text, ', ') FROM pg_class WHERE relkind = 'r' AND relnamespace"
        " IN ('erp'::regnamespace, 'agent'::regnamespace)"
    )
    chain.sql(f"TRUNCATE {tables} CASCADE")
    chain.droplet.shell(f"{psql} < /tmp/kept.sql && rm /tmp/kept.sql")


def fuzz(chain: Chain, work: Path, prefix: str, role: str, *options: str) -> str:
    """What the fuzzer says; it fails on an answer of 500 and above, and on one that tells of the inside."""
    token, document = chain.token(role), work / "openapi.json"
    with api_beside(chain, PGRST_OPENAPI_MODE="follow-privileges") as api:
        document.write_bytes(chain.ask("GET", "/", token, api, {"Accept-Profile": prefix}).body)
    (work / "schemathesis.toml").touch()
    command = [
        *(str(BIN / "schemathesis"), "--config-file", str(work / "schemathesis.toml"), "run", str(document)),
        *("--url", f"{chain.url('local')}/{prefix}", "--header", f"Authorization: Bearer {token}"),
        *("--phases", "fuzzing", "--checks", "not_a_server_error,nothing_of_the_inside", "--seed", str(SEED)),
        *("--no-shrink", "--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off", *options),
    ]
    done = subprocess.run(
        chain.inside(*command),
        cwd=work,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.security.fuzz_checks", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr
    return done.stdout


@pytest.mark.parametrize(("prefix", "role"), WAYS[1:3])
@pytest.mark.usefixtures("kept")
def test_a_few_made_up_requests(chain: Chain, tmp_path: Path, prefix: str, role: str) -> None:
    """The issue's fuzz run, a slice: no 500 and above, nothing of the inside, and nothing restarts."""
    paths = "^/(people|tasks|sessions|facts|rpc/.*)$"
    assert generated(fuzz(chain, tmp_path, prefix, role, "-n", "3", "--include-path-regex", paths)) >= 10


@pytest.mark.long
@pytest.mark.parametrize(("prefix", "role"), WAYS)
@pytest.mark.usefixtures("kept")
def test_three_minutes_of_made_up_requests(chain: Chain, tmp_path: Path, prefix: str, role: str) -> None:
    """The issue's fuzz run."""
    assert generated(fuzz(chain, tmp_path, prefix, role, "-n", "5", "--max-time", "45")) >= 50


def generated(said: str) -> int:
    """How many requests were made, as the fuzzer says."""
    found = re.search(r"(\d+) generated", said)
    assert found, said
    return int(found[1])
