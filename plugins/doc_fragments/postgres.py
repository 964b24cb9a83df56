# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module of this collection logs in to PostgreSQL; the names are those of community.postgresql."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  login_unix_socket:
    description: Directory of the server's socket. Excludes O(login_host).
    type: path
  login_host:
    description: Host of the server. Excludes O(login_unix_socket); one of the two is needed.
    type: str
  login_port:
    description: Port of the server; with a socket, the number in the socket's name.
    type: int
    default: 5432
  login_db:
    description: The database.
    type: str
    required: true
  login_user:
    description: The role that owns the database and all objects in it.
    type: str
    required: true
  login_password:
    description: Password of O(login_user); not needed where the server knows the operating system's user (peer).
    type: str
  ssl_mode:
    description: How the connection over TCP is encrypted and the server's certificate checked, as in libpq.
    type: str
    choices: [disable, allow, prefer, require, verify-ca, verify-full]
    default: prefer
  ca_cert:
    description: File on the server with the certificates that O(ssl_mode=verify-ca) and O(ssl_mode=verify-full) trust.
    type: path
requirements:
  - psycopg2 2.9 or newer on the server (C(python3-psycopg2))
"""
