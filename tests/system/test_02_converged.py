"""A run that finds nothing to do, and runs that find drift."""

from __future__ import annotations

import pytest

from tests.server import DIRECTORY, MOST_EXECUTIONS, ROOT, Droplet

CONF = f"{DIRECTORY}/postgres-erp/conf"


def test_nothing_to_do(converged: Droplet) -> None:
    before = converged.containers()
    events = converged.sql("SELECT count(*) FROM migration.event")
    run = converged.run()
    assert (run.returncode, run.recap["changed"]) == (0, 0), run.output
    assert converged.containers() == before
    assert converged.sql("SELECT count(*) FROM migration.event") == events
    assert len(run.executions) <= MOST_EXECUTIONS, run.executions


def test_check_and_diff_are_empty(converged: Droplet) -> None:
    run = converged.run("--check", "--diff")
    assert (run.returncode, run.recap["changed"]) == (0, 0), run.output
    assert "\n--- " not in run.output


def test_the_schema_is_valid_by_psql_alone(converged: Droplet) -> None:
    psql = "docker exec -i postgres-erp psql -v ON_ERROR_STOP=1 -U erp_admin -d portfolio"
    checks = converged.shell(psql, given=(ROOT / "sql" / "validate_schema.sql").read_text())
    assert "erp.execution_runs" in checks
    assert "\nFAIL" not in checks


@pytest.mark.parametrize(
    ("damage", "restarts"),
    [
        (
            [
                f"echo '# by hand' >> {DIRECTORY}/postgres-erp/docker-compose.yml",
                f"chmod 0666 {DIRECTORY}/postgrest-erp/docker-compose.yml",
                f"echo 'work_mem = 64MB' >> {CONF}/postgresql.conf",
                f"rm {CONF}/pg_ident.conf",
            ],
            set(),
        ),
        (["docker stop postgrest-erp", "docker rm -f postgres-erp"], {"/postgres-erp", "/postgrest-erp"}),
        (
            [
                "docker update --memory 200m --memory-swap 200m postgres-erp",
                "docker network disconnect portfolio-network postgrest-erp",
            ],
            {"/postgres-erp", "/postgrest-erp"},
        ),
    ],
    ids=["files", "containers", "limits"],
)
def test_drift_is_predicted_and_put_right(converged: Droplet, damage: list[str], restarts: set[str]) -> None:
    before = converged.containers()
    for command in damage:
        converged.shell(command)
    predicted = converged.run("--check", "--diff")
    assert predicted.returncode == 0, predicted.output
    assert predicted.recap["changed"] > 0, predicted.output
    done = converged.run()
    assert done.returncode == 0, done.output
    assert done.changed_tasks == predicted.changed_tasks
    after = converged.containers()
    assert {name for name in after if after[name] != before.get(name)} == restarts
    again = converged.run()
    assert (again.returncode, again.recap["changed"]) == (0, 0), again.output


def test_a_reload_that_a_killed_run_lost_is_made_good(converged: Droplet) -> None:
    # What a run leaves that is killed between the file and its reload: the server runs 64MB, the file says 2MB.
    converged.shell(f"sed -i 's/^work_mem.*/work_mem = 64MB/' {CONF}/postgresql.conf")
    converged.sql("SELECT pg_reload_conf()")
    converged.shell(f"sed -i 's/^work_mem.*/work_mem = \\x272MB\\x27/' {CONF}/postgresql.conf")
    assert converged.sql("SHOW work_mem") == "64MB"
    before = converged.containers()
    assert converged.run().returncode == 0
    assert converged.sql("SHOW work_mem") == "2MB"
    assert converged.containers() == before


def test_a_setting_that_needs_a_restart_gets_one(converged: Droplet) -> None:
    before = converged.containers()
    changed = converged.run("-e", '{"postgres_erp_extra_settings": {"shared_buffers": "48MB"}}')
    assert changed.returncode == 0, changed.output
    assert converged.sql("SHOW shared_buffers") == "48MB"
    assert converged.run().returncode == 0
    assert converged.sql("SHOW shared_buffers") == "64MB"
    after = converged.containers()
    assert {name for name in after if after[name] != before[name]} == {"/postgres-erp"}
    assert converged.run().recap["changed"] == 0


@pytest.mark.parametrize("login", ["portfolio_authenticator", "erp_admin"])
def test_a_changed_password_is_put_back(converged: Droplet, login: str) -> None:
    converged.sql(f"ALTER ROLE {login} PASSWORD 'changed-by-hand'")
    done = converged.run()
    assert done.returncode == 0, done.output
    assert done.recap["changed"] == 1
    password = converged.shell(f"cat {DIRECTORY}/postgres-erp/secrets/{login}")
    assert (
        converged.shell(
            f"docker exec -e PGPASSWORD={password} postgres-erp psql -XAtU {login} -d postgres -c 'SELECT 1'"
        )
        == "1"
    )
