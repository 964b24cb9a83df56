"""A run that finds nothing to do, and runs that find drift."""

from __future__ import annotations

import pytest

from tests.server import DIRECTORY, Droplet

CONF = f"{DIRECTORY}/postgres-erp/conf"
EXECUTIONS = 17  # most remote module executions of a run that has nothing to do (style: "A fast re-run")


def test_nothing_to_do(droplet: Droplet) -> None:
    before = droplet.containers()
    events = droplet.sql("SELECT count(*) FROM migration.event")
    run = droplet.run()
    assert (run.returncode, run.recap["changed"]) == (0, 0), run.output
    assert droplet.containers() == before
    assert droplet.sql("SELECT count(*) FROM migration.event") == events
    assert len(run.executions) <= EXECUTIONS, [entry for entry in run.executions]


def test_check_and_diff_are_empty(droplet: Droplet) -> None:
    run = droplet.run("--check", "--diff")
    assert (run.returncode, run.recap["changed"]) == (0, 0), run.output
    assert "\n--- " not in run.output


@pytest.mark.parametrize(
    ("damage", "restarts"),
    [
        (f"echo '# by hand' >> {DIRECTORY}/postgres-erp/docker-compose.yml", set()),
        (f"chmod 0666 {DIRECTORY}/postgres-erp/docker-compose.yml", set()),
        (f"echo 'work_mem = 64MB' >> {CONF}/postgresql.conf", set()),
        (f"rm {CONF}/pg_ident.conf", set()),
        ("docker stop -t 60 postgrest-erp", {"/postgrest-erp"}),
        ("docker rm -f postgres-erp", {"/postgres-erp"}),
        ("docker update --memory 200m --memory-swap 200m postgres-erp", {"/postgres-erp"}),
        ("docker network disconnect portfolio-network postgrest-erp", {"/postgrest-erp"}),
    ],
    ids=["compose", "mode", "settings", "removed_file", "stopped", "removed", "memory", "disconnected"],
)
def test_drift_is_predicted_and_put_right(droplet: Droplet, damage: str, restarts: set[str]) -> None:
    before = droplet.containers()
    droplet.shell(damage)
    predicted = droplet.run("--check", "--diff")
    assert predicted.returncode == 0, predicted.output
    assert predicted.recap["changed"] > 0, predicted.output
    done = droplet.run()
    assert done.returncode == 0, done.output
    assert done.changed_tasks == predicted.changed_tasks
    after = droplet.containers()
    assert {name for name in after if after[name] != before.get(name)} == restarts
    again = droplet.run()
    assert (again.returncode, again.recap["changed"]) == (0, 0), again.output


def test_a_reload_that_a_killed_run_lost_is_made_good(droplet: Droplet) -> None:
    # What a run leaves that is killed between the file and its reload: the server runs 64MB, the file says 2MB.
    droplet.shell(f"sed -i 's/^work_mem.*/work_mem = 64MB/' {CONF}/postgresql.conf")
    droplet.sql("SELECT pg_reload_conf()")
    droplet.shell(f"sed -i 's/^work_mem.*/work_mem = \\'2MB\\'/' {CONF}/postgresql.conf")
    assert droplet.sql("SHOW work_mem") == "64MB"
    before = droplet.containers()
    assert droplet.run().returncode == 0
    assert droplet.sql("SHOW work_mem") == "2MB"
    assert droplet.containers() == before


def test_a_setting_that_needs_a_restart_gets_one(droplet: Droplet) -> None:
    before = droplet.containers()
    changed = droplet.run("-e", '{"postgres_erp_settings": {"shared_buffers": "48MB"}}')
    assert changed.returncode == 0, changed.output
    assert droplet.sql("SHOW shared_buffers") == "48MB"
    assert droplet.run().returncode == 0
    assert droplet.sql("SHOW shared_buffers") == "64MB"
    after = droplet.containers()
    assert {name for name in after if after[name] != before[name]} == {"/postgres-erp"}
    assert droplet.run().recap["changed"] == 0


@pytest.mark.parametrize("login", ["portfolio_authenticator", "erp_admin"])
def test_a_changed_password_is_put_back(droplet: Droplet, login: str) -> None:
    droplet.sql(f"ALTER ROLE {login} PASSWORD 'changed-by-hand'")
    done = droplet.run()
    assert done.returncode == 0, done.output
    assert done.recap["changed"] == 1
    password = droplet.shell(f"cat {DIRECTORY}/postgres-erp/secrets/{login}")
    assert (
        droplet.shell(f"docker exec -e PGPASSWORD={password} postgres-erp psql -XAtU {login} -d postgres -c 'SELECT 1'")
        == "1"
    )
