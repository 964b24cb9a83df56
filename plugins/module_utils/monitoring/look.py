# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at the machine. Whatever does not answer is an answer as well, and comes within seconds."""

from __future__ import annotations

import base64
import http.client
import json
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils import lease
from ansible_collections.bestviable.portfolio.plugins.module_utils.monitoring import (
    certificates,
    cgroup,
    database,
    schema,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.server import docker_parse, host, host_parse
from ansible_collections.bestviable.portfolio.plugins.module_utils.server.docker_api import DockerApi, DockerError

Json = dict[str, Any]
# Of one question, of one to the engine (slow on a busy server long before it is dead), and of all together.
TIMEOUT = 3.0
ENGINE_TIMEOUT = 6.0
PATIENCE = 8.0
LEASE = lease.DEFAULT_FILE
# Files that role `backup` keeps.
STATES = ("archive", "partial", "backup", "dump", "restore_test")


def together(questions: dict[str, Callable[[], Any]], seconds: float = PATIENCE) -> dict[str, Any]:
    """The answers to questions that are asked at the same time; None for one that is not answered in time.

    The threads are left alone then: a disk that is gone holds them, and nobody can end that.
    """
    answers: dict[str, Any] = dict.fromkeys(questions)

    def ask(name: str, question: Callable[[], Any]) -> None:
        answers[name] = question()

    threads = [threading.Thread(target=ask, args=each, daemon=True) for each in questions.items()]
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return dict(answers)


def everything(config: Json) -> Json:
    """What is found, for judge_server and judge_database."""
    token = host.read_text(config["token_file"]).strip()
    found = together(
        {
            "engine": partial(engine, config),
            # Without a socket it is on a server of somebody else.
            "database": partial(database.look, config["socket"], TIMEOUT) if config["socket"] else dict,
            "schema": partial(schema.look, config["socket"], config["database"], config["owner"], TIMEOUT)
            if config["socket"]
            else dict,
            "certificates": partial(certificates.first_end, config["certificates"]),
            "disk": partial(disk, config["disk"]),
            "backup": partial(backup, config["backup_state"], config["spool"]),
            "proxy": partial(ask, "127.0.0.1", config["proxy_port"], "/view/rpc/health", token),
        }
    )
    late = f"no answer within {PATIENCE:.0f} s"
    found["engine"] = found["engine"] or unreachable(late)
    found["database"] = found["database"] or {"error": late if config["socket"] else "it is elsewhere"}
    found["schema"] = found["schema"] or {"error": late if config["socket"] else "it is elsewhere"}
    found["disk"] = found["disk"] or {"error": late}
    states, spool = found.pop("backup") or ({}, None)
    answers = {"proxy": found.pop("proxy") if running(found["engine"], config, "proxy") else None}
    answers["API"] = ask_api(config, found["engine"], token)
    answers["database"] = None
    if running(found["engine"], config, "database"):
        failed = found["database"].get("error")
        answers["database"] = {"msg": failed} if failed else {"reachable": True}
    return {
        **found,
        "answers": answers,
        "states": states,
        "spool": spool,
        "memory": host_parse.parse_meminfo(host.read_text("/proc/meminfo")),
        "token": ends(token),
        "lease": lease.read(LEASE),
        "last_run": host.read_marker(config["last_run"]),
    }


def unreachable(why: str) -> Json:
    return {"docker": {"reachable": False, "error": why}, "containers": {}, "networks": {}}


def engine(config: Json) -> Json:
    """The containers as server_info describes them, each with what the kernel counts of it."""
    found: Json = {"docker": {"reachable": True, "error": None}, "containers": {}}
    try:
        with DockerApi(config["docker_socket"], ENGINE_TIMEOUT) as api:
            for wanted in config["containers"]:
                answer = api.container(wanted["name"])
                found["containers"][wanted["name"]] = described(answer) if answer else None
    except DockerError as error:
        return unreachable(str(error))
    return found


def described(answer: Json) -> Json:
    there = docker_parse.container(answer)
    counted = cgroup.of_process((answer.get("State") or {}).get("Pid"), host.read_text)
    return {**there, **counted, "memory_limit": there["memory"]}


def running(found: Json, config: Json, link: str) -> bool:
    """Whether a link's container runs; one that does not is asked nothing."""
    name = next((each["container"] for each in config["links"] if each["name"] == link), "")
    return ((found["containers"].get(name) or {}).get("state")) == "running"


def ask_api(config: Json, found: Json, token: str) -> Json | None:
    link = next((each for each in config["links"] if each["name"] == "API"), None)
    if link is None or not running(found, config, "API"):
        return None
    address = found["containers"][link["container"]]["networks"].get(link["network"])
    return (
        ask(address, config["api_port"], "/rpc/health", token, {"Accept-Profile": config["profile"]})
        if address
        else None
    )


def ask(address: str, port: int, path: str, token: str, more: Json | None = None) -> Json:
    """Its status, or `msg` with the reason."""
    connection = http.client.HTTPConnection(address, port, timeout=TIMEOUT)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}", **(more or {})})
        return {"status": connection.getresponse().status}
    except (OSError, http.client.HTTPException) as error:
        return {"msg": getattr(error, "strerror", None) or str(error) or type(error).__name__}
    finally:
        connection.close()


def disk(path: str) -> Json:
    try:
        figures = os.statvfs(path if os.path.isdir(path) else "/")
        share = 100 * (figures.f_files - figures.f_favail) // figures.f_files if figures.f_files else 0
        return {**host.disk(path), "inodes_percent": share}
    except OSError as error:
        return {"error": error.strerror}


def backup(state: str, spool: str) -> tuple[dict[str, Json | None], Json | None]:
    """What role `backup` wrote down, and what waits in its spool; nothing of either where it is not there."""
    states = {name: host.read_marker(f"{state}/{name}.json") for name in STATES}
    try:
        waiting = [entry.stat() for entry in os.scandir(spool) if entry.is_file()]
    except OSError:
        return states, None
    since = min((each.st_mtime for each in waiting), default=None)
    return states, {"files": len(waiting), "bytes": sum(each.st_size for each in waiting), "since": since}


def ends(token: str) -> float | None:
    """When it ends, as it says itself."""
    try:
        middle = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
        return float(claims["exp"])
    except (IndexError, KeyError, TypeError, ValueError):
        return None
