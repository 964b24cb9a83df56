# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example rows on a whole server: predicted, there, over the API's own count, refused, gone."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.server import Droplet

COUNT = "SELECT count(*) FROM erp.people WHERE id < 0"
ABSENT = "STATE=absent"


def seed(droplet: Droplet, *words: str) -> subprocess.CompletedProcess[str]:
    return droplet.verb("seed", *words)


def changed(done: subprocess.CompletedProcess[str]) -> bool:
    assert done.returncode == 0, done.stdout + done.stderr
    assert "seed: " in done.stdout, done.stdout
    return "seed: nothing to do" not in done.stdout


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1, done.stdout + done.stderr
    return " ".join(done.stderr.split())


@pytest.fixture
def empty(converged: Droplet) -> Iterator[Droplet]:
    """A database without rows before and after, whatever a test left."""
    assert converged.sql("SELECT count(*) FROM erp.people") == "0"
    yield converged
    converged.sql("DELETE FROM agent.sessions WHERE id > 0; DELETE FROM erp.people WHERE id > 0")
    assert seed(converged, ABSENT).returncode == 0
    assert converged.sql("SELECT count(*) FROM erp.people") == "0"


def test_rows_are_predicted_come_once_and_go(empty: Droplet) -> None:
    assert changed(seed(empty, "--check"))
    assert empty.sql(COUNT) == "0"
    assert changed(seed(empty))
    assert empty.sql(COUNT) == "3"
    assert not changed(seed(empty, "--check")) and not changed(seed(empty))
    assert changed(seed(empty, "--check", ABSENT))
    assert empty.sql(COUNT) == "3"
    assert changed(seed(empty, ABSENT))
    assert empty.sql(COUNT) == "0"
    assert not changed(seed(empty, ABSENT))


def test_a_seeded_server_is_a_converged_one(empty: Droplet) -> None:
    assert changed(seed(empty))
    run = empty.run()
    assert (run.returncode, run.recap["changed"]) == (0, 0), run.output


def test_rows_of_others_stop_it_with_one_sentence(empty: Droplet) -> None:
    empty.sql("INSERT INTO erp.people (full_name) VALUES ($$Somebody$$)".replace("$", "\\$"))
    assert "erp.people on droplet holds rows that are not the seed's" in refusal(seed(empty))
    assert empty.sql("SELECT count(*) FROM erp.people") == "1"


def test_rows_of_others_that_refer_to_it_stop_its_removal(empty: Droplet) -> None:
    assert changed(seed(empty))
    empty.sql("INSERT INTO agent.sessions (session_type, client_person_id) VALUES ('planning', -13)")
    told = refusal(seed(empty, ABSENT))
    assert re.search(r"refer to it: agent\.sessions \d+ \(client_person_id -13\)\..* do: delete them", told), told
    assert empty.sql(COUNT) == "3"


def test_a_database_that_does_not_answer_is_one_sentence(empty: Droplet) -> None:
    empty.shell("docker stop postgres-erp")
    try:
        told = refusal(seed(empty))
    finally:
        empty.shell("docker start postgres-erp; until docker exec postgres-erp pg_isready -q; do sleep 0.2; done")
    assert re.search(r"run: make deploy\b.*Nothing was changed\.", told), told
