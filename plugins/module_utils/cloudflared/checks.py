# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cloudflared refuses about ingress rules, and what it accepts although it never works. Pure.

The order is cloudflared's: rule by rule, and for each one service, access, hostname, path. What Go's own parsers decide
(URLs, addresses, regular expressions) is judged only where the verdict is certain, as a foreign rule that works must
not be refused; the program itself has the last word.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.masking import shown
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.rules import (
    Refused,
    Rule,
    catches_all,
    text_of,
)

HTTP_SCHEMES = ("http", "https", "ws", "wss")
TCP_SCHEMES = ("tcp", "ssh", "rdp", "smb")
URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)[^\x00-\x1f\x7f]*", re.ASCII
)
HOST = re.compile(r"(?:[^\x00-\x20\x7f/?#@:\[\\^`{|}%]|%[89a-fA-F][0-9a-fA-F])*", re.ASCII)
DURATIONS = ("connectTimeout", "tlsTimeout", "tcpKeepAlive", "keepAliveTimeout")
FLAGS = ("noHappyEyeballs", "noTLSVerify", "disableChunkedEncoding", "bastionMode", "http2Origin", "matchSNItoHost")
FORMS: dict[str, type] = {
    "access": dict,
    "ipRules": list,
    "httpHostHeader": str,
    "originServerName": str,
    "caPool": str,
}
DURATION = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+", re.ASCII)
LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
HOSTNAME = re.compile(rf"(?:{LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?", re.ASCII)
LONGEST_HOSTNAME = 253
USER = re.compile(r"(?:[A-Za-z0-9._:~!$&'()*+,;=@-]|%[0-9a-fA-F]{2})*", re.ASCII)
# Go knows them, Python does not, or each reads them in its own way: the program has to say.
ONLY_GO_KNOWS = re.compile(
    r"\\[pPQECz0-9xuU]|\[\[|\[\^?\]|.\(\?[A-Za-z]*[a-zA-Z-]*[:)]|\(\?[A-Za-z]*[U-]|\(\?<[A-Za-z]|\{,|\[[^\]]*\[|--|&&|~~|\|\|"
    r"|(?:\^|\$|\\[bBA])[*+?{]"
)
PYTHONS_OWN = re.compile(r"\(\?(?:[=!#>(]|<[=!]|P[=>])|(?:[*+?]|\{\d+(?:,\d*)?\})\+")
PYTHONS_ESCAPE = re.compile(r"\\[uUZN]")
CLASS_OR_ESCAPE = re.compile(r"\\.|\[\^?\]?[^\]]*\]")


def rule_problems(rules: Sequence[Any], numbers: Sequence[int], defaults: Any = None) -> list[str]:
    """One sentence for each rule that cloudflared would refuse; `numbers` are the rules' places in the file, and
    `defaults` its originRequest for all rules."""
    if not rules:
        return ["the config file has no ingress rules; add one that catches all, such as - service: http_status:404"]
    found: list[str] = []
    for number, rule in zip(numbers, rules, strict=True):
        last = rule is rules[-1] and number == numbers[-1]
        problem = (
            shape_problem(number, rule)
            or service_problem(number, rule, defaults)
            or access_problem(number, rule)
            or hostname_problem(number, rule, last)
            or path_problem(number, text_of(rule, "path"))
        )
        found += [problem] if problem else []
    return found


def shape_problem(number: int, rule: Any) -> str | None:
    if not isinstance(rule, dict):
        return f"rule {number} is not a mapping; write hostname and service below one dash"
    for key in ("hostname", "path", "service"):
        if isinstance(rule.get(key), (dict, list)):
            return f"rule {number}: its {key} is not a text; write one value there"
    request = rule.get("originRequest")
    if request is not None and not isinstance(request, dict):
        return f"rule {number}: its originRequest is not a mapping; write settings below it, each on its line"
    return request_problem(f"rule {number}", request or {})


def request_problem(where: str, request: dict[str, Any]) -> str | None:
    """Values of another type than cloudflared's, with which it does not read the file. Unknown keys are its warning."""
    for key, value in request.items():
        if value is None:
            continue
        if key in DURATIONS and not (isinstance(value, str) and DURATION.fullmatch(value)):
            return (
                f"{where}: originRequest.{key} is '{value}', which is no duration; write it with its unit, such as 30s"
            )
        if key in FLAGS and not isinstance(value, bool):
            return f"{where}: originRequest.{key} is '{value}'; write true or false, without quotes"
        if key in FORMS and not isinstance(value, FORMS[key]):
            return f"{where}: originRequest.{key} is '{value}'; write what cloudflared's documents show there"
    return None


def service_problem(number: int, rule: Rule, defaults: Any = None) -> str | None:
    service = text_of(rule, "service")
    if service.startswith(("unix:", "unix+tls:")) or service in ("hello_world", "hello-world"):
        return None
    if service.startswith("http_status:"):
        status = service.partition(":")[2]
        if re.fullmatch(r"[+-]?\d{1,18}", status, re.ASCII) and 100 <= int(status) <= 999:
            return None
        return f"rule {number} has the invalid HTTP status code {status}; write a number from 100 to 999"
    request = rule.get("originRequest") or {}
    if service == "socks-proxy":
        return _ip_rules_problem(number, request.get("ipRules") or [])
    bastion = request.get("bastionMode")
    if bastion is None and isinstance(defaults, dict):
        bastion = defaults.get("bastionMode")
    if service == "bastion" or bastion is True:
        return None
    return _url_problem(number, service)


def _url_problem(number: int, service: str) -> str | None:
    told = shown(service)
    url = URL.fullmatch(service)
    if url is None or not _valid_authority(url["authority"]):
        return (
            f"rule {number}: the service '{told}' is no address with a scheme and a host; write it as http://HOST:PORT"
        )
    if url["path"]:
        return (
            f"rule {number}: the service '{told}' has a path, to which cloudflared does not proxy; "
            "remove the path, even a / at the end"
        )
    return None


def _valid_authority(authority: str) -> bool:
    user, address = authority[: authority.rfind("@") + 1], authority[authority.rfind("@") + 1 :]
    if not USER.fullmatch(user):
        return False
    bracketed = re.fullmatch(r"\[([^\]]+)\](?::(\d*))?", address, re.ASCII)
    if bracketed:
        return re.search(r"[\x00-\x20\x7f\[]", unquote(bracketed[1])) is None
    host, colon, port = address.rpartition(":")
    if not colon:
        host, port = address, ""
    return bool(host) and HOST.fullmatch(host) is not None and (not port or (port.isdecimal() and port.isascii()))


def _ip_rules_problem(number: int, entries: Any) -> str | None:
    for entry in entries if isinstance(entries, list) else []:
        prefix = text_of(entry, "prefix") if isinstance(entry, dict) else ""
        if not _is_cidr(prefix):
            return f"rule {number}: '{prefix}' of ipRules is no network; write it as 10.0.0.0/8"
    return None


def _is_cidr(prefix: str) -> bool:
    if not re.fullmatch(r"[0-9a-fA-F.:]+/\d{1,3}", prefix, re.ASCII):
        return False
    try:
        ipaddress.ip_network(prefix, strict=False)
    except ValueError:
        return False
    return True


def access_problem(number: int, rule: Rule) -> str | None:
    access = (rule.get("originRequest") or {}).get("access") or {}
    if access.get("required") is True and access.get("audTag") and not text_of(access, "teamName"):
        return f"rule {number}: access.teamName is blank while access.audTag is not; add the team's name"
    return None


def hostname_problem(number: int, rule: Rule, last: bool) -> str | None:
    hostname = text_of(rule, "hostname")
    if _has_port(hostname):
        return f"rule {number}: the hostname '{hostname}' contains a port; remove the port"
    if hostname.rfind("*") > 0:
        return (
            f"rule {number}: the hostname '{hostname}' has a * that is not its first character; "
            "use at most one, for all subdomains, such as *.example.com"
        )
    if last and not catches_all(rule):
        return (
            f"rule {number}, the last one, must match all URLs and has a hostname or path; "
            "add a last rule with nothing but a service, such as http_status:404"
        )
    if not last and catches_all(rule):
        return f"rule {number} matches everything, so that the rules below it are never reached; move it to the end"
    return None


def _has_port(hostname: str) -> bool:
    """Go's SplitHostPort finds one."""
    if hostname.startswith("["):
        return re.fullmatch(r"\[[^\[\]]*\]:[^:\[\]]*", hostname) is not None
    return re.fullmatch(r"[^:\[\]]*:[^:\[\]]*", hostname) is not None


def path_problem(number: int, path: str) -> str | None:
    if regex_is_valid(path):
        return None
    return f"rule {number}: the path '{path}' is not a regular expression that Go knows; correct it"


def regex_is_valid(pattern: str) -> bool:
    """True also where only Go can tell."""
    if "\\Q" not in pattern and (
        PYTHONS_OWN.search(CLASS_OR_ESCAPE.sub("a", pattern)) or PYTHONS_ESCAPE.search(pattern.replace("\\\\", ""))
    ):
        return False
    if ONLY_GO_KNOWS.search(pattern):
        return True
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    return True


def rule_warnings(rules: Sequence[Rule], numbers: Sequence[int]) -> list[str]:
    """What cloudflared accepts and what does not do what it seems to."""
    found: list[str] = []
    for number, rule in zip(numbers, rules, strict=True):
        hostname, service = text_of(rule, "hostname"), text_of(rule, "service")
        scheme = URL.match(service)
        if hostname.startswith("*") and hostname != "*" and not hostname.startswith("*."):
            found.append(f"rule {number}: the hostname '{hostname}' never matches; write *. before the domain")
        if scheme and scheme["scheme"].lower() not in (*HTTP_SCHEMES, *TCP_SCHEMES):
            found.append(
                f"rule {number}: cloudflared takes the scheme {scheme['scheme']} for a TCP service; "
                "write http or https where that is not meant"
            )
    return found


def refuse_hostname(hostname: str, zone: str | None) -> None:
    """What ours may be: lower-case ASCII, since cloudflared compares names as they are written."""
    if "*" in hostname or ":" in hostname:
        raise Refused(f"hostname is '{hostname}'; give one name without port or wildcard")
    if not hostname.isascii():
        raise Refused(f"hostname is '{hostname}', which is not ASCII; write it in its xn-- form")
    if hostname != hostname.lower():
        raise Refused(f"hostname is '{hostname}', and cloudflared compares it as written; use lower case")
    if len(hostname) > LONGEST_HOSTNAME or not HOSTNAME.fullmatch(hostname):
        raise Refused(
            f"hostname is '{hostname}', which is no full name of a host in the DNS; "
            "give one such as erp-db.example.com, with neither an address nor a dot at its end"
        )
    if zone and hostname != zone and not hostname.endswith(f".{zone}"):
        raise Refused(f"hostname is '{hostname}', which is not in the zone {zone}; correct the hostname or the zone")


def refuse_service(service: str) -> None:
    """Ours speaks HTTP: any other scheme would be taken for TCP without an error."""
    url = URL.fullmatch(service)
    plain = url is not None and url["scheme"] in ("http", "https") and not re.search("[@?#]", service)
    if url is None or not plain or not _valid_authority(url["authority"]):
        raise Refused(f"service is '{shown(service)}'; write it as http://HOST:PORT or https://HOST:PORT")
    if url["path"]:
        raise Refused(
            f"service is '{service}', and cloudflared does not proxy to a path; remove the path, even a / at the end"
        )
    port = re.search(r":(\d+)$", service)
    if port and not 0 < int(port[1][:6]) < 65536:
        raise Refused(f"service is '{service}', whose port is not between 1 and 65535; correct it")
