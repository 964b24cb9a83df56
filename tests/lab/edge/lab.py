# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account at Cloudflare in one process: the fake of the API and the edge, which share what the account holds."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.cloudflare.fake import TOKEN, Fake
from tests.lab.cloudflare.state import SUFFIX, State
from tests.lab.edge import certificates
from tests.lab.edge.doors import Address, open_doors
from tests.lab.edge.edge import Edge
from tests.lab.edge.team import Team

# No test takes longer; what somebody forgot ends by itself.
LONGEST_LIFE_S = 3 * 3600


@dataclass(frozen=True)
class Place:
    """A directory that holds everything of one lab."""

    directory: Path

    @property
    def told(self) -> Path:
        """Where to reach what, and the secrets of the tunnels that were there from the start."""
        return self.directory / "lab.json"

    @property
    def calls(self) -> Path:
        return self.directory / "calls.jsonl"

    @property
    def pid(self) -> Path:
        return self.directory / "pid"


def account(seed: dict[str, Any]) -> State:
    """An account that somebody has used already: zone, tunnels by name, records that lead to them or elsewhere."""
    state = State(zone_name=seed.get("zone", "bestviable.com"))
    identifiers = {}
    for tunnel in seed.get("tunnels", []):
        identifiers[tunnel["name"]] = state.add_tunnel(
            tunnel["name"], tunnel.get("source", "local"), tunnel.get("rules")
        )
    for record in seed.get("records", []):
        content = identifiers[record["tunnel"]] + SUFFIX if "tunnel" in record else record["content"]
        state.add_record(record["name"], content, record.get("type", "CNAME"))
    return state


async def run(place: Place, seed: dict[str, Any], connectors: Address, public: Address) -> None:
    """Until somebody ends it."""
    state = account(seed)
    edge = Edge(state, Team(seed.get("team", "bestviable")), seed.get("refused_services", ()))
    context = certificates.make(place.directory, [state.zone_name, f"*.{state.zone_name}"])
    loop = asyncio.get_running_loop()
    with place.calls.open("a") as calls, Fake(state).running() as fake:

        def called(number: int) -> None:
            exchange = fake.log[number - 1]
            said = {"method": exchange.method, "path": exchange.path, "status": exchange.status}
            print(json.dumps(said), file=calls, flush=True)
            loop.call_soon_threadsafe(edge.push_all)

        fake.hook = called
        async with open_doors(edge, connectors, public, context) as (inner, outer):
            tell(place, state, fake.url, inner, outer)
            await asyncio.sleep(LONGEST_LIFE_S)


def tell(place: Place, state: State, api: str, connectors: Address, public: Address) -> None:
    """Written as a whole, when everything listens."""
    tunnels = {
        item["name"]: {
            "id": identifier,
            "token": state.connector_token(identifier),
            "credentials": {
                "AccountTag": state.account,
                "TunnelSecret": item["tunnel_secret"],
                "TunnelID": identifier,
            },
        }
        for identifier, item in state.tunnels.items()
    }
    said = {
        "api": api,
        "api_token": TOKEN,
        "account": state.account,
        "zone": state.zone,
        "connectors": "{}:{}".format(*connectors),
        "public": "{}:{}".format(*public),
        "ca": str(place.directory / "ca.pem"),
        "calls": str(place.calls),
        "tunnels": tunnels,
    }
    new = place.told.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(json.dumps(said, indent=2))
    new.replace(place.told)
