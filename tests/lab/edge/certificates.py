# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate authority of the lab, and the certificate of its public names; both last longer than what is soon."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LIFETIME = datetime.timedelta(days=90)
Key = ec.EllipticCurvePrivateKey


def make(directory: Path, names: Sequence[str]) -> ssl.SSLContext:
    """Writes `ca.pem`, for whoever shall trust it; what a server of these names needs is returned.

    It is in `edge.pem`, too; what is in `ended.pem` is the same, but it ended half an hour ago.
    """
    authority, server = (ec.generate_private_key(ec.SECP256R1()) for _one in range(2))
    root = certificate("the lab's authority", authority, None, authority, [])
    (directory / "ca.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    private = server.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for file, lifetime in (("edge.pem", LIFETIME), ("ended.pem", -datetime.timedelta(minutes=30))):
        leaf = certificate(names[0], server, root, authority, names, lifetime)
        held = directory / file
        held.touch(mode=0o600)
        held.write_bytes(private + leaf.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "edge.pem")
    return context


def certificate(
    name: str,
    key: Key,
    issuer: x509.Certificate | None,
    signer: Key,
    names: Sequence[str],
    lifetime: datetime.timedelta = LIFETIME,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + lifetime)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if names:
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False)
    return made.sign(signer, hashes.SHA256())
