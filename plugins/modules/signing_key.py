#!/usr/bin/python
# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the action plugin of this name does the work on the control node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: signing_key
short_description: One step in the rotation of the key that signs tokens
version_added: 0.1.0
description:
  - Runs on the control node, where the key stays, and moves its files. Each step is done as a whole or not at all, and
    one that was done is not done again, so that a rotation that was killed goes on where it was.
  - What the API accepts follows from the files (P(bestviable.portfolio.signing_keys#lookup)); between the steps the
    playbook lets it read them and proves that it has.
options:
  path:
    description: File of the key that signs. The others lie beside it, with the word of their state before the suffix.
    type: str
    required: true
  step:
    description:
      - V(prepare) makes the key that comes next, V(switch) lets it sign and keeps the one before as the old key,
        V(retire) takes the old key from those that are accepted, V(end) removes it.
    type: str
    choices: [prepare, switch, retire, end]
    required: true
  register:
    description: Register of tokens, which V(retire) asks for tokens that would end and have no successor.
    type: str
  confirmed:
    description: Whether they may end.
    type: bool
    default: false
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
- name: Make the key that comes next
  bestviable.portfolio.signing_key:
    path: inventories/droplet/.token_signing_key.pem
    step: prepare
"""

RETURN = r"""
effects:
  description: What was changed.
  returned: success
  type: list
  elements: dict
  sample: [{effect: change, object: .token_signing_key.next.pem, detail: "missing, made on the control node"}]
"""
