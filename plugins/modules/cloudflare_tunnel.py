#!/usr/bin/python
# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Publishes one name through a Cloudflare tunnel, beside whatever else the tunnel and the zone hold."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudflare_tunnel
short_description: Publish one name through a Cloudflare tunnel, beside what is there already
version_added: 0.1.0
description:
  - Makes the tunnel, what Access needs, the rule where the tunnel takes its rules from the dashboard, and the DNS
    record, in this order, so that nothing is published before it is protected.
  - Runs on the control node and speaks with Cloudflare's API. Everything is read and judged before anything is
    changed.
  - What is not ours stays as it is. A record, rule or application of somebody else is refused, and changed only where
    an option says so.
  - A run that was killed, or whose call was never answered, is made good by the next one. No call that makes something
    is sent twice; what became of it is looked up.
  - A run that finds nothing to do sends three GETs, one more for a tunnel with rules in the dashboard and two more
    with O(access); the first run also asks for the zone.
options:
  hostname:
    description: The public name, in lower-case letters.
    type: str
    required: true
  state:
    description:
      - V(absent) removes the record where it points to the tunnel, the rule, what of Access this module made, and the
        tunnel where this module made it and nothing else is published by it.
    type: str
    choices: [present, absent]
    default: present
  zone:
    description: The zone of O(hostname); without it the last two labels.
    type: str
  zone_id:
    description: The zone's id. With it and O(account_id) the token needs no permission to read zones.
    type: str
  account_id:
    description: The id of the account that the zone belongs to.
    type: str
  tunnel_name:
    description: Name of the tunnel. One that exists is used as it is.
    type: str
    default: portfolio
  service:
    description: Where the connectors find the service. Scheme, host and port; no path.
    type: str
    default: http://traefik:80
  mode:
    description:
      - Where the tunnel's rules are. V(local) is a file beside its connectors, V(remote) is the dashboard.
      - V(auto) asks the tunnel, and makes a new one V(local). A tunnel of the other kind is refused.
    type: str
    choices: [auto, local, remote]
    default: auto
  record_file:
    description:
      - File on the control node that keeps the secrets which the API tells once, and what was made by this module. It
        is written with mode V(0600), each time as a whole.
      - It holds C(account_id), C(tunnel_id) and C(tunnel_secret), the credentials of the connectors, and with
        O(access) also C(client_id) and C(client_secret).
      - Keep a copy. Without it the tunnel's credentials are asked for again, but the tunnel and Access are no longer
        known as ours.
    type: path
    required: true
  manage_dns:
    description: Whether the DNS record is looked at and made.
    type: bool
    default: true
  dns_takeover:
    description: Change a CNAME of this name that points somewhere else. Records of other types are never changed.
    type: bool
    default: false
  takeover:
    description: Change a rule or an application of this name that somebody else made.
    type: bool
    default: false
  recreate:
    description: Make the tunnel again when somebody deleted it.
    type: bool
    default: false
  former_hostnames:
    description: Names that were published before, whose record and rule are removed.
    type: list
    elements: str
    default: []
  access:
    description:
      - Demand a service token of Cloudflare Access for the name.
      - When it is switched off, what this module made of it is removed. With a tunnel whose rules are V(local), take
        the check out of the rule on the server first.
    type: bool
    default: false
  access_team:
    description: The team's name, the first part of C(TEAM.cloudflareaccess.com).
    type: str
  access_duration:
    description: How long a service token lives, in hours.
    type: str
    default: 8760h
  access_rotation:
    description:
      - Any word. Another one than in the last run makes a new secret for the service token, which then lives as long
        again.
    type: str
    default: ''
  access_rotation_overlap:
    description: For how many hours the secret before stays good after a rotation.
    type: int
    default: 24
  api_token:
    description:
      - The API token. Without it O(api_token_file) is read, then the environment variable C(CLOUDFLARE_API_TOKEN).
    type: str
  api_token_file:
    description: File on the control node with the API token, readable by its owner only.
    type: path
  api_url:
    description: Where the API is. Without it, the environment variable C(CLOUDFLARE_BASE_URL) is asked.
    type: str
    default: https://api.cloudflare.com/client/v4
  api_timeout:
    description: Seconds to wait for one answer.
    type: int
    default: 30
extends_documentation_fragment:
  - bestviable.portfolio.attributes
attributes:
  check_mode:
    support: full
    details: [Only GETs are sent, and no file is written.]
  diff_mode:
    support: full
    details: [Secrets are never shown. Of other rules only name and service are.]
  idempotent:
    support: full
author:
  - Best Viable (@bestviable)
"""

EXAMPLES = r"""
- name: Publish the data API
  bestviable.portfolio.cloudflare_tunnel:
    hostname: erp-db.example.com
    record_file: inventories/droplet/.cloudflare.json
    api_token: "{{ vault_cloudflare_api_token }}"
  delegate_to: localhost

- name: Publish it for holders of a service token only, and renew its secret
  bestviable.portfolio.cloudflare_tunnel:
    hostname: erp-db.example.com
    access: true
    access_team: example
    access_rotation: 2026-07
    record_file: inventories/droplet/.cloudflare.json
    api_token_file: inventories/droplet/.cloudflare_api_token
  delegate_to: localhost

- name: Take it away again
  bestviable.portfolio.cloudflare_tunnel:
    hostname: erp-db.example.com
    state: absent
    record_file: inventories/droplet/.cloudflare.json
  delegate_to: localhost
  environment:
    CLOUDFLARE_API_TOKEN: "{{ vault_cloudflare_api_token }}"
  no_log: true
"""

RETURN = r"""
actions:
  description: What was done, or would be, in its order.
  returned: success
  type: list
  elements: str
  sample: [create_tunnel, create_record]
effects:
  description: Each change, and what is left to a person as V(left), as M(bestviable.portfolio.effect) describes them.
  returned: success
  type: list
  elements: dict
  sample: [{effect: change, object: DNS record erp-db.example.com, detail: missing}]
mode:
  description: Where the tunnel's rules are, V(local) or V(remote).
  returned: success
  type: str
tunnel_id:
  description: The tunnel's id; V(null) where check mode would make it.
  returned: success
  type: str
cname:
  description: What the name's CNAME record points to; V(null) as above.
  returned: success
  type: str
access_aud:
  description:
    - The audience that the connectors must demand; V(null) without O(access), or where check mode would make it.
  returned: success
  type: str
connections:
  description: How many connections connectors had to the tunnel when it was looked at.
  returned: success
  type: int
calls:
  description: The calls that were sent.
  returned: always
  type: list
  elements: str
  sample: [GET /user/tokens/verify, GET /zones]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.parameters import env_fallback
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.manager import CloudflareTunnel

ARGUMENTS: dict[str, dict[str, Any]] = {
    "hostname": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "zone": {"type": "str"},
    "zone_id": {"type": "str"},
    "account_id": {"type": "str"},
    "tunnel_name": {"type": "str", "default": "portfolio"},
    "service": {"type": "str", "default": "http://traefik:80"},
    "mode": {"type": "str", "choices": ["auto", "local", "remote"], "default": "auto"},
    "record_file": {"type": "path", "required": True},
    "manage_dns": {"type": "bool", "default": True},
    "dns_takeover": {"type": "bool", "default": False},
    "takeover": {"type": "bool", "default": False},
    "recreate": {"type": "bool", "default": False},
    "former_hostnames": {"type": "list", "elements": "str", "default": []},
    "access": {"type": "bool", "default": False},
    "access_team": {"type": "str"},
    "access_duration": {"type": "str", "default": "8760h"},
    "access_rotation": {"type": "str", "default": ""},
    "access_rotation_overlap": {"type": "int", "default": 24},
    # Without a fallback to the environment here: a file that is given stands before it.
    "api_token": {"type": "str", "no_log": True},
    "api_token_file": {"type": "path", "no_log": False},
    "api_url": {
        "type": "str",
        "default": "https://api.cloudflare.com/client/v4",
        "fallback": (env_fallback, ["CLOUDFLARE_BASE_URL"]),
    },
    "api_timeout": {"type": "int", "default": 30},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    CloudflareTunnel(module).run()


if __name__ == "__main__":
    main()
