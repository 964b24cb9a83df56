# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What connect prints is read back by the libraries that it is for; the password stands only where it was asked for."""

from __future__ import annotations

import configparser
import subprocess
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.engine import make_url

from cli.call import Call, Refused
from cli.connect import RENDERED, Login, Pool, as_json, chosen, jdbc, lines, listed, login_of, notes, revealing, uri

Json = dict[str, Any]
SECRET = "s3cret/:@%"
SERVICE: Json = {
    "name": "planner-api",
    "roles": ["erp_writer", "agent_service"],
    "connection_limit": 5,
    "password_file": "/opt/portfolio/postgres-erp/secrets/planner-api",
    "deployed": True,
}
FOUND: Json = {
    "host": "erp-db",
    "error": "",
    "database": "portfolio",
    "server": "postgres-erp",
    "port": 5432,
    "network": "portfolio-network",
    "ca_cert": "",
    "psql": "docker exec postgres-erp psql",
    "address": "172.28.10.2",
    "services": [SERVICE, {**SERVICE, "name": "memory_gateway", "deployed": False}],
}
LOGIN = login_of(FOUND, SERVICE)
SHOWN = replace(LOGIN, password=SECRET)
# The same service where the database is a managed server.
EXTERNAL: Json = {
    **FOUND,
    "server": "db.example.com",
    "port": 25060,
    "network": "",
    "ca_cert": "/opt/portfolio/postgres-erp/ca.crt",
    "address": "",
}
ENCRYPTED = {"sslmode": "verify-full", "sslrootcert": "/etc/planner-api/ca.crt"}
ADDRESS = {"host": "postgres-erp", "port": "5432", "dbname": "portfolio", "user": "planner-api"}
KNOWN = {"sslmode": "disable", "application_name": "planner-api"}


def call(*extra: str, **settings: str) -> Call:
    return Call("connect", settings, extra)


@pytest.mark.parametrize(("login", "more"), [(LOGIN, {}), (SHOWN, {"password": SECRET})], ids=["by file", "shown"])
def test_libpq_reads_the_uri(login: Login, more: dict[str, str]) -> None:
    assert conninfo_to_dict(uri(login)) == ADDRESS | KNOWN | more
    assert conninfo_to_dict(uri(login, passfile="/run/a b/pgpass"))["passfile"] == "/run/a b/pgpass"


@pytest.mark.parametrize("login", [LOGIN, SHOWN], ids=["by file", "shown"])
def test_sqlalchemy_reads_its_url(login: Login) -> None:
    url = make_url(RENDERED["sqlalchemy"](login))
    assert (url.drivername, url.host, url.port, url.database) == (
        "postgresql+psycopg",
        "postgres-erp",
        5432,
        "portfolio",
    )
    assert (url.username, url.password or "", dict(url.query)) == ("planner-api", login.password, KNOWN)


@pytest.mark.parametrize("login", [LOGIN, SHOWN], ids=["by file", "shown"])
def test_the_jdbc_url_names_the_drivers_own_properties(login: Login) -> None:
    parts = urlsplit(jdbc(login).removeprefix("jdbc:"))
    wanted = {"user": ["planner-api"], "sslmode": ["disable"], "ApplicationName": ["planner-api"]}
    wanted |= {"password": [SECRET]} if login.password else {}
    assert (parts.scheme, parts.netloc, parts.path, parse_qs(parts.query)) == (
        "postgresql",
        "postgres-erp:5432",
        "/portfolio",
        wanted,
    )


@pytest.mark.parametrize("login", [LOGIN, SHOWN], ids=["by file", "shown"])
def test_a_shell_reads_the_environment(login: Login) -> None:
    script = f"set -a\n{RENDERED['env'](login)}\nexec env"
    done = subprocess.run(["env", "-i", "bash", "-c", script], capture_output=True, text=True, check=True)
    found = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert (found["PGHOST"], found["PGUSER"], found["PGSSLMODE"]) == ("postgres-erp", "planner-api", "disable")
    assert conninfo_to_dict(found["DATABASE_URL"])["application_name"] == found["PGAPPNAME"] == "planner-api"
    assert found.get("PGPASSWORD", "") == login.password
    assert ("PGPASSFILE" in found) != ("PGPASSWORD" in found)


def test_a_service_file_has_libpqs_names() -> None:
    parser = configparser.RawConfigParser()
    parser.read_string(RENDERED["service"](LOGIN))
    section = dict(parser["portfolio"])
    assert conninfo_to_dict("", **section) == section
    assert section.items() >= (ADDRESS | KNOWN | {"passfile": "/etc/planner-api/pgpass"}).items()
    assert "lock_timeout=2s" in section["options"]


def test_the_password_file_is_made_on_the_server_or_shown() -> None:
    assert RENDERED["pgpass"](LOGIN).splitlines() == [
        "umask 077",
        "printf 'postgres-erp:5432:portfolio:planner-api:%s\\n' "
        '"$(cat /opt/portfolio/postgres-erp/secrets/planner-api)" > pgpass',
    ]
    assert RENDERED["pgpass"](replace(LOGIN, password="0af3")) == "postgres-erp:5432:portfolio:planner-api:0af3"
    assert RENDERED["pgpass"](replace(LOGIN, password="a:b\\")) == "postgres-erp:5432:portfolio:planner-api:a\\:b\\\\"


@pytest.mark.parametrize(("limit", "process", "together"), [(1, 1, 1), (2, 1, 1), (3, 2, 2), (5, 3, 4), (20, 3, 19)])
def test_a_pool_leaves_one_connection_for_a_person(limit: int, process: int, together: int) -> None:
    assert (Pool(limit).process, Pool(limit).all) == (process, together)


def test_the_service_is_the_one_that_is_named_or_the_only_one() -> None:
    assert chosen(FOUND, call(SERVICE="planner-api")) == SERVICE
    assert chosen({**FOUND, "services": [SERVICE]}, call()) == SERVICE


@pytest.mark.parametrize(
    ("found", "settings", "said"),
    [
        (FOUND, {}, "does not know which SERVICE is meant"),
        (FOUND, {"SERVICE": "other"}, "use one of: planner-api, memory_gateway."),
        (FOUND, {"SERVICE": "memory_gateway"}, "has no password on erp-db yet; run: make deploy"),
        ({**FOUND, "services": []}, {"SERVICE": "other"}, "name it in postgres_erp_services"),
    ],
)
def test_a_service_that_cannot_be_meant_is_one_sentence(found: Json, settings: dict[str, str], said: str) -> None:
    with pytest.raises(Refused, match=said):
        chosen(found, call(**settings))


def test_the_password_is_asked_for_by_a_setting_or_an_option() -> None:
    assert revealing(call("-v")) == (call("-v"), False)
    assert revealing(call("--reveal", "-v")) == (call("-v"), True)
    assert revealing(call(REVEAL="1"))[1] and not revealing(call(REVEAL="0"))[1]
    with pytest.raises(Refused, match="set it to 1"):
        revealing(call(REVEAL="yes"))


def test_nothing_holds_the_password_that_was_not_asked_for() -> None:
    for login, shown in ((LOGIN, False), (SHOWN, True)):
        data = as_json(FOUND, SERVICE, login)
        assert ("password" in data) == shown
        assert all((SECRET in str(text)) == shown for text in lines_of(login))
    assert as_json(FOUND, SERVICE, LOGIN)["pool"] == {"process": 3, "all": 4}


def lines_of(login: Login) -> list[str]:
    return ["\n".join(lines(FOUND, SERVICE, login, ""))]


def test_the_texts_fit_and_say_what_to_do() -> None:
    again = " INVENTORY=inventories/droplet"
    for text in (list(lines(FOUND, SERVICE, LOGIN, again)), list(listed(FOUND, again))):
        assert max(map(len, text)) <= 80
    assert "make tunnel SERVICE=planner-api" in "\n".join(lines(FOUND, SERVICE, LOGIN, ""))
    assert "not deployed yet" in "\n".join(listed(FOUND, ""))
    assert "make deploy" in "\n".join(listed({**FOUND, "services": []}, ""))
    assert "pool_size=3, max_overflow=0" in "\n".join(notes(FOUND, SERVICE, "sqlalchemy", LOGIN, ""))
    assert "this holds the password" in "\n".join(notes(FOUND, SERVICE, "uri", SHOWN, ""))


def test_a_managed_server_is_known_by_its_certificate() -> None:
    login = login_of(EXTERNAL, SERVICE)
    assert conninfo_to_dict(uri(login)).items() >= (ENCRYPTED | {"host": "db.example.com", "port": "25060"}).items()
    assert dict(make_url(RENDERED["sqlalchemy"](login)).query).items() >= ENCRYPTED.items()
    assert parse_qs(urlsplit(jdbc(login).removeprefix("jdbc:")).query)["sslmode"] == ["verify-full"]
    assert "PGSSLMODE=verify-full\nPGSSLROOTCERT=/etc/planner-api/ca.crt\n" in RENDERED["env"](login)
    assert "sslmode=verify-full\nsslrootcert=/etc/planner-api/ca.crt\n" in RENDERED["service"](login)
    assert as_json(EXTERNAL, SERVICE, login).items() >= ENCRYPTED.items()
    text = list(lines(EXTERNAL, SERVICE, login, ""))
    assert max(map(len, text)) <= 80
    assert "from where its provider lets in" in "\n".join(text) and "make tunnel" not in "\n".join(text)
    assert "copy of /opt/portfolio/postgres-erp/ca.crt" in "\n".join(notes(EXTERNAL, SERVICE, "uri", login, ""))
