#!/usr/bin/python
# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_migration_info
short_description: Say what is applied to a PostgreSQL database, what is pending, and what somebody changed beside it
version_added: 0.1.0
author:
  - Best Viable (@bestviable)
description:
  - Reads the ledger that M(bestviable.portfolio.postgresql_migration) keeps and the catalog, in one read-only
    transaction that waits for nothing and takes no lock of its own.
  - Compares the ledger with the files, and the catalog with what the last run recorded, and asks the assertions.
  - Roles, memberships and settings of the server are not looked at; for these run
    M(bestviable.portfolio.postgresql_migration) in check mode.
options:
  migrations:
    description: Directory on the control node with the migrations, named V(001_lower_case_name.sql).
    type: raw
    required: true
  access:
    description: Directory on the control node with the access files. Without it, they are not compared.
    type: raw
  assertions:
    description:
      - YAML file on the control node that says what must be true of the database; its probes are not tried.
      - Asked where every migration is applied; before, some of it cannot be true yet.
    type: raw
  schemas:
    description: The managed schemas. Others are not looked at.
    type: list
    elements: str
    default: [erp, agent, private, api_view]
  drift:
    description: What a run does about drift, as in M(bestviable.portfolio.postgresql_migration). Nothing is done here.
    type: str
    choices: [repair, report, fail]
    default: repair
  repair:
    description: Objects that a run puts back although that is somebody's decision.
    type: list
    elements: str
    default: []
  revoke_extra:
    description: Whether a run takes away rights and policies that nobody asked for.
    type: bool
    default: false
  admin_user:
    description: Role that a remedy names where O(login_user) cannot do it. Nobody logs in as it.
    type: str
  psql_command:
    description: How an operator calls C(psql) on the server, for the remedies in RV(drift).
    type: str
  events:
    description: How many of the last events to return.
    type: int
    default: 20
extends_documentation_fragment:
  - bestviable.portfolio.postgres
  - bestviable.portfolio.attributes
attributes:
  check_mode:
    support: full
    details:
      - The module never changes anything.
      - Without psycopg2 on the server, the database counts as one that is not there yet.
  diff_mode:
    support: none
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Ask what is applied, and what somebody changed
  bestviable.portfolio.postgresql_migration_info:
    login_unix_socket: /opt/portfolio/postgres-erp/run
    login_db: portfolio
    login_user: erp_admin
    migrations: "{{ playbook_dir }}/sql/migrations"
    access: "{{ playbook_dir }}/sql/access"
    assertions: "{{ playbook_dir }}/sql/assertions.yml"
  register: schema

- name: Refuse to go on with an old schema
  ansible.builtin.assert:
    that: schema.status == 'current'
    fail_msg: "{{ schema.problem or 'pending: ' ~ schema.pending | join(', ') }}"

- name: Refuse to go on with a schema that somebody changed
  ansible.builtin.assert:
    that: schema.drift | length == 0
    fail_msg: "{{ schema.drift | map(attribute='object') | join(', ') }}"
"""

RETURN = r"""
reachable:
  description: Whether there is a server with this database and this role.
  returned: success
  type: bool
status:
  description:
    - V(current) (every file is applied), V(pending) (the next run applies RV(pending), or runs the access files again),
      V(refused) (the next run refuses, RV(problem) says why) or V(unreachable).
    - It is about the files; what somebody changed in the database is RV(drift).
  returned: success
  type: str
  sample: current
ledger_version:
  description: Last applied version.
  returned: success
  type: str
  sample: "002"
pending:
  description: Versions that are not applied.
  returned: success
  type: list
  elements: str
access_pending:
  description: Whether the access files are not the ones that ran last.
  returned: success
  type: bool
problem:
  description: One sentence with place and remedy, or V(null).
  returned: success
  type: str
history:
  description: Each applied migration, in the order of the versions. Times are UTC.
  returned: success
  type: list
  elements: dict
  sample:
    - version: "001"
      name: erp_schema
      kind: apply
      checksum: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
      statements: 188
      duration_ms: 210
      applied_by: erp_admin
      applied_at: "2026-01-01T00:00:00Z"
      run_id: david@laptop/0b7e
      module_version: 0.1.0
events:
  description: What runs did, the last one first.
  returned: success
  type: list
  elements: dict
  sample: [{kind: apply, object: 002_agent_schema.sql, run_id: david@laptop/0b7e, at: "2026-01-01T00:00:00Z"}]
drift:
  description:
    - What differs from the record of the last run that changed something. Nothing is recorded before the first one.
    - As RV(bestviable.portfolio.postgresql_migration#module:drift), and beside it who puts it right.
    - RV(drift[].effect) is V(change) where the next run does, and V(left) where a person has to, by RV(drift[].remedy).
  returned: success
  type: list
  elements: dict
  contains:
    class:
      description: V(A) a run puts it right, V(B) it is somebody's decision, V(C) it may be about data.
      type: str
    kind:
      description: V(missing), V(extra), V(renamed) or V(changed).
      type: str
    object:
      description: The object, as O(repair) names it.
      type: str
    detail:
      description: What differs.
      type: str
    expected:
      description: The object as recorded; V(null) where it is extra.
      type: str
    actual:
      description: The object as it is; V(null) where it is missing.
      type: str
    sql:
      description: The statements that put it right.
      type: list
      elements: str
    effect:
      description: V(change) or V(left).
      type: str
    remedy:
      description: What a person can do about what is left.
      type: str
  sample:
    - class: B
      kind: extra
      object: index erp.projects some_idx
      detail: extra
      expected:
      actual: "index erp.projects some_idx: CREATE INDEX ..."
      sql: [DROP INDEX erp.some_idx]
      effect: left
      remedy: "run: docker exec postgres-erp psql -U erp_admin -d portfolio -c 'DROP INDEX erp.some_idx'"
assertions:
  description: How many assertions hold, and each that does not; V(null) where they were not asked.
  returned: success
  type: dict
  sample: {passed: 118, failed: [{name: comment, object: erp.people, expected: a comment, actual: none}]}
tables:
  description: How many tables each schema has; a schema without tables is not named.
  returned: success
  type: dict
  sample: {erp: 14, agent: 21, migration: 3}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import info
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.arguments import (
    COMMON,
    ONE_WAY,
    SCHEMA,
    read,
    target_of,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.manager import read_psql
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.packing import FILES
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import (
    PSYCOPG2_ERROR,
    no_driver_sentence,
)

ARGUMENTS = {
    **COMMON,
    **SCHEMA,
    "admin_user": {"type": "str"},
    "psql_command": {"type": "str"},
    "events": {"type": "int", "default": 20},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        supports_check_mode=True,
        **ONE_WAY,
    )
    params = read(module)
    target = target_of(params)
    if PSYCOPG2_ERROR and not module.check_mode:
        module.fail_json(msg=no_driver_sentence())
    if params["events"] < 0:
        module.fail_json(msg="events is less than 0; give how many of the last events to return")
    try:
        work = info.read_work(params, module.warn)
        # They are read, and what Ansible repeats of the call would only carry them back.
        module.params.update(dict.fromkeys(FILES))
        missing = info.Found(problem=no_driver_sentence())
        found = missing if PSYCOPG2_ERROR else info.look(target, work, params["events"])
    except MigrationError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **info.describe(found, work, read_psql(params, target)))


if __name__ == "__main__":
    main()
