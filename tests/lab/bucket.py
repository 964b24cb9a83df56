# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bucket with TLS, on a server of the lab itself: a folder, served at the gateway of the containers' network."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from tests.lab.edge import certificates
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


def serve(server: Droplet, directory: Path, host: str) -> dict[str, Any]:
    """Brings the bucket up there and returns what an inventory says of it; *host* is where containers reach it."""
    program = subprocess.run([ROOT / "tests/lab/versitygw"], check=True, capture_output=True, text=True).stdout.strip()
    # pgBackRest compares the name in the certificate as a text.
    certificates.make(directory, [host])
    server.shell(f"mkdir -p {FOLDER}/{NAME} /etc/bucket")
    files = {
        program: "/usr/local/bin/versitygw",
        **{f"{directory}/{file}": f"/etc/bucket/{file}" for file in (WELL, ENDED)},
    }
    for source, target in files.items():
        subprocess.run(["docker", "cp", "--quiet", source, f"{server.name}:{target}"], check=True)
    start(server)
    return {
        "backup_s3_bucket": NAME,
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
    tls = f"--cert /etc/bucket/{certificate} --key /etc/bucket/{certificate}"
    command = f"versitygw --access {KEY} --secret {secret} --port :{PORT} {tls} posix {FOLDER}"
    stop(server)
    server.shell(f"systemd-run --quiet --unit=bucket --collect {command}")
    until(lambda: f":{PORT}" in server.shell("ss -ltn"), "the bucket listens")


def stop(server: Droplet) -> None:
    server.shell("systemctl stop bucket 2>/dev/null || :")
