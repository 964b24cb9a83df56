# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a connection that was to be encrypted did not come about. libpq only says that a certificate was not accepted."""

from __future__ import annotations

import re
import socket
import ssl
import struct

# https://www.postgresql.org/docs/17/protocol-message-formats.html, SSLRequest
_REQUEST = struct.pack("!ii", 8, 80877103)
_TIMEOUT = 10.0
_MISSING = re.compile(r'root certificate file "(?P<file>[^"]*)" does not exist')
_UNREADABLE = re.compile(r'could not read root certificate file "(?P<file>[^"]*)"')
_NAME = re.compile(r"server certificate for (?P<names>.+) does not match host name")
# https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/
_SIGNATURE, _NOT_YET, _EXPIRED = 7, 9, 10


def refused_sentence(host: str, port: int, ca_cert: str | None, said: str) -> str | None:
    """What is wrong and what to do; None where it is not about encryption. `said`: all that libpq said."""
    missing, unreadable, name = _MISSING.search(said), _UNREADABLE.search(said), _NAME.search(said)
    if missing and ca_cert is None:
        return (
            f"no certificate is given that {host} is known by; nothing was changed; "
            "give ca_cert, the provider's CA certificate"
        )
    if missing:
        return (
            f"the CA certificate {ca_cert} is not there; nothing was changed; write the provider's CA certificate there"
        )
    if unreadable:
        return f"{ca_cert} holds no certificate; nothing was changed; write the provider's CA certificate there, as PEM"
    if name:
        names = name["names"].replace('"', "")
        return f"the certificate of {host} is for {names}; nothing was changed; connect by the name that it is for"
    if "server does not support SSL" in said:
        return (
            f"{host} does not encrypt connections; nothing was changed; "
            "connect to where it does, or set ssl_mode to disable in a safe network"
        )
    if "SSL error" in said and ca_cert is not None:
        code = _verify(host, port, ca_cert)
        if code or "certificate verify failed" in said:
            return _certificate_sentence(code, host, ca_cert)
    return None


def _certificate_sentence(code: int | None, host: str, ca_cert: str) -> str:
    if code == _EXPIRED:
        return (
            f"the certificate of {host} has expired; nothing was changed; "
            "let the provider renew it, and see that the clock is right here"
        )
    if code == _NOT_YET:
        return f"the certificate of {host} is not valid yet; nothing was changed; see that the clock is right here"
    return (
        f"the certificate of {host} is not signed by one of {ca_cert}; nothing was changed; "
        "write the CA certificate of this very server there"
    )


def _verify(host: str, port: int, ca_cert: str) -> int | None:
    """Ask once more, by OpenSSL and not through libpq, what it has against the certificate."""
    try:
        context = ssl.create_default_context(cafile=ca_cert)
        with socket.create_connection((host, port), _TIMEOUT) as plain:
            plain.sendall(_REQUEST)
            if plain.recv(1) == b"S":
                context.wrap_socket(plain, server_hostname=host).close()
    except ssl.SSLError as error:
        # A wrong signature can be an error of its own.
        return int(getattr(error, "verify_code", 0)) or _SIGNATURE
    except OSError:
        pass
    return None
