# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the certificates end that are on the server."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from ansible_collections.bestviable.portfolio.plugins.module_utils.monitoring import certificates
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

FIRST, SECOND = datetime(2027, 1, 2, tzinfo=UTC), datetime(2030, 1, 2, tzinfo=UTC)


def authority(end: datetime) -> bytes:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string(f"CN=until {end.year}")
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2026, 1, 2, tzinfo=UTC))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def test_the_first_one_counts_of_all_files(tmp_path: Path) -> None:
    (tmp_path / "one.pem").write_bytes(authority(SECOND))
    (tmp_path / "both.pem").write_bytes(authority(SECOND) + authority(FIRST))
    paths = [str(tmp_path / name) for name in ("one.pem", "both.pem", "missing.pem")]
    assert certificates.first_end(paths) == FIRST.timestamp()
    assert certificates.first_end(paths[:1]) == SECOND.timestamp()


def test_what_is_none_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nx\n")
    assert certificates.first_end([str(tmp_path / "broken.pem"), str(tmp_path / "missing.pem")]) is None
