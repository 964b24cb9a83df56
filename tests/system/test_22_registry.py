# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that a real registry gives; the one of the backup, which none has, is made from that of the server."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.server import Droplet, droplet_up

pytestmark = pytest.mark.long
# Debian's own package of the reference implementation; Docker asks an address of the machine itself without TLS.
REGISTRY = "localhost:5000"
INSTALL = "apt-get update -q >/dev/null && apt-get install -q -y docker-registry >/dev/null"
# Debian's asks for a password.
CONFIG = """
version: 0.1
storage: {filesystem: {rootdirectory: /var/lib/docker-registry}}
http: {addr: ":5000"}
"""
PULLED = {
    "postgres": "portfolio.local/postgres:15",
    "postgrest": "portfolio.local/postgrest:12.0.2",
    "traefik": "portfolio.local/traefik:3.7",
}
MADE = "portfolio.local/pgbackrest:15"


def there(name: str) -> str:
    return PULLED[name].replace("portfolio.local", REGISTRY)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Droplet]:
    with droplet_up("portfolio-registry", 2399, tmp_path_factory.mktemp("registry")) as droplet:
        droplet.shell(INSTALL)
        droplet.shell("cat > /etc/docker/registry/config.yml && systemctl restart docker-registry", given=CONFIG)
        for name, image in PULLED.items():
            droplet.shell(f"docker tag {image} {there(name)} && docker push -q {there(name)}")
        images = " ".join([*PULLED.values(), *map(there, PULLED), MADE])
        droplet.shell(f'docker rmi {images} && test -z "$(docker images -q)"')
        hosts = droplet.inventory / "hosts.json"
        named = json.loads(hosts.read_text())
        named["portfolio"]["hosts"]["droplet"] |= {
            "portfolio_image_source": "auto",
            "portfolio_images": {"registry": {name: there(name) for name in PULLED}, "build": {}},
        }
        hosts.write_text(json.dumps(named))
        yield droplet


def test_a_bare_server_pulls_its_images_and_makes_the_one_of_the_backup(server: Droplet) -> None:
    planned = server.verb("plan", "FORMAT=json")
    assert planned.returncode == 2, planned.stderr
    assert server.shell("docker images -q") == ""
    done = server.verb("deploy", "FORMAT=json")
    assert done.returncode == 0, done.stdout + done.stderr
    effects = json.loads(done.stdout)["effects"]
    assert effects == json.loads(planned.stdout)["effects"]
    said = {effect["object"]: effect["detail"] for effect in effects if effect["object"].startswith("image ")}
    made = server.shell("docker inspect -f '{{.Config.Image}}' postgres-erp-backup")
    assert said == {f"image {there(name)}": "missing, pulled from its registry" for name in PULLED} | {
        f"image {made}": f"missing, made from {there('postgres')}"
    }
    assert server.sql("SELECT count(*) > 0 FROM pg_stat_archiver WHERE archived_count > 0") == "t"
    again = server.run()
    assert (again.returncode, again.recap["changed"]) == (0, 0), again.output


def test_a_backup_that_was_made_there_can_be_restored(server: Droplet) -> None:
    done = server.verb("backup", "TYPE=restore-test")
    assert done.returncode == 0, done.stdout + done.stderr
    assert server.found("status")[0] == 0


def test_a_registry_that_is_gone_stops_nothing_that_is_there(server: Droplet) -> None:
    server.shell("systemctl stop docker-registry")
    again = server.run()
    assert (again.returncode, again.recap["changed"]) == (0, 0), again.output


def test_an_image_that_cannot_be_pulled_is_named_and_stops_nothing_that_runs(server: Droplet) -> None:
    before = server.containers()
    missing = f"{REGISTRY}/traefik:3.8"
    run = server.run("-e", f"traefik_image={missing}")
    assert run.returncode != 0
    said = " ".join(run.output.split())
    assert f"The image {missing} could not be pulled on droplet (" in said
    assert "see that its name is right and that the server reaches its registry, then deploy again" in said
    assert server.containers() == before
    assert server.run().recap["changed"] == 0
