# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's edge and the stand-in for cloudflared as processes of their own, on this machine's own address."""

from __future__ import annotations

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.ansible_task import ROOT
from tests.lab.cloudflare.fake import PREFIX
from tests.lab.edge.client import Outcome, ask, connection
from tests.waiting import until

HOST = "erp-db.bestviable.com"
ENVIRONMENT = os.environ | {"PYTHONPATH": f"{ROOT}/.collections:{ROOT}"}
SEED = {
    "tunnels": [
        {"name": "local"},
        {"name": "remote", "source": "cloudflare", "rules": [{"service": "http_status:404"}]},
    ],
    "records": [
        {"name": HOST, "tunnel": "local"},
        {"name": "*.bestviable.com", "tunnel": "local"},
        {"name": "far.bestviable.com", "tunnel": "remote"},
    ],
    "refused_services": ["http://nowhere:80"],
}


class Origin(BaseHTTPRequestHandler):
    """Says what it was asked; `/slow` takes its time."""

    def do_GET(self) -> None:
        if self.path.startswith("/slow"):
            time.sleep(1)
        body = json.dumps({"path": self.path, "headers": dict(self.headers)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(BrokenPipeError):  # a connector that ended at once
            self.wfile.write(body)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Nothing to say."""


@dataclass
class Lab:
    directory: Path
    service: str
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def told(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads((self.directory / "lab.json").read_text())
        return said

    def config(self, rules: list[dict[str, Any]], tunnel: str = "local", **more: Any) -> Path:
        """In JSON, which is YAML, but for the list of rules."""
        known = self.told["tunnels"][tunnel]
        credentials = self.directory / f"{tunnel}.json"
        credentials.write_text(json.dumps({**known["credentials"], **more}))
        path = self.directory / f"config-{time.monotonic_ns()}.yml"
        lines = [f"tunnel: {known['id']}", f"credentials-file: {credentials}", "grace-period: 5s", "ingress:"]
        path.write_text("\n".join([*lines, *(f"- {json.dumps(rule)}" for rule in rules), ""]))
        return path

    def start(self, *words: str) -> tuple[subprocess.Popen[bytes], str]:
        """A connector, and where it tells of itself."""
        with ThreadingHTTPServer(("127.0.0.1", 0), Origin) as free:
            metrics = f"127.0.0.1:{free.server_port}"
        before, after = words[: words.index("run")], words[words.index("run") :]
        command = [str(ROOT / "tests/lab/cloudflared/stand_in.py"), "--no-autoupdate", "tunnel", "--metrics", metrics]
        process = subprocess.Popen(
            [sys.executable, *command, *before, *after],
            env=ENVIRONMENT | {"TUNNEL_EDGE": self.told["connectors"]},
            stderr=subprocess.PIPE,
        )
        self.running.append(process)
        return process, metrics

    def ready(self, metrics: str) -> bool:
        command = [sys.executable, str(ROOT / "tests/lab/cloudflared/stand_in.py"), "tunnel", "--metrics", metrics]
        return subprocess.run([*command, "ready"], env=ENVIRONMENT, capture_output=True, check=False).returncode == 0

    def until_ready(self, metrics: str, wanted: bool = True) -> None:
        until(lambda: self.ready(metrics) == wanted, "ready" if wanted else "no longer ready", 20)

    def connector(self, rules: list[dict[str, Any]]) -> tuple[subprocess.Popen[bytes], str]:
        process, metrics = self.start("--config", str(self.config(rules)), "run")
        self.until_ready(metrics)
        return process, metrics

    def ask(self, path: str = "/", host: str = HOST, headers: dict[str, str] | None = None) -> Outcome:
        return ask(f"https://{host}{path}", self.public, self.trust, headers or {}, 0)

    @property
    def public(self) -> tuple[str, int]:
        host, _colon, port = self.told["public"].partition(":")
        return host, int(port)

    @property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.told["ca"])

    def body(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        with closing(connection(HOST, self.public, self.trust)) as line:
            line.request(method, path, body or None, headers or {})
            answer = line.getresponse()
            return answer.status, answer.read()

    def api(self, method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection(self.told["api"].split("/")[2], timeout=10)
        headers = {"Authorization": f"Bearer {self.told['api_token']}"}
        path = path.format(account=self.told["account"], zone=self.told["zone"])
        connection.request(method, f"{PREFIX}{path}", json.dumps(body) if body is not None else None, headers)
        return json.loads(connection.getresponse().read())["result"]


def told(metrics: str, path: str) -> bytes:
    connection = http.client.HTTPConnection(metrics, timeout=10)
    connection.request("GET", path)
    return connection.getresponse().read()


def until_asked(metrics: str) -> None:
    until(lambda: b"total_requests 0\n" not in told(metrics, "/metrics"), "asked", 20)


def by_module(verb: str, directory: Path, *words: str) -> None:
    command = [sys.executable, "-m", "tests.lab.edge", verb, str(directory), *words]
    subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, check=True)


@contextmanager
def origin() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Origin) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    (tmp_path / "seed.json").write_text(json.dumps(SEED))
    by_module("up", tmp_path, "--connectors", "127.0.0.1:0", "--seed", str(tmp_path / "seed.json"))
    with origin() as service:
        made = Lab(tmp_path, service)
        try:
            yield made
        finally:
            for process in made.running:
                process.kill()
                process.wait()
            by_module("down", tmp_path)


def test_each_name_by_its_rule(lab: Lab) -> None:
    lab.connector(
        [
            {"hostname": HOST, "service": lab.service},
            {"hostname": "down.bestviable.com", "service": "http://127.0.0.1:9"},
            {"service": "http_status:404"},
        ]
    )
    status, body = lab.body("GET", "/erp/people?id=eq.1", headers={"X-Forwarded-For": "9.9.9.9", "Cookie": "a=b"})
    asked = json.loads(body)
    assert (status, asked["path"]) == (200, "/erp/people?id=eq.1")
    told = {name.lower(): value for name, value in asked["headers"].items()}
    assert (told["host"], told["x-forwarded-for"], told["cookie"]) == (HOST, "127.0.0.1", "a=b")
    assert told["cf-connecting-ip"] == "127.0.0.1" and told["x-forwarded-proto"] == "https" and told["cf-ray"]
    assert lab.body("POST", "/", b"x" * 3_000_000) == (201, b"x" * 3_000_000)
    assert [lab.ask(host=name).status for name in ("down.bestviable.com", "any.bestviable.com")] == [502, 404]
    # A name without a record, and one whose tunnel has no connector.
    assert [lab.ask(host=name).status for name in ("bestviable.com", "far.bestviable.com")] == [530, 530]


def test_a_connector_tells_of_itself(lab: Lab) -> None:
    _process, metrics = lab.connector([{"hostname": HOST, "service": lab.service}, {"service": "http_status:404"}])
    lab.ask()
    assert json.loads(told(metrics, "/ready"))["readyConnections"] >= 1
    assert json.loads(told(metrics, "/config")) == {
        "version": -1,
        "config": {"ingress": [{"hostname": HOST, "service": lab.service}, {"service": "http_status:404"}]},
    }
    assert b"cloudflared_tunnel_total_requests 1\n" in told(metrics, "/metrics")
    assert len(lab.api("GET", f"/accounts/{{account}}/cfd_tunnel/{lab.told['tunnels']['local']['id']}")["connections"])


@pytest.mark.parametrize(
    ("more", "service", "reason"),
    [
        ({"TunnelSecret": "b3RoZXI="}, "http_status:200", "Invalid tunnel secret"),
        ({}, "http://nowhere:80", "lets no connector in"),
    ],
)
def test_who_is_not_let_in_is_not_ready(lab: Lab, more: dict[str, str], service: str, reason: str) -> None:
    rules = [{"hostname": HOST, "service": service}, {"service": "http_status:404"}]
    process, metrics = lab.start("--config", str(lab.config(rules, **more)), "run")
    assert process.stderr
    while reason.encode() not in process.stderr.readline():
        assert process.poll() is None
    assert not lab.ready(metrics) and lab.ask().status == 530


def test_a_dashboards_rules_arrive_and_change_without_a_restart(lab: Lab, tmp_path: Path) -> None:
    known = lab.told["tunnels"]["remote"]
    (tmp_path / "token").write_text(known["token"])
    _process, metrics = lab.start("run", "--token-file", str(tmp_path / "token"))
    lab.until_ready(metrics)
    assert lab.ask(host="far.bestviable.com").status == 404
    rules = [{"hostname": "far.bestviable.com", "service": lab.service}, {"service": "http_status:404"}]
    path = f"/accounts/{{account}}/cfd_tunnel/{known['id']}/configurations"
    lab.api("PUT", path, {"config": {"ingress": rules}})
    until(lambda: lab.ask(host="far.bestviable.com").status == 200, "the rule of the dashboard in force", 10)
    calls = [json.loads(line) for line in (tmp_path / "calls.jsonl").read_text().splitlines()]
    assert [(call["method"], call["status"]) for call in calls] == [("PUT", 200)]


def test_a_running_request_is_finished_on_sigterm_and_lost_on_sighup(lab: Lab) -> None:
    for number, expected, code in ((signal.SIGTERM, 200, 0), (signal.SIGHUP, 502, 128 + signal.SIGHUP)):
        process, _metrics = lab.connector([{"hostname": HOST, "service": lab.service}, {"service": "http_status:404"}])
        found: list[Outcome] = []
        asking = threading.Thread(target=lambda found=found: found.append(lab.ask("/slow")))
        asking.start()
        time.sleep(0.4)
        process.send_signal(number)
        asking.join()
        assert (found[0].status, process.wait()) == (expected, code)


def test_two_connectors_made_again_one_after_the_other_lose_nothing(lab: Lab, tmp_path: Path) -> None:
    """And with one alone it shows that something is lost."""
    rules = [{"hostname": HOST, "service": lab.service}, {"service": "http_status:404"}]
    first, second = lab.connector(rules), lab.connector(rules)

    def asked(seconds: float) -> subprocess.Popen[bytes]:
        words = [f"https://{HOST}/", str(tmp_path / "report.json"), "--at", lab.told["public"], "--ca", lab.told["ca"]]
        command = [sys.executable, "-m", "tests.lab.edge.client", *words, "--rate", "150", "--seconds", str(seconds)]
        return subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT)

    client = asked(600)
    for process, metrics in (first, second):
        until_asked(metrics)
        process.terminate()
        process.wait()
        until_asked(lab.connector(rules)[1])
    (tmp_path / "report.stop").touch()
    client.wait()
    (tmp_path / "report.stop").unlink()
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["sent"] > 10 and report["lost"] == 0, report
    assert len(report["connectors"]) == 4
    for process in lab.running:
        process.terminate()
        process.wait()
    asked(1).wait()
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["statuses"] == {"530": report["sent"]} and report["lost"] == report["sent"]


def test_access(lab: Lab) -> None:
    """The edge wants the service token, the connector the edge's word for it."""
    token = lab.api("POST", "/accounts/{account}/access/service_tokens", {"name": "a", "duration": "8760h"})
    include = [{"service_token": {"token_id": token["id"]}}]
    policy = {"name": "a", "decision": "non_identity", "include": include}
    identifier = lab.api("POST", "/accounts/{account}/access/policies", policy)["id"]
    app = {"type": "self_hosted", "domain": HOST, "name": "a", "session_duration": "24h", "policies": [identifier]}
    flags = {"app_launcher_visible": False, "service_auth_401_redirect": True}
    aud = lab.api("POST", "/accounts/{account}/access/apps", {**app, **flags})["aud"]

    def rules(**access: Any) -> list[dict[str, Any]]:
        request = {"access": {"required": True, "teamName": "bestviable", "audTag": [aud], **access}}
        return [{"hostname": HOST, "service": lab.service, "originRequest": request}, {"service": "http_status:404"}]

    shown = {"Cf-Access-Client-Id": token["client_id"], "Cf-Access-Client-Secret": token["client_secret"]}
    found = {}
    demanded: dict[str, dict[str, Any]] = {
        "right": {},
        "other aud": {"audTag": ["0" * 64]},
        "other team": {"teamName": "b"},
    }
    for name, access in demanded.items():
        process, _metrics = lab.connector(rules(**access))
        found[name] = lab.ask(headers=shown).status
        process.terminate()
        process.wait()
    assert found == {"right": 200, "other aud": 403, "other team": 502}
    lab.connector(rules())
    assert lab.ask().status == 401 and lab.ask(headers={**shown, "Cf-Access-Client-Secret": "x"}).status == 401
    overlap = {"previous_client_secret_expires_at": "2099-01-01T00:00:00Z"}
    path = f"/accounts/{{account}}/access/service_tokens/{token['id']}/rotate"
    renewed = lab.api("POST", path, overlap)["client_secret"]
    assert lab.ask(headers=shown).status == 200
    assert lab.ask(headers={**shown, "Cf-Access-Client-Secret": renewed}).status == 200
    # What comes in past the edge's application has no assertion.
    for item in lab.api("GET", "/accounts/{account}/access/apps"):
        lab.api("DELETE", f"/accounts/{{account}}/access/apps/{item['id']}")
    assert lab.ask(headers=shown).status == 403
