"""A run that finds nothing to do, and one that finds another setting; what is changed by hand is molecule/drift."""

from __future__ import annotations

from tests.server import MOST_EXECUTIONS, ROOT, Droplet


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


def test_a_setting_that_needs_a_restart_gets_one(converged: Droplet) -> None:
    before = converged.containers()
    other = ("-e", '{"postgres_erp_extra_settings": {"shared_buffers": "48MB"}}')
    predicted = converged.run("--check", *other)
    assert any(task.endswith("for settings that only change at a start") for task in predicted.changed_tasks)
    assert converged.sql("SHOW shared_buffers") == "64MB"
    changed = converged.run(*other)
    assert changed.changed_tasks == predicted.changed_tasks
    assert changed.returncode == 0, changed.output
    assert converged.sql("SHOW shared_buffers") == "48MB"
    assert converged.run().returncode == 0
    assert converged.sql("SHOW shared_buffers") == "64MB"
    after = converged.containers()
    assert {name for name in after if after[name] != before[name]} == {"/postgres-erp"}
    assert converged.run().recap["changed"] == 0
