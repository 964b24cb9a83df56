"""No secret leaves its file: not into output, diff, process list, image, container or a readable file."""

from __future__ import annotations

import pytest

from tests.server import DIRECTORY, Droplet

SECRETS = f"{DIRECTORY}/postgres-erp/secrets/* {DIRECTORY}/postgrest-erp/monitor_token"


@pytest.fixture(scope="module")
def secrets(converged: Droplet) -> list[str]:
    values = converged.shell(f"for f in {SECRETS}; do cat $f; echo; done").split()
    assert len(values) >= 3
    return values


def test_not_in_the_output_of_a_run(converged: Droplet, secrets: list[str]) -> None:
    # The files are gone, so that all of them are written and shown as diffs.
    converged.shell(f"rm -r {DIRECTORY}/postgrest-erp")
    run = converged.run("-vvv", "--diff")
    assert run.returncode == 0, run.output
    assert "db_uri" in run.output
    for value in secrets:
        assert value not in run.output


def test_not_in_what_docker_or_the_process_list_show(converged: Droplet, secrets: list[str]) -> None:
    shown = converged.shell(
        "docker ps -aq | xargs docker inspect; docker images -q | sort -u | xargs -n1 docker history --no-trunc; "
        "for c in $(docker ps -aq); do docker logs $c 2>&1; done; cat /proc/*/cmdline | tr '\\0' ' '"
    )
    for value in secrets:
        assert value not in shown


def test_not_in_a_file_that_others_can_read(converged: Droplet, secrets: list[str]) -> None:
    for value in secrets:
        readable = converged.shell(
            f"grep -rlF -- '{value}' {DIRECTORY} /etc /var/log /tmp /run 2>/dev/null | xargs -r stat -c '%a %n'",
            check=False,
        )
        for line in readable.splitlines():
            mode, path = line.split(" ", 1)
            assert mode in {"400", "600"}, path


def test_another_user_of_the_server_gets_in_nowhere(converged: Droplet) -> None:
    converged.shell("id david >/dev/null 2>&1 || useradd --create-home david 2>/dev/null || useradd david")
    for path in converged.shell(f"ls -d {SECRETS} {DIRECTORY}/postgrest-erp/secrets/*").splitlines():
        assert converged.shell(f"setpriv --reuid david --clear-groups cat {path} 2>&1 || true").endswith(
            "Permission denied"
        )
