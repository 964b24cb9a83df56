# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module of this collection logs in to PostgreSQL; the names are those of community.postgresql."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  login_unix_socket:
    description: Directory of the server's socket. One of this, O(login_host) and O(login_uri) is needed.
    type: path
  login_host:
    description: Host of the server.
    type: str
  login_uri:
    description:
      - Address of a managed server as its provider shows it, V(postgresql://USER:PASSWORD@HOST:PORT/DATABASE).
      - Host and port are taken from it, and C(sslrootcert) for O(ca_cert). Its user, password and database are those of
        the admin session, in modules that have one, and never O(login_user) and O(login_db).
      - What is given beside it counts more.
    type: str
  login_port:
    description:
      - Port of the server; with a socket, the number in the socket's name.
      - Without it, what O(login_uri) says, or V(5432).
    type: int
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
    description:
      - How the connection over TCP is encrypted and the server's certificate checked, as in libpq.
      - Without it V(verify-full) where there is O(ca_cert) or O(login_uri), whatever C(sslmode) that has; otherwise
        V(prefer).
    type: str
    choices: [disable, allow, prefer, require, verify-ca, verify-full]
  ca_cert:
    description: File on the server with the certificates that O(ssl_mode=verify-ca) and O(ssl_mode=verify-full) trust.
    type: path
  passfile:
    description:
      - Password file of libpq on the server (C(host:port:database:user:password)), for a password that is not given.
      - Without it, that of the user that the module runs as.
    type: path
requirements:
  - psycopg2 2.9 or newer on the server (C(python3-psycopg2))
"""
