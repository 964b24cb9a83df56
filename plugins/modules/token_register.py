#!/usr/bin/python
# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the action plugin of this name does the work on the control node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: token_register
short_description: Refuse tokens in the register on the control node
version_added: 0.1.0
description:
  - Runs on the control node. The register is the list of record of what the data API refuses; it is brought into the
    database by M(bestviable.portfolio.revoked_tokens), and by each run of the site playbook.
  - The file is replaced as a whole or not at all, by one run at a time. It never holds a token.
options:
  path:
    description: The register's file.
    type: str
    required: true
  jti:
    description:
      - Ids of tokens to refuse. One that was not handed out from here is refused as long as any token may live.
    type: list
    elements: str
    default: []
  sub:
    description: Refuse all live tokens of this subject that were handed out from here.
    type: str
    default: ''
  kid:
    description: Refuse all live tokens of this key that were handed out from here.
    type: str
    default: ''
extends_documentation_fragment:
  - bestviable.portfolio.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
author:
  - Best Viable (@bestviable)
"""

EXAMPLES = r"""
- name: Refuse a token that was lost
  bestviable.portfolio.token_register:
    path: "{{ portfolio_token_register }}"
    jti: [6d25f3e3-881d-4d37-9479-150c6e5300c7]
"""

RETURN = r"""
revoked:
  description:
    - All that the register refuses, as M(bestviable.portfolio.revoked_tokens) takes it; in check mode as it would be.
  returned: success
  type: list
  elements: dict
named:
  description: The ids of the tokens that were asked for and are refused.
  returned: success
  type: list
  elements: str
effects:
  description: What was changed.
  returned: success
  type: list
  elements: dict
  sample: [{effect: change, object: inventories/droplet/.token_register.json, detail: refuses one more token}]
"""
