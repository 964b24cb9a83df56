"""Refusals on a real server: one sentence, and nothing was changed."""

from __future__ import annotations

import pytest

from tests.server import DIRECTORY, NOT_BY_ITSELF, Droplet

VOLUME = "/var/lib/docker/volumes/postgres-erp-data"
# A run that was refused is remembered as one.
OTHERS = f"! -name history.jsonl ! -name last_run.json {NOT_BY_ITSELF}"
FILES = f"find {DIRECTORY} -type f {OTHERS} -newer /proc/1/cmdline | sort | xargs stat -c '%n %Y'"


@pytest.mark.parametrize(
    ("damage", "repair", "arguments", "words"),
    [
        (
            "docker stop -t 60 postgres-erp && mv {volume}/_data/pgdata /root/kept",
            "mv /root/kept {volume}/_data/pgdata && docker start postgres-erp",
            [],
            ["postgres-erp-data", "is empty", "restore"],
        ),
        (
            "docker tag portfolio.local/traefik:3.7 portfolio.local/postgres:15",
            "docker tag $(docker inspect -f '{{{{.Image}}}}' postgres-erp) portfolio.local/postgres:15",
            [],
            ["portfolio.local/postgres:15", "docs/UPGRADE.md"],
        ),
        # As tests/integration/preflight sees it without a server.
        pytest.param(
            "docker run -d --name other --network none --entrypoint sleep portfolio.local/postgres:15 600 && "
            "docker rename traefik kept && docker stop kept && docker rename other traefik",
            "docker rm -f traefik && docker rename kept traefik && docker start traefik",
            [],
            ["traefik"],
            marks=pytest.mark.long,
        ),
        *(
            pytest.param("true", "true", ["-e", f"{option}={value}"], words, marks=pytest.mark.long)
            for option, value, words in (
                ("postgres_erp_memroy", "1g", ["postgres_erp_memroy"]),
                ("postgres_erp_memory", "lots", ["postgres_erp_memory"]),
                ("portfolio_image_source", "registry", ["portfolio_image_source", "build"]),
            )
        ),
    ],
    ids=["lost_data", "moved_tag", "foreign_container", "unknown_option", "bad_value", "other_source"],
)
def test_refusal(converged: Droplet, damage: str, repair: str, arguments: list[str], words: list[str]) -> None:
    converged.shell(damage.format(volume=VOLUME))
    before, files = (
        converged.containers(),
        converged.shell(FILES),
    )
    try:
        run = converged.run(*arguments)
        assert run.returncode != 0
        assert run.recap["changed"] == 0, run.output
        for word in words:
            assert word in run.output
        assert converged.containers() == before
        assert converged.shell(FILES) == files
    finally:
        converged.shell(repair.format(volume=VOLUME))
    again = converged.run()
    assert (again.returncode, again.recap["changed"]) == (0, 0), again.output


@pytest.mark.long
def test_a_start_that_fails_says_how_to_go_on(converged: Droplet) -> None:
    """Settings with which the server does not start: once they wait for a restart, then it is down already."""
    settings = ["-e", '{"postgres_erp_extra_settings": {"max_connections": 6}}']
    for words in ("was restarted for max_connections and did not come back", "did not start"):
        run = converged.run(*settings)
        assert run.returncode != 0
        said = " ".join(run.output.split())
        assert f"postgres-erp on droplet {words}" in said, run.output
        assert "the data are untouched; correct what its log says" in said
        assert "docker logs --tail 20 postgres-erp" in said
    assert converged.run().returncode == 0
    again = converged.run()
    assert (again.returncode, again.recap["changed"]) == (0, 0), again.output
