#!/usr/bin/python
# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: revoked_tokens
short_description: Keep the database's copy of the list of refused tokens
version_added: 0.1.0
author:
  - Best Viable (@bestviable)
description:
  - Brings C(private.revoked_tokens) to what the list of record says; the data API asks it with every request.
  - What the list names and is missing is put there, what has expired is removed. What is refused there and not in the
    list stays and is named.
  - M(bestviable.portfolio.postgresql_migration) does the same with its option C(revoked_tokens); this module does
    nothing else, so it takes no lease and waits for no run.
options:
  tokens:
    description: The list of record, as P(bestviable.portfolio.revoked_tokens#lookup) reads it.
    type: list
    elements: dict
    required: true
    suboptions:
      jti:
        description: The token's id.
        type: str
        required: true
      revoked_at:
        description: When it was revoked, in seconds since 1970.
        type: int
        required: true
      expires_at:
        description: When it would expire anyway, in seconds since 1970.
        type: int
        required: true
      reason:
        description: Why, in words.
        type: str
        required: true
extends_documentation_fragment:
  - bestviable.portfolio.postgres
  - bestviable.portfolio.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Refuse what the register refuses
  bestviable.portfolio.revoked_tokens:
    login_unix_socket: /opt/portfolio/postgres-erp/run
    login_db: portfolio
    login_user: erp_admin
    tokens: "{{ query('bestviable.portfolio.revoked_tokens', portfolio_token_register) }}"
"""

RETURN = r"""
effects:
  description: What was changed, and what is refused in the database only.
  returned: success
  type: list
  elements: dict
  sample: [{effect: change, object: revoked token 6d25f3e3, detail: missing in the database}]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import revocations
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.arguments import (
    CONNECTION,
    ONE_WAY,
    read,
    target_of,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import (
    PSYCOPG2_ERROR,
    no_driver_sentence,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.settings import Settings

ARGUMENTS: dict[str, dict[str, Any]] = {
    **CONNECTION,
    "tokens": {**revocations.OPTION, "required": True, "no_log": False},
}
# Milliseconds that a statement waits for the table, and that it may take.
SETTINGS = Settings(3000, 30000)


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        supports_check_mode=True,
        **ONE_WAY,
    )
    if PSYCOPG2_ERROR:
        module.fail_json(msg=no_driver_sentence())
    record = revocations.wanted(module.params["tokens"])
    try:
        done = revocations.run(target_of(read(module)), SETTINGS, record, module.check_mode)
    except MigrationError as error:
        module.fail_json(msg=str(error))
    for effect in done.left:
        module.warn(effect.sentence)
    module.exit_json(changed=done.changes, effects=[effect.as_dict() for effect in done.effects()])


if __name__ == "__main__":
    main()
