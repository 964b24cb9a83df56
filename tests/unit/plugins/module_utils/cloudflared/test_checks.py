# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our checks against what cloudflared's source says: verdict and sentence for each row of its rules."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared import checks
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.rules import Refused

LAST = {"service": "http_status:404"}


def of(text: str) -> list[Any]:
    """`hostname | path | service | originRequest`, one rule a line; the last one is added."""
    rules = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        keys = ("hostname", "path", "service", "originRequest")
        rules.append({key: yaml.safe_load(cell) for key, cell in zip(keys, cells, strict=False) if cell})
    return rules


ACCEPTED = [
    "a.b.com || http://traefik:80",
    "a.b.com || https://127.0.0.1",
    "a.b.com || ws://x",
    "a.b.com || wss://[::1]:8443",
    "a.b.com || http://user:pw@host:1",
    "a.b.com || unix:/run/x.sock",
    "a.b.com || unix+tls:anything at all",
    "a.b.com || http_status:100",
    "a.b.com || http_status:999",
    "a.b.com || hello_world",
    "a.b.com || hello-world",
    "a.b.com || bastion",
    "a.b.com ||| {bastionMode: true}",
    "a.b.com || socks-proxy | {ipRules: [{prefix: 1.1.1.0/24, ports: [80], allow: true}]}",
    "a.b.com || tcp://localhost:22",
    "a.b.com || htp://traefik",
    "'*.b.com' || http://x",
    "'*example.com' || http://x",
    "a.b.com | ^/[ab](c)+$ | http://x",
    "|/health | http://x",
    "10.0.0.1 || http://x",
    "a.b.com. || http://x",
    "a.b.com || http://x | {access: {required: true}}",
    "a.b.com || http://x | {access: {audTag: [x]}}",
    "a.b.com || http://x\na.b.com || http://y",
    "a.b.com || http://x | {connectTimeout: 1m30s, noTLSVerify: yes, unknown: [1]}",
]
REFUSED = [
    ("a.b.com || localhost:8080", "rule 1: the service 'localhost:8080' is no address"),
    ("a.b.com || traefik", "is no address with a scheme and a host"),
    ("a.b.com ||", "the service '' is no address"),
    ("a.b.com || http://", "is no address"),
    ("a.b.com || https://local host:8000", "is no address"),
    ("a.b.com || http://x:port", "is no address"),
    ("a.b.com || http://traefik/", "has a path"),
    ("a.b.com || http://traefik:80/erp", "has a path"),
    ("a.b.com || http_status:ok", "invalid HTTP status code ok"),
    ("a.b.com || http_status:99", "invalid HTTP status code 99"),
    ("a.b.com || http_status:1000", "invalid HTTP status code 1000"),
    ("a.b.com || socks-proxy | {ipRules: [{prefix: here}]}", "'here' of ipRules is no network"),
    ("a.b.com || socks-proxy | {ipRules: [{allow: true}]}", "'' of ipRules is no network"),
    ("a.b.com || http://x | {access: {required: true, audTag: [x]}}", "access.teamName is blank"),
    ("a.b.com:443 || http://x", "contains a port"),
    ("a.*.b.com || http://x", "a * that is not its first character"),
    ("'*.*.b.com' || http://x", "a * that is not its first character"),
    ("|| http://x", "rule 1 matches everything"),
    ("'*' || http://x", "rule 1 matches everything"),
    ("a.b.com | '*/x' | http://x", "is not a regular expression"),
    ("a.b.com | '(a' | http://x", "is not a regular expression"),
    ("a.b.com | '(?=a)' | http://x", "is not a regular expression"),
    ("a.b.com || http://x | {connectTimeout: 30}", "originRequest.connectTimeout is '30', which is no duration"),
    ("a.b.com || http://x | {noTLSVerify: maybe}", "write true or false"),
    ("a.b.com || http://x | {access: [x]}", "originRequest.access is"),
    ("a.b.com || http://x | text", "its originRequest is not a mapping"),
    ("[a] || http://x", "its hostname is not a text"),
    # The order within a rule is cloudflared's: service, access, hostname, path.
    ("a.b.com:1 | '(' | nowhere | {access: {required: true, audTag: [x]}}", "is no address"),
    ("a.b.com:1 | '(' | http://x | {access: {required: true, audTag: [x]}}", "teamName is blank"),
    ("a.b.com:1 | '(' | http://x", "contains a port"),
]


@pytest.mark.parametrize("rule", ACCEPTED)
def test_what_cloudflared_accepts_is_accepted(rule: str) -> None:
    rules = [*of(rule), LAST]
    assert checks.rule_problems(rules, range(1, len(rules) + 1)) == []


@pytest.mark.parametrize(("rule", "sentence"), REFUSED)
def test_what_cloudflared_refuses_is_refused(rule: str, sentence: str) -> None:
    rules = [*of(rule), LAST]
    [problem] = checks.rule_problems(rules, range(1, len(rules) + 1))
    assert sentence in problem and "; " in problem


@pytest.mark.parametrize("last", ["a.b.com || http://x", "| /path | http://x", "'*' | /path | http://x"])
def test_the_last_rule_matches_all_urls(last: str) -> None:
    [problem] = checks.rule_problems(of(f"b.c.com || http://y\n{last}"), [4, 7])
    assert "rule 7, the last one, must match all URLs" in problem


@pytest.mark.parametrize("rule", [None, "text", ["a"], 3])
def test_a_rule_is_a_mapping(rule: Any) -> None:
    assert "rule 1 is not a mapping" in checks.rule_problems([rule, LAST], [1, 2])[0]


def test_there_are_rules() -> None:
    assert "has no ingress rules" in checks.rule_problems([], [])[0]


def test_bastion_mode_may_come_from_the_top() -> None:
    assert checks.rule_problems([{"hostname": "a.b.com"}, LAST], [1, 2], {"bastionMode": True}) == []
    assert checks.rule_problems([{"hostname": "a.b.com"}, LAST], [1, 2], {"bastionMode": False}) != []


def test_what_never_works_is_warned_of() -> None:
    rules = of("'*example.com' || http://x\na.b.com || htp://traefik\nb.b.com || ssh://x:22\n'*.b.com' || http://x")
    first, second = checks.rule_warnings(rules, range(1, 5))
    assert "rule 1: the hostname '*example.com' never matches" in first
    assert "rule 2: cloudflared takes the scheme htp for a TCP service" in second


LONG = ".".join(["a" * 49] * 5) + ".info"


@pytest.mark.parametrize(
    ("hostname", "sentence"),
    [
        ("", "no full name"),
        ("localhost", "no full name"),
        ("10.0.0.1", "no full name"),
        ("::1", "without port or wildcard"),
        ("erp-db.bestviable.com:443", "without port or wildcard"),
        ("*.bestviable.com", "without port or wildcard"),
        ("erp-db.bestviable.com.", "dot at its end"),
        ("Erp-db.bestviable.com", "use lower case"),
        ("bücher.example", "xn-- form"),
        ("-a.example.com", "no full name"),
        ("a_b.example.com", "no full name"),
        ("a..example.com", "no full name"),
        ("https://a.example.com", "without port or wildcard"),
        ("a.example.com/x", "no full name"),
        ("a.example.com\n", "no full name"),
        ("a" * 64 + ".com", "no full name"),
        (LONG, "no full name"),
        ("erp-db.other.com", "is not in the zone bestviable.com"),
        ("notbestviable.com", "is not in the zone bestviable.com"),
    ],
)
def test_a_hostname_of_ours_is_a_plain_name(hostname: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        checks.refuse_hostname(hostname, "bestviable.com")


@pytest.mark.parametrize("hostname", ["erp-db.bestviable.com", "bestviable.com", "xn--bcher-kva.bestviable.com"])
def test_a_plain_name_is_accepted(hostname: str) -> None:
    checks.refuse_hostname(hostname, "bestviable.com")
    checks.refuse_hostname(hostname, None)
    assert len(LONG) == 254


@pytest.mark.parametrize(
    ("service", "sentence"),
    [
        ("traefik:80", "write it as http"),
        ("htp://traefik", "write it as http"),
        ("tcp://traefik:80", "write it as http"),
        ("http_status:404", "write it as http"),
        ("http://user:secret@traefik", r"service is 'http://\*\*\*@traefik'"),
        ("http://traefik/", "remove the path"),
        ("http://traefik?x=1", "write it as http"),
        ("http://traefik#x", "write it as http"),
        ("http://traefik:0", "between 1 and 65535"),
        ("http://traefik:65536", "between 1 and 65535"),
        ("http://tra efik", "write it as http"),
        ("http://traefik:80\n", "write it as http"),
    ],
)
def test_a_service_of_ours_is_an_address(service: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        checks.refuse_service(service)


@pytest.mark.parametrize(
    "service", ["http://traefik:80", "https://traefik", "http://[::1]:80", "http://127.0.0.1:65535"]
)
def test_an_address_is_accepted(service: str) -> None:
    checks.refuse_service(service)
