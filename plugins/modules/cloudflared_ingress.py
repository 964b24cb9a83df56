#!/usr/bin/python
# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts one rule into the configuration of a tunnel that may serve other applications."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudflared_ingress
short_description: Route one hostname in the config.yml of a locally managed Cloudflare tunnel
version_added: 0.1.0
description:
  - Puts one rule into the list C(ingress) of cloudflared's configuration, or takes it out, and leaves every other byte
    of the file as it is, comments and layout included. O(state=absent) restores the file as it was before.
  - The rule stands above the first one that would take its requests, a wildcard or the last rule.
  - What cloudflared would refuse is refused before anything is written. Where cloudflared itself is on the server, it
    checks the new file too, and must route every name as before.
  - The file is replaced as a whole, after a copy of the old one, with its owner, mode, ACL and label kept. cloudflared
    reads it at its start only, and a container must mount its directory; mounted alone, a file that is replaced is
    not seen. Restarting is up to the caller, who can compare RV(mtime) with the start of the process.
  - A tunnel that is managed in the dashboard ignores this file.
options:
  path:
    description: Full path of the configuration. A link is followed.
    type: path
    required: true
  hostname:
    description: The public name, in lower case. It identifies the rule; the comment behind it does not.
    type: str
    required: true
  service:
    description:
      - Where its requests go, such as V(http://traefik:80), without a path.
      - Required for O(state=present). With V(absent) it says which rule without our comment is ours.
    type: str
  access:
    description: Let cloudflared itself refuse requests that did not pass Cloudflare Access.
    type: dict
    suboptions:
      team_name:
        description: The part of the team's domain before C(.cloudflareaccess.com).
        type: str
        required: true
      aud_tags:
        description: Tags of the applications that may have let the request in.
        type: list
        elements: str
        required: true
  state:
    description: Whether the rule shall be there.
    type: str
    choices: [present, absent]
    default: present
  former_hostnames:
    description: Names that were ours before; their rules are taken out.
    type: list
    elements: str
    default: []
  takeover:
    description: Replace or remove a rule for O(hostname) that somebody else made.
    type: bool
    default: false
  zone:
    description: Refuse a O(hostname) that is not in this zone.
    type: str
  tunnel_id:
    description: The id of the tunnel as the API knows it. Refuse a configuration that runs another one.
    type: str
  config_src:
    description: Who manages the tunnel's rules, as the API says it. V(cloudflare) is refused.
    type: str
    choices: [local, cloudflare]
  credentials_file:
    description:
      - Full path of the tunnel's credentials on the server. Only the id in it is read, and compared.
      - If not set, the path in the configuration, or a file of that name beside it.
    type: path
  initial:
    description:
      - What a new file holds, a whole configuration without our rule. Without it, a file that is not there is refused.
      - With O(state=absent), a file that holds nothing else is removed, with the copies beside it.
    type: str
  owner:
    description: Owner of a new file, a name or a number.
    type: str
    default: root
  group:
    description: Group of a new file, a name or a number.
    type: str
    default: root
  mode:
    description: Mode of a new file, an octal number in quotes.
    type: str
    default: '0644'
  executable:
    description: Full path of a cloudflared on the server, which checks the new file.
    type: path
  image:
    description:
      - An image of cloudflared, which checks the new file in a container without network and privileges.
      - Nothing is pulled; where it is not on the server, a warning says so.
    type: str
  backup_keep:
    description: How many copies to keep beside the file. V(0) makes none.
    type: int
    default: 5
extends_documentation_fragment:
  - bestviable.portfolio.attributes
attributes:
  check_mode:
    support: full
    details: [cloudflared checks the new file as well; it is shown a copy of it.]
  diff_mode:
    support: full
    details: [Tokens, and passwords in addresses, are not shown.]
  idempotent:
    support: full
author:
  - Best Viable (@bestviable)
"""

EXAMPLES = r"""
- name: Route the public name to the proxy
  bestviable.portfolio.cloudflared_ingress:
    path: /etc/cloudflared/config.yml
    hostname: erp-db.example.com
    service: http://traefik:80
    image: cloudflare/cloudflared:2026.8.2
  register: route

- name: Route only what passed Cloudflare Access
  bestviable.portfolio.cloudflared_ingress:
    path: /etc/cloudflared/config.yml
    hostname: erp-db.example.com
    service: http://traefik:80
    access:
      team_name: bestviable
      aud_tags: [4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2]

- name: Route it no longer
  bestviable.portfolio.cloudflared_ingress:
    path: /etc/cloudflared/config.yml
    hostname: erp-db.example.com
    state: absent
"""

RETURN = r"""
path:
  description: The file itself, where O(path) is a link.
  returned: success
  type: str
  sample: /etc/cloudflared/config.yml
tunnel:
  description: The tunnel that the configuration names, by its id or name; V(null) where it names none.
  returned: success
  type: str
  sample: 6ff42ae2-765d-4adf-8112-31c55c1551ef
credentials_file:
  description: The path of the credentials that the configuration names.
  returned: success
  type: str
  sample: /etc/cloudflared/credentials.json
rules:
  description: All rules, in their order, as they are or would be.
  returned: success
  type: list
  elements: dict
  sample:
    - {hostname: erp-db.example.com, service: 'http://traefik:80'}
    - {service: 'http_status:404'}
mtime:
  description: When the file was written, in seconds since 1970; V(null) for what check mode only predicts.
  returned: success
  type: float
  sample: 1767225600.5
backup:
  description: The copy of the old file; V(null) where none was made.
  returned: success
  type: str
  sample: /etc/cloudflared/config.yml.20260101T120000.000000Z.bak
checked_by:
  description: The cloudflared that checked the new file; V(null) where our own rules did alone.
  returned: success
  type: str
  sample: cloudflare/cloudflared:2026.8.2
effects:
  description:
    - Each change, and each rule of a former hostname as V(left), as M(bestviable.portfolio.effect) describes them.
  returned: success
  type: list
  elements: dict
  sample:
    - {effect: change, object: /etc/cloudflared/config.yml, detail: rule for erp-db.example.com added above rule 3}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.layout import YAML_ERROR
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.manager import CloudflaredIngress

ACCESS: dict[str, dict[str, Any]] = {
    "team_name": {"type": "str", "required": True},
    "aud_tags": {"type": "list", "elements": "str", "required": True},
}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "path": {"type": "path", "required": True},
    "hostname": {"type": "str", "required": True},
    "service": {"type": "str"},
    "access": {"type": "dict", "options": ACCESS},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "former_hostnames": {"type": "list", "elements": "str", "default": []},
    "takeover": {"type": "bool", "default": False},
    "zone": {"type": "str"},
    "tunnel_id": {"type": "str"},
    "config_src": {"type": "str", "choices": ["local", "cloudflare"]},
    "credentials_file": {"type": "path", "no_log": False},
    "initial": {"type": "str"},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    "mode": {"type": "str", "default": "0644"},
    "executable": {"type": "path"},
    "image": {"type": "str"},
    "backup_keep": {"type": "int", "default": 5},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        mutually_exclusive=[("executable", "image")],
        required_if=[("state", "present", ["service"])],
        supports_check_mode=True,
    )
    if YAML_ERROR and module.check_mode:
        path = module.params["path"]
        module.warn(f"What happens to {path} is not known while python3-yaml is missing; run site.yml first.")
        module.exit_json(changed=True)
    if YAML_ERROR:
        module.fail_json(msg=missing_required_lib("PyYAML"), exception=YAML_ERROR)
    CloudflaredIngress(module).run()


if __name__ == "__main__":
    main()
