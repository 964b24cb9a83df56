# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A generated family of configurations as people write them, and damaged ones. The same seed makes the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

HOSTNAME = "erp-db.bestviable.com"
SERVICE = "http://traefik:80"
TUNNEL = "6ff42ae2-765d-4adf-8112-31c55c1551ef"
CATCH_ALL = (
    "- service: http_status:404",
    "- hostname: '*'\n  service: http_status:503",
    "- {service: 'http_status:404'}",
)
FOREIGN = (
    "- hostname: shop.bestviable.com\n  service: http://shop:8080",
    "- service: http://shop:8080\n  hostname: shop2.bestviable.com",
    "- hostname: ssh.example.org\n  service: ssh://localhost:22\n  originRequest:\n    connectTimeout: 30s",
    "- hostname: Grafana.BestViable.com   # the boss wants it so\n  service: http://grafana:3000",
    "- {hostname: flow.bestviable.com, service: 'http://flow:1'}",
    "- {hostname: flow2.bestviable.com,\n   service: 'http://flow:2'}",
    '- "hostname": "quoted.bestviable.com"\n  \'service\': "http://q:1"',
    "- hostname: path.bestviable.com\n  path: ^/(a|b)/.*\\.js$\n  service: https://p:8443\n  originRequest:\n"
    "    noTLSVerify: true",
    "- hostname: folded.bestviable.com\n  service: >-\n    http://folded:80\n",
    "- hostname: literal.bestviable.com\n  path: |-\n    # no comment\n  service: http://l:80",
    "- hostname: unix.bestviable.com\n  service: unix:/run/x.sock",
    "- hostname: bücher.example\n  service: http://b:80",
    "- hostname: anchored.bestviable.com\n  service: http://a:1\n  originRequest: &slow\n"
    "    connectTimeout: 60s\n    audit: 'ä # no comment'",
    "- !!map\n  hostname: tagged.bestviable.com\n  service: http://t:1",
    "-\n  hostname: alone.bestviable.com\n  service: http://alone:1",
    "-   hostname: wide.bestviable.com\n    service: http://wide:1",
    "- hostname: erp-db.bestviable.com.evil.org\n  service: http://not-ours:1",
)
ALIASED = "- hostname: aliased.bestviable.com\n  service: http://a:2\n  originRequest: *slow"
MERGED = "- <<: *basis\n  hostname: merged.bestviable.com"
SWALLOWING = (
    "- hostname: '*.bestviable.com'\n  service: http://traefik:80",
    '- hostname: "*.BestViable.com"\n  service: http://w:80',
    "- hostname: '*.com'\n  path: /admin\n  service: http://w:80",
    "- path: /health\n  service: http://h:80",
)
# Ours as an earlier run, a person, or both left it.
OURS = {
    "none": "",
    "equal": f"- hostname: {HOSTNAME}  # managed by bestviable.portfolio\n  service: {SERVICE}",
    "uncommented": f"- hostname: {HOSTNAME}\n  service: {SERVICE}",
    "reordered": f"- service: '{SERVICE}'\n  # ours, I think\n  hostname: \"{HOSTNAME}\"",
    "drifted": f"- hostname: {HOSTNAME}  # managed by bestviable.portfolio\n  service: http://other:81",
    "capitals": f"- hostname: ERP-DB.bestviable.com  # managed by bestviable.portfolio\n  service: {SERVICE}",
    "extended": f"- hostname: {HOSTNAME}  # managed by bestviable.portfolio\n  service: {SERVICE}\n  originRequest:\n"
    "    noTLSVerify: true\n    # why?\n",
}
COMMENTS = (
    "",
    "# a comment",
    "    # - hostname: off.bestviable.com\n    #   service: http://off:1",
    "\n",
    "# one\n\n# two",
)
BEFORE = (
    f"tunnel: {TUNNEL}\ncredentials-file: /etc/cloudflared/{TUNNEL}.json",
    f"# the tunnel\ntunnel: {TUNNEL}   # ours\n\nmetrics: 127.0.0.1:20241\norigin-basis: &basis\n  service: http://m:1",
    "originRequest:\n    connectTimeout: 10s\n    noTLSVerify: false\nlogfile: 'a: # b'\n"
    "basis: &basis {service: 'http://m:1'}",
    "",
)
AFTER = ("", "protocol: quic", "\n# the end\nwarp-routing:\n  maxActiveFlows: 10\nlist:\n- a\n- b", "# nothing below")


@dataclass(frozen=True)
class Sample:
    text: str
    ours: str


def samples(count: int, seed: int = 1) -> Iterator[Sample]:
    dice = random.Random(seed)
    return (sample(dice) for _ in range(count))


def sample(dice: random.Random) -> Sample:
    before = dice.choice(BEFORE)
    foreign = dice.sample(FOREIGN, dice.randint(0, 5))
    if any("&slow" in rule for rule in foreign) and dice.random() < 0.5:
        foreign.append(ALIASED)
    if "&basis" in before and dice.random() < 0.5:
        foreign.append(MERGED)
    rules = foreign + dice.sample(SWALLOWING, dice.choice((0, 1, 1, 2)))
    ours = dice.choice(tuple(OURS))
    if ours != "none":
        rules.insert(dice.randint(0, len(rules)), OURS[ours])
    lines = [dice.choice(("ingress:", "ingress:   # the rules", '"ingress":'))]
    indentation = " " * dice.choice((0, 2, 2, 2, 4, 7))
    for rule in [*rules, dice.choice(CATCH_ALL)]:
        comment = dice.choice(COMMENTS) if dice.random() < 0.4 else ""
        for line in (comment + "\n" + rule).splitlines() if comment else rule.splitlines():
            lines.append(indentation + line if line else line)
    parts = [before, "\n".join(lines), dice.choice(AFTER)]
    text = "\n".join(part for part in parts if part)
    text = dice.choice(("", "", "\ufeff", "---\n", "# first\n\n")) + text
    text += dice.choice(("\n", "\n", "", "\n\n", "\n...\n"))
    return Sample(text.replace("\n", "\r\n") if dice.random() < 0.25 else text, ours)


def damaged(count: int, seed: int = 2) -> Iterator[str]:
    """Samples with a few places changed as an editor, a merge conflict or a bad copy would."""
    dice = random.Random(seed)
    for one in samples(count, seed):
        text = one.text
        for _ in range(dice.randint(1, 3)):
            at = dice.randrange(len(text))
            text = text[:at] + dice.choice(DAMAGE) + text[at + dice.choice((0, 0, 1, 3)) :]
        yield text


DAMAGE = (
    *"\t \n\r-:#*&!|>%@`'\"{}[],?~",
    *("\x00", "\x85", "\u2028", "\ufeff", "\x7f", "<<: *x\n", "- ", "---\n", "...\n", "<<<<<<< HEAD\n", "*slow", "&x "),
    *("\\", '"\\UFFFFFFFF"', "!!python/object:os.system ", "? ", "[" * 50, "tunnel: x\n", "ingress: []\n", "- - - "),
)
