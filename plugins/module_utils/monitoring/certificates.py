# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the certificates end that a run has put on the server."""

from __future__ import annotations

import os
import ssl


def first_end(paths: list[str]) -> float | None:
    """When the first of them ends, in seconds since 1970; None where there is none, or none that can be read."""
    ends = [end for path in paths if os.path.isfile(path) for end in _ends(path)]
    return min(ends, default=None)


def _ends(path: str) -> list[float]:
    """Of every authority's certificate in the file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(path)
    except (OSError, ssl.SSLError):
        return []
    return [float(ssl.cert_time_to_seconds(str(each["notAfter"]))) for each in context.get_ca_certs()]
