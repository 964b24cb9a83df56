# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rolling a whole server back and bringing every row home, and the verb for old migrations; then what is refused."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.contract import COUNT
from tests.server import BIN, DIRECTORY, ROOT, Droplet

BACKUPS = f"{DIRECTORY}/postgres-erp/backups"
OLD = "/root/old"
PSQL = "docker exec -i postgres-erp psql -XAtqv ON_ERROR_STOP=1 -U postgres -d portfolio"
SCHEMAS = "WHERE schemaname IN ('erp', 'agent')"
TABLES = f"FROM pg_tables {SCHEMAS}"
# One line for each table: its rows, every column of them, whatever their order.
ROWS = rf"""
SELECT format($$SELECT '%1$s.%2$s', count(*), md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), ''))
FROM %1$I.%2$I AS t$$, schemaname, tablename) {TABLES} ORDER BY 1 \gexec
"""
SEQUENCES = f"SELECT sequencename, last_value FROM pg_sequences {SCHEMAS} ORDER BY 1"
TRUNCATE = (
    rf"SELECT 'TRUNCATE ' || string_agg(schemaname || '.' || tablename, ', ') || ' RESTART IDENTITY' {TABLES} \gexec"
)
# Beside the seed: numbers beyond the sequence, a circle, text that a dump has to quote, a row that was changed later.
EXTRA = r"""
INSERT INTO erp.people (full_name) VALUES ('Zoë Ærø 你好'), (E'tab\there\\.\nand a second line'), ('Changed');
INSERT INTO erp.people (id, full_name) VALUES (5000, 'Beyond the sequence');
INSERT INTO agent.events (id, event_type, message) VALUES (7, 'observation', 'Ünïcode');
INSERT INTO agent.facts (id, fact_key, fact_type, content, source_event_id)
VALUES (8, 'a.b', 'pattern', '{"a": "\\"}', 7);
UPDATE agent.events SET promoted_fact_id = 8 WHERE id = 7;
UPDATE erp.people SET full_name = 'Changed later' WHERE full_name = 'Changed';
"""


def psql(droplet: Droplet, script: str) -> str:
    return droplet.shell(PSQL, given=script)


def state(droplet: Droplet) -> tuple[str, str]:
    rows = psql(droplet, ROWS)
    assert len(rows.splitlines()) == COUNT
    return rows, psql(droplet, SEQUENCES)


def typed(droplet: Droplet, answer: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A verb on a terminal, where somebody answers its question."""
    operator, terminal = pty.openpty()
    os.write(operator, f"{answer}\n".encode())
    try:
        return subprocess.run(
            [str(ROOT / "portfolio"), *words, "-i", str(droplet.inventory)],
            env=droplet.environment, stdin=terminal, capture_output=True, text=True, cwd=ROOT, check=False,
        )  # fmt: skip
    finally:
        os.close(operator)
        os.close(terminal)


def said(process: subprocess.CompletedProcess[str]) -> str:
    """Without the line breaks of the view."""
    return " ".join((process.stdout + process.stderr).split())


def done(process: subprocess.CompletedProcess[str]) -> str:
    assert process.returncode == 0, process.stdout + process.stderr
    return said(process)


def refused(process: subprocess.CompletedProcess[str]) -> str:
    assert process.returncode == 1, process.stdout + process.stderr
    return said(process)


@pytest.fixture(scope="module")
def filled(converged: Droplet) -> Iterator[Droplet]:
    """Example rows and some more; afterwards no rows and no backups, whatever a test left."""
    done(converged.verb("seed"))
    psql(converged, EXTRA)
    yield converged
    converged.shell(f"rm -rf {BACKUPS} {OLD}")
    if psql(converged, f"SELECT count(*) {TABLES}") != str(COUNT):
        run = converged.run()
        assert run.returncode == 0, run.output
    psql(converged, TRUNCATE)
    assert psql(converged, ROWS).count("|0|") == COUNT


def test_without_the_name_or_without_room_nothing_is_touched(filled: Droplet) -> None:
    before, containers = state(filled), filled.containers()
    assert "add CONFIRM=portfolio if that is wanted" in refused(filled.verb("rollback"))
    wrong = refused(filled.verb("rollback", "CONFIRM=yes"))
    assert "CONFIRM=yes is not the database's name, nothing was changed; give CONFIRM=portfolio" in wrong
    # The playbook by itself asks for the same word.
    book, word = "playbooks/rollback.yml", "confirm=Portfolio"
    direct = subprocess.run(
        [str(BIN / "ansible-playbook"), "-i", str(filled.inventory), book, "-e", word],
        env=filled.environment, capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert direct.returncode == 2
    assert "confirm is Portfolio, and every table on droplet would go" in direct.stdout
    assert filled.shell(f"ls {BACKUPS}", check=False) == ""
    filled.shell(f"mkdir -p {BACKUPS} && mount -t tmpfs -o size=20m none {BACKUPS}")
    try:
        told = refused(filled.verb("rollback", "CONFIRM=portfolio"))
        assert re.search(rf"{BACKUPS} has 20 MB free, and a backup needs up to 1\d\d MB", told), told
        assert "nothing was changed" in told and "do: free disk space there and run again" in told
        assert filled.shell(f"ls -A {BACKUPS}") == ""
    finally:
        filled.shell(f"umount {BACKUPS} && rmdir {BACKUPS}")
    assert (state(filled), filled.containers()) == (before, containers)


def test_every_row_comes_home(filled: Droplet) -> None:
    before, containers = state(filled), filled.containers()
    assert before[0].count("|0|") == 0, "each table has a row"
    following = psql(filled, "SELECT last_value + is_called::int FROM erp.people_id_seq")
    history = int(psql(filled, "SELECT count(*) FROM migration.event"))
    psql(filled, "INSERT INTO private.revoked_tokens (jti) VALUES ('lost-laptop')")

    told = done(typed(filled, "portfolio", "rollback"))
    assert f"tables that would be dropped: {COUNT} of api_view, agent, erp" in told
    [file] = set(re.findall(r"portfolio-\d{8}T\d{6}Z-\w{8}\.dump", told))
    assert filled.shell(f"stat -c '%a %U' {BACKUPS} {BACKUPS}/{file}").split("\n") == ["700 root", "600 root"]
    assert psql(filled, f"SELECT count(*) {TABLES}") == "0"
    assert int(psql(filled, "SELECT count(*) FROM migration.event")) == history + 1
    assert "nothing to roll back: the schemas are gone already" in done(filled.verb("rollback", "CONFIRM=portfolio"))

    deploy = filled.run()
    assert deploy.returncode == 0, deploy.output
    assert f"the rows of {file} are in the tables on droplet again" in done(filled.verb("rollback", f"RESTORE={file}"))
    assert state(filled) == before
    assert psql(filled, "INSERT INTO erp.people (full_name) VALUES ('Next') RETURNING id") == following
    run = filled.run()
    assert (run.returncode, run.recap["changed"]) == (0, 0), run.output
    assert filled.containers() == containers, "nothing was restarted by all this"
    assert psql(filled, "DELETE FROM private.revoked_tokens RETURNING jti") == "lost-laptop"

    # By hand, with the line of the documentation.
    [line] = re.findall(r"^docker exec .*pg_restore .*< FILE$", (ROOT / "docs/ROLLBACK.md").read_text(), re.M)
    psql(filled, TRUNCATE)
    filled.shell(line.replace("FILE", f"{BACKUPS}/{file}"))
    assert state(filled) == before


def test_old_migrations_are_archived_and_come_back(filled: Droplet) -> None:
    names = "001_a.sql 002_b.sql 003_c.sql"
    filled.shell(f"mkdir -p {OLD}/migrations && cd {OLD}/migrations && touch {names}")
    assert "now in /root/old/migrations/deprecated; back again: make archive" in done(
        filled.verb("archive", f"DIRECTORY={OLD}")
    )
    assert filled.shell(f"ls {OLD}/migrations/deprecated").split() == [*names.split(), "README.md"]
    filled.shell(f"cd {OLD}/migrations && mv deprecated/001_a.sql /root/")
    assert "001_a.sql is listed in" in refused(filled.verb("archive", f"DIRECTORY={OLD}"))
    filled.shell(f"mv /root/001_a.sql {OLD}/migrations/")
    assert "now in /root/old/migrations" in done(filled.verb("archive", f"DIRECTORY={OLD}", "STATE=restored"))
    assert filled.shell(f"ls {OLD}/migrations").split() == names.split()
    told = refused(filled.verb("archive", "DIRECTORY=/nowhere"))
    assert "/nowhere/migrations is no directory that can be read" in told and "Nothing was changed." in told
