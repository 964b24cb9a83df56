# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody else's connector that systemd runs: found, given our rule, restarted once, and given its file back.

The program itself is a script that only stays; what counts here is its unit.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.server import Droplet, Run

CONFIG = "/etc/cloudflared/config.yml"
UNIT = "/etc/systemd/system/cloudflared.service"
PROGRAM = "/usr/local/bin/cloudflared"
TUNNEL = "6ff42ae2-765d-4adf-8112-31c55c1551ef"
RULES = f"""# The shop's tunnel
tunnel: {TUNNEL}
credentials-file: /etc/cloudflared/shop.json
ingress:
  - hostname: "*.bestviable.com"   # all shops
    service: http://127.0.0.1:8080
  - service: http_status:404
"""
FILES = {
    PROGRAM: "#!/bin/sh\nexec sleep infinity\n",
    CONFIG: RULES,
    "/etc/cloudflared/shop.json": json.dumps({"AccountTag": "a", "TunnelSecret": "czE=", "TunnelID": TUNNEL}),
    UNIT: f"[Service]\nExecStart={PROGRAM} --no-autoupdate tunnel --config {CONFIG} run\n",
}


@pytest.fixture
def connector(converged: Droplet) -> Iterator[Droplet]:
    converged.shell("mkdir -p /etc/cloudflared")
    for path, content in FILES.items():
        converged.shell(f"cat >{path}", given=content)
    converged.shell(f"chmod 755 {PROGRAM} && systemctl daemon-reload && systemctl start cloudflared")
    yield converged
    converged.shell(f"systemctl stop cloudflared; rm -r {UNIT} {PROGRAM} /etc/cloudflared; systemctl daemon-reload")


def process(droplet: Droplet) -> str:
    return droplet.shell("systemctl is-active cloudflared && systemctl show --property=MainPID --value cloudflared")


def told(droplet: Droplet, state: str, *options: str) -> Run:
    wanted = {
        "cloudflare_ingress_state": state,
        "cloudflare_ingress_service": "http://127.0.0.1:3000",
        "cloudflare_ingress_verify": False,
    }
    done = droplet.run("-e", json.dumps(wanted), *options)
    assert done.returncode == 0, done.output
    return done


@pytest.mark.long
def test_a_unit_of_somebody_else_gets_our_rule_and_its_file_back(connector: Droplet) -> None:
    first = process(connector)
    assert told(connector, "present", "--check").recap["changed"] > 0
    assert (connector.shell(f"cat {CONFIG}"), process(connector)) == (RULES.strip(), first)

    told(connector, "present")
    ours = connector.shell(f"cat {CONFIG}")
    assert ours.index("erp-db.bestviable.com") < ours.index("*.bestviable.com")
    second = process(connector)
    assert second != first
    assert told(connector, "present").recap["changed"] == 0
    assert process(connector) == second

    told(connector, "absent")
    assert connector.shell(f"cat {CONFIG}") == RULES.strip()
    assert process(connector) != second
