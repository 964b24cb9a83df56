# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bucket with TLS, which is a folder: on a server of the lab itself, served at the gateway of the containers'
network, or on this machine, where it outlives every server.

    python -m tests.lab.bucket DROPLET DIRECTORY new      # what an inventory says of it: DIRECTORY/inventory.json
    python -m tests.lab.bucket DROPLET DIRECTORY well     # or what is wrong with it: a word of SPOILT
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tests.lab.edge import certificates
from tests.lab.networks import gateway
from tests.server import ROOT, Droplet
from tests.waiting import until

PORT = 7070
FOLDER = "/srv/buckets"
NAME = "acme-backups"
KEY = "lab"
SECRET = "only-for-the-lab"
PASSPHRASE = "a-passphrase-of-the-lab"
# Its certificate, and one that has ended.
WELL = "edge.pem"
ENDED = "ended.pem"


def serve(server: Droplet, directory: Path) -> dict[str, Any]:
    """Brings the bucket up there, where its containers reach it, and returns what an inventory says of it."""
    host = gateway(server.shell("docker network inspect portfolio-network"))
    certificates.make(directory, [host])
    server.shell(f"mkdir -p {FOLDER}/{NAME} /etc/bucket")
    files = {
        program(): "/usr/local/bin/versitygw",
        **{f"{directory}/{file}": f"/etc/bucket/{file}" for file in (WELL, ENDED)},
    }
    for source, target in files.items():
        subprocess.run(["docker", "cp", "--quiet", source, f"{server.name}:{target}"], check=True)
    start(server)
    return inventory(directory, host)


@contextmanager
def beside(directory: Path, host: str) -> Iterator[dict[str, Any]]:
    """Serves the bucket on this machine; *host* is where servers and their containers reach it."""
    certificates.make(directory, [host])
    (directory / "buckets" / NAME).mkdir(parents=True)
    command = arguments(f"{host}:{PORT}", directory / WELL, directory / "buckets")
    with (directory / "bucket.log").open("w") as log:
        running = subprocess.Popen([program(), *command], stdout=log, stderr=log)
    try:
        until(lambda: listens(host), "the bucket listens")
        yield inventory(directory, host)
    finally:
        running.terminate()
        running.wait()


def listens(host: str) -> bool:
    with socket.create_connection((host, PORT), 1):
        return True


def program() -> str:
    return subprocess.run([ROOT / "tests/lab/versitygw"], check=True, capture_output=True, text=True).stdout.strip()


def arguments(listen: str, held: Path, folder: Path, secret: str = SECRET) -> list[str]:
    """*held* has certificate and key."""
    tls = ["--cert", str(held), "--key", str(held)]
    return ["--access", KEY, "--secret", secret, "--port", listen, *tls, "posix", str(folder)]


def inventory(directory: Path, host: str) -> dict[str, Any]:
    return {
        "backup_s3_bucket": NAME,
        # pgBackRest compares the name in the certificate as a text.
        "backup_s3_endpoint": f"{host}:{PORT}",
        "backup_s3_region": "us-east-1",
        "backup_s3_uri_style": "path",
        "backup_s3_path": "/one",
        "backup_s3_key": KEY,
        "backup_s3_key_secret": SECRET,
        "backup_s3_ca_file": str(directory / "ca.pem"),
        "backup_passphrase": PASSPHRASE,
    }


def start(server: Droplet, certificate: str = WELL, secret: str = SECRET) -> None:
    command = " ".join(arguments(f":{PORT}", Path("/etc/bucket", certificate), Path(FOLDER), secret))
    stop(server)
    server.shell(f"systemd-run --quiet --unit=bucket --collect versitygw {command}")
    until(lambda: f":{PORT}" in server.shell("ss -ltn"), "the bucket listens")


def stop(server: Droplet) -> None:
    server.shell("systemctl stop bucket 2>/dev/null || :")


# What may be wrong with it, and how it becomes so.
SPOILT: dict[str, Callable[[Droplet], None]] = {
    "it is away": stop,
    "the key is another": partial(start, secret="another"),
    "its certificate has ended": partial(start, certificate=ENDED),
}


def main() -> None:
    name, directory, what = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    server = Droplet(name, directory)
    if what == "new":
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "inventory.json").write_text(json.dumps(serve(server, directory)))
    elif what == "well":
        start(server)
    else:
        SPOILT[what](server)


if __name__ == "__main__":
    main()
