# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb connect: how a service reaches the database, in the forms that programs read."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from urllib.parse import quote, urlencode

from cli.ansible import Host, host_of
from cli.call import FORMATS, Call, Refused, say
from cli.findings import Json, fetch
from cli.screen import commands, do, labelled
from cli.words import wrapped

VERSION = 1
PROCESS = 3  # connections that one process needs at most: the server has half a processor
NO_TLS = "the server has no certificate; its network is a bridge inside one host"


@dataclass(frozen=True)
class Login:
    """A service's login, as one place reaches it; the password only where it was asked for."""

    service: str
    host: str
    port: int
    database: str
    application: str
    secret: str  # the password's file on the server
    passfile: str  # and where the client has it
    password: str = ""
    sslrootcert: str = ""  # where the client has the CA certificate of a server that encrypts

    @property
    def ssl(self) -> dict[str, str]:
        """How the connection is encrypted."""
        known = {"sslmode": "verify-full", "sslrootcert": self.sslrootcert}
        return known if self.sslrootcert else {"sslmode": "disable"}

    @property
    def options(self) -> dict[str, str]:
        """What libpq's URI says after the database."""
        return {**self.ssl, "application_name": self.application}


@dataclass(frozen=True)
class Pool:
    """How many connections the login's limit leaves: one stays free for a person."""

    limit: int

    @property
    def all(self) -> int:
        """For all processes of the service together."""
        return max(1, self.limit - 1)

    @property
    def process(self) -> int:
        """For one process."""
        return min(PROCESS, self.all)


def uri(login: Login, scheme: str = "postgresql", **more: str) -> str:
    user = quote(login.service, safe="") + (f":{quote(login.password, safe='')}" if login.password else "")
    options = urlencode(login.options | more, safe="/", quote_via=quote)
    return f"{scheme}://{user}@{login.host}:{login.port}/{login.database}?{options}"


def sqlalchemy(login: Login) -> str:
    return uri(login, "postgresql+psycopg")


def jdbc(login: Login) -> str:
    options = {"user": login.service, **login.ssl, "ApplicationName": login.application}
    options |= {"password": login.password} if login.password else {}
    return f"jdbc:postgresql://{login.host}:{login.port}/{login.database}?{urlencode(options, quote_via=quote)}"


def env(login: Login) -> str:
    named = {
        "PGHOST": login.host,
        "PGPORT": str(login.port),
        "PGDATABASE": login.database,
        "PGUSER": login.service,
        **{f"PG{name.upper()}": value for name, value in login.ssl.items()},
        "PGAPPNAME": login.application,
        **({"PGPASSWORD": login.password} if login.password else {"PGPASSFILE": login.passfile}),
        "DATABASE_URL": uri(login),
    }
    return "\n".join(f"{name}={shlex.quote(value)}" for name, value in named.items())


def service(login: Login) -> str:
    """A part of pg_service.conf; the file's own name says which service it is."""
    named = {
        "host": login.host,
        "port": str(login.port),
        "dbname": login.database,
        "user": login.service,
        **({"password": login.password} if login.password else {"passfile": login.passfile}),
        **login.ssl,
        "application_name": login.application,
        "connect_timeout": "5",
        "options": "-c statement_timeout=8s -c lock_timeout=2s",
    }
    return "\n".join([f"[{login.database}]", *(f"{name}={value}" for name, value in named.items())])


def pgpass(login: Login) -> str:
    """A line of a password file; without the password the commands that write it on the server, where the secret is."""
    line = ":".join((login.host, str(login.port), login.database, login.service))
    if login.password:
        escaped = login.password.replace("\\", "\\\\").replace(":", "\\:")
        return f"{line}:{escaped}"
    return f"umask 077\nprintf '{line}:%s\\n' \"$(cat {shlex.quote(login.secret)})\" > pgpass"


RENDERED: dict[str, Callable[[Login], str]] = {
    "uri": uri,
    "env": env,
    "service": service,
    "pgpass": pgpass,
    "sqlalchemy": sqlalchemy,
    "jdbc": jdbc,
}


def connect(call: Call) -> int:
    """Print how the service connects, and nothing else on standard output; without a service, which there are."""
    call, reveal = revealing(call)
    wanted = call.settings.get("FORMAT", FORMATS[0])
    if wanted not in (*FORMATS, *RENDERED):
        raise Refused(f"there is no format {wanted!r}; set FORMAT to one of: {', '.join((*FORMATS, *RENDERED))}.")
    host = host_of(call)
    found = asked(call)
    if "SERVICE" not in call.settings:
        print(json.dumps(found, indent=2) if wanted == "json" else "\n".join(listed(found, call.again)))
        return 0
    one = chosen(found, call)
    login = login_of(found, one, password_of(host, one) if reveal else "")
    if wanted == "json":
        print(json.dumps(as_json(found, one, login), indent=2))
    elif wanted == "text":
        print("\n".join(lines(found, one, login, call.again)))
    else:
        print(RENDERED[wanted](login))
        say("\n".join(notes(found, one, wanted, login, call.again)))
    return 0


def revealing(call: Call) -> tuple[Call, bool]:
    """Whether the password is asked for, by a setting or an option, and the call without that option."""
    value = call.settings.get("REVEAL", "0")
    if value not in ("0", "1"):
        raise Refused(f"REVEAL is {value!r}; set it to 1 to show the password, or leave it out.")
    rest = tuple(word for word in call.extra if word != "--reveal")
    return replace(call, extra=rest), value == "1" or rest != call.extra


def asked(call: Call) -> Json:
    """The services and where the database is (roles/portfolio/tasks/connect.yml)."""
    found = fetch(call, "playbooks/connect.yml", "_portfolio_connect")
    if found["error"]:
        raise Refused(
            f"{found['host']} does not tell its state ({found['error']}); see that it is up, for that run: "
            f"make doctor{call.again}"
        )
    return found


def chosen(found: Json, call: Call) -> Json:
    """The service that is meant; without a name the only one."""
    services = {one["name"]: one for one in found["services"]}
    name = call.settings.get("SERVICE") or (next(iter(services)) if len(services) == 1 else "")
    if not services:
        raise Refused(
            f"no service has a login of its own on {found['host']}; name it in postgres_erp_services of the inventory, "
            f"then run: make deploy{call.again}"
        )
    if name not in services:
        told = f"there is no service {name!r}" if name else f"{call.verb} does not know which SERVICE is meant"
        raise Refused(f"{told} in postgres_erp_services of {found['host']}; use one of: {', '.join(services)}.")
    one: Json = services[name]
    if not one["deployed"]:
        raise Refused(f"{name} has no password on {found['host']} yet; run: make deploy{call.again}")
    return one


def password_of(host: Host, one: Json) -> str:
    """What stands in the login's file on the server."""
    argv = ["cat", one["password_file"]]
    command = ["sudo", *argv] if host.local and os.geteuid() else host.command(argv, terminal=False)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode or not done.stdout.strip():
        raise Refused(
            f"{one['password_file']} on {host.name} cannot be read by root there; see what is said above, and that the "
            "file is there."
        )
    return done.stdout.strip()


def login_of(found: Json, one: Json, password: str = "") -> Login:
    """As a container on the database's network logs in, or anybody where the server is somebody else's."""
    name, file = one["name"], one["password_file"]
    own, ca_cert = f"/etc/{name}/pgpass", f"/etc/{name}/ca.crt" if found["ca_cert"] else ""
    return Login(name, found["server"], found["port"], found["database"], name, file, own, password, ca_cert)


def as_json(found: Json, one: Json, login: Login) -> Json:
    """All of it as data; the password only where it was asked for."""
    pool = Pool(one["connection_limit"])
    return {
        "version": VERSION,
        **{name: value for name, value in asdict(login).items() if value},
        **login.ssl,
        "network": found["network"],
        "roles": one["roles"],
        "connection_limit": one["connection_limit"],
        "pool": {"process": pool.process, "all": pool.all},
        "formats": {name: render(login) for name, render in RENDERED.items()},
    }


def listed(found: Json, again: str) -> Iterator[str]:
    """Which services have a login."""
    services = found["services"]
    yield f"services with a login of their own on {found['host']}: {len(services) or 'none'}"
    for one in services:
        missing = "" if one["deployed"] else ", not deployed yet"
        told = f"{one['connection_limit']} connections{missing}; {', '.join(one['roles'])}"
        yield from wrapped(told, f"  {one['name']:20} ", " " * 23)
    if services:
        yield from do(f"how one connects, for that run: make connect SERVICE={services[0]['name']}{again}", "  ", "  ")
    else:
        yield from do(f"to make one, name it in postgres_erp_services, then run: make deploy{again}", "  ", "  ")


def lines(found: Json, one: Json, login: Login, again: str) -> Iterator[str]:
    """The text for a person."""
    pool = Pool(one["connection_limit"])
    yield f"{one['name']} on {found['host']}: a login of its own, {one['connection_limit']} connections"
    inside = f"by that name on network {found['network']} only"
    where = inside if found["network"] else "from where its provider lets in"
    yield from labelled("server", [f"{login.host}:{login.port}, {where}"])
    yield from labelled("database", [login.database])
    yield from labelled("roles", [", ".join(one["roles"])])
    yield from labelled("password", [login.password] if login.password else [login.secret, "on the server, root's"])
    yield from labelled("pool", [f"at most {pool.process} a process, {pool.all} in all; one stays free for you"])
    if login.sslrootcert:
        yield from labelled("sslmode", [f"verify-full, with {login.sslrootcert}", f"a copy of {found['ca_cert']}"])
    else:
        yield from labelled("sslmode", ["disable", NO_TLS])
    yield from commands("as text", [f"make connect SERVICE={one['name']} FORMAT=uri{again}"])
    yield from labelled("", [f"also {', '.join(list(RENDERED)[1:])}, json"])
    if found["network"]:
        yield from commands("from here", [f"make tunnel SERVICE={one['name']}{again}"])


def notes(found: Json, one: Json, wanted: str, login: Login, again: str) -> Iterator[str]:
    """What belongs to a format and is no part of it, for standard error."""
    pool = Pool(one["connection_limit"])
    say_it = {"sqlalchemy": f"pool_size={pool.process}, max_overflow=0", "jdbc": f"maximumPoolSize={pool.process}"}
    said = say_it.get(wanted, f"max_size={pool.process}")
    yield f"connect: a pool of at most {pool.process} for a process ({said}) and {pool.all} for all processes together"
    if login.sslrootcert:
        yield f"connect: {login.sslrootcert} is to be a copy of {found['ca_cert']} on the server, which is no secret"
    if login.password:
        yield "connect: this holds the password; put it into no log, image or file that others can read"
    elif wanted == "pgpass":
        yield "connect: run this on the server as root, and give the file to the service's user, mode 600"
    else:
        make = f"make connect SERVICE={one['name']} FORMAT=pgpass{again}"
        yield f"connect: the password is read from the file PGPASSFILE; to make it: {make}"
