# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate authority of a test, and what it signs for servers."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = datetime.timedelta(days=1)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _addresses(host: str) -> list[x509.IPAddress]:
    try:
        return [x509.IPAddress(ipaddress.ip_address(host))]
    except ValueError:
        return []


class Authority:
    def __init__(self, name: str) -> None:
        self.name = _name(name)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = (
            self._builder(self.name, self.key.public_key(), days=30)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self.key, hashes.SHA256())
        )

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, days: int) -> x509.CertificateBuilder:
        """Valid from a month ago until so many days from now."""
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 30 * _DAY)
            .not_valid_after(now + days * _DAY)
        )

    def write(self, path: Path) -> Path:
        """The authority's own certificate, as a provider offers it."""
        path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        return path

    def sign(self, directory: Path, host: str, days: int = 30) -> None:
        """`server.crt` and `server.key` there, for a server of that name."""
        key = ec.generate_private_key(ec.SECP256R1())
        # An address is looked for as one, and by older clients as if it were a name.
        names = x509.SubjectAlternativeName([x509.DNSName(host), *_addresses(host)])
        builder = self._builder(_name(host), key.public_key(), days).add_extension(names, critical=False)
        signed = builder.sign(self.key, hashes.SHA256())
        (directory / "server.crt").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        (directory / "server.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
