# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The database and what keeps its data, judged. Pure: what was found in, numbers out."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.bestviable.portfolio.plugins.module_utils.monitoring import counters as counting
from ansible_collections.bestviable.portfolio.plugins.module_utils.monitoring.numbers import (
    FAIL,
    OK,
    WARN,
    Json,
    graded,
    level,
    number,
    percent,
    short,
    span,
)

MEGABYTE = 2**20
LONGEST = {
    "transaction": "has been in one transaction for",
    "idle_in_transaction": "holds a transaction open and has done nothing in it for",
    "lock_wait": "has been waiting for a lock for",
}
# How the sentences call what role `backup` does, each with its limits.
KINDS = {"backup": "backup", "dump": "dump", "restore_test": "restore test"}
LOG = "correct what its log says, run: make logs S={}"


def by_hand(statement: str) -> str:
    """A command for the server, which needs more rights than `make psql` has."""
    return f'on the server, run: docker exec postgres-erp psql -U postgres -c "{statement}"'


def sessions(database: Json, limits: Json) -> Iterator[Json]:
    """Connections, and who holds up others."""
    used, most = len(database["sessions"]), database["max_connections"]
    told = f"{used} of the {most} connections that the database has for everybody are in use"
    remedy = "let whoever holds them use fewer; for their names, " + by_hand("TABLE pg_stat_activity")
    found = number("connections", used, "", most)
    yield graded(found, level(percent(used, most), limits["connections_percent"]), told, remedy)
    for name, does in LONGEST.items():
        longest: Json = max(database["sessions"], key=lambda session: session[name] or 0, default={})
        seconds = int(longest.get(name) or 0)
        told = remedy = ""
        if seconds:
            who = f"{longest['role']}, {short(longest['application'] or 'no name', 40)}"
            told = f"session {longest['pid']} ({who}) {does} {span(seconds)}"
            remedy = "if it may end, " + by_hand(f"SELECT pg_terminate_backend({longest['pid']})")
        yield graded(number(name, seconds, "s"), level(seconds, limits[f"{name}_seconds"]), told, remedy)


def files(database: Json, limits: Json, counters: dict[str, Json]) -> Iterator[Json]:
    """What grows on the disk, and whether it is whole."""
    yield number("database_size", int(database["size"]) // MEGABYTE, "MB")
    yield number("wal", int(database["wal"]) // MEGABYTE, "MB")
    age = database["transaction_age"] // 1000000
    told = f"the oldest transaction number is {age} million transactions old, and the server stops at 2000 million"
    remedy = "end old transactions and replication slots, then " + by_hand("VACUUM")
    found = number("transaction_age", age, "million")
    yield graded(found, level(age, limits["transaction_age_millions"]), told, remedy)
    yield _slots(database["slots"], limits)
    damaged = counting.new(counters, "checksum_failures")
    told = f"{damaged} read{'s' if damaged > 1 else ''} of the database's files met a damaged page"
    remedy = "restore what is damaged from a backup, and then run: make acknowledge"
    yield graded(number("checksum_failures", damaged), FAIL if damaged else OK, told, remedy)


def schema(found: Json) -> Iterator[Json]:
    """Whether somebody changed the schema since the last run; where the database tells nothing, that is the finding."""
    if "error" in found:
        told = f"the schema cannot be compared with what the last run recorded ({short(found['error'])})"
        yield graded(number("drift", None), WARN, told, "run: make schema")
        return
    value = {None: "nothing is recorded", False: "none", True: "the schema"}[found["drift"]]
    told = "the schema is not as the last run recorded it"
    yield graded(number("drift", value), WARN if found["drift"] else OK, told, "for what differs, run: make schema")


def _slots(slots: list[Json], limits: Json) -> Json:
    """The slot that holds back most; one that lost its WAL comes first."""
    if not slots:
        return number("slots", 0, "MB")
    held = max(slots, key=lambda slot: (slot["status"] == "lost", slot["bytes"] or 0))
    megabytes = int(held["bytes"] or 0) // MEGABYTE
    drop = by_hand(f"SELECT pg_drop_replication_slot('{held['name']}')")
    if held["status"] == "lost":
        told = f"the replication slot {held['name']} has lost the WAL that it waited for"
        return graded(number("slots", megabytes, "MB"), FAIL, told, f"make it again with its receiver; first {drop}")
    told = f"the replication slot {held['name']} holds back {megabytes} MB of WAL"
    told += "" if held["active"] else ", and nobody reads it"
    remedy = f"start its receiver, or if there is none any more, {drop}"
    return graded(number("slots", megabytes, "MB"), level(megabytes, limits["slot_mb"]), told, remedy)


def archive(database: Json, spool: Json | None, limits: Json, now: float) -> Iterator[Json]:
    """Whether the WAL gets away: by files that wait, as an idle server has none to archive."""
    if not database["archiving"]:
        return
    waits = max(0, now - database["ready_since"]) if database["ready_since"] else 0
    last, failed = database["archived"], database["archive_failed"]
    told = f"{_files(database['ready'])} to be archived for {span(waits)}"
    told += f", and archiving failed {span(max(0, now - failed))} ago" if failed and failed > (last or 0) else ""
    found = number("archive", int(now - last) if last else None, "s")
    yield graded(found, level(waits, limits["archive_wait_seconds"]), told, LOG.format("postgres-erp"))
    if spool is not None:
        waits = max(0, now - spool["since"]) if spool["since"] else 0
        told = f"{_files(spool['files'])} in the spool to reach the backup's repository for {span(waits)}"
        found = number("spool", spool["bytes"] // MEGABYTE, "MB")
        yield graded(found, level(waits, limits["archive_wait_seconds"]), told, LOG.format("postgres-erp-backup"))


def _files(count: int) -> str:
    return "1 WAL file has been waiting" if count == 1 else f"{count} WAL files have been waiting"


def backups(states: dict[str, Json | None], limits: Json, now: float) -> Iterator[Json]:
    """What role `backup` wrote down. Nothing is said of what was never tried."""
    pushed = states.get("archive")
    if pushed is not None and "ok" in pushed:
        yield _repository(pushed)
    shipped = states.get("partial")
    if shipped is not None and "ok" in shipped:
        yield _partial(shipped, limits, now)
    for kind, called in KINDS.items():
        state = states.get(kind)
        if state is not None:
            yield _backup(kind, called, state, limits, now)


def _repository(pushed: Json) -> Json:
    """Whether it took the last WAL file that it was given; for how long others wait is the spool's number."""
    told = f"the backup's repository takes no WAL files ({short(pushed.get('error') or 'it gave no reason')})"
    found = number("repository", "takes WAL files" if pushed["ok"] else "takes none")
    return graded(found, OK if pushed["ok"] else WARN, told, LOG.format("postgres-erp-backup"))


def _partial(shipped: Json, limits: Json, now: float) -> Json:
    """What is no whole WAL file yet (`backup_rpo: seconds`); a server that writes nothing has nothing to ship."""
    last = float(shipped.get("last_ok") or 0)
    age = max(0.0, now - (last or shipped["began"])) if not shipped["ok"] else 0.0
    since = f"in the last {span(age)}" if last else "since the last WAL file"
    told = f"what was written {since} is on this server only ({short(shipped.get('error') or 'it gave no reason')})"
    worse = level(age, limits["partial_seconds"]) if last or shipped["ok"] else WARN
    return graded(number("partial", int(age), "s"), worse, told, LOG.format("postgres-erp-backup"))


def _backup(kind: str, called: str, state: Json, limits: Json, now: float) -> Json:
    log = LOG.format("postgres-erp-backup")
    if "ok" not in state:
        told = f"nothing is known of the last {called} ({short(state.get('error') or 'its file says nothing')})"
        return graded(number(kind, None, "s"), WARN, told, log)
    last = float(state.get("last_ok") or (state.get("finished") if state["ok"] else 0) or 0)
    age = max(0.0, now - last) if last else None
    found = number(kind, None if age is None else int(age), "s")
    good = "there is no good one" if age is None else f"the last good one is {span(age)} old"
    if not state["ok"] and state.get("finished"):
        told = f"the last {called} failed ({short(state.get('error') or 'it gave no reason')}), {good}"
        return graded(found, FAIL, told, log)
    # Without an age, the first one is at work.
    late = OK if age is None else level(age / 3600, limits[f"{kind}_hours"])
    return graded(found, late, f"there was no {called} for long, {good}", log)
