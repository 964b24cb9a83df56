#!/usr/bin/python
# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_migration
short_description: Apply SQL migrations, roles, grants and assertions to a PostgreSQL database
version_added: 0.1.0
author:
  - Best Viable (@bestviable)
description:
  - Applies numbered SQL files to a database, each once, all that are pending and their ledger rows in one transaction.
  - Runs the files of O(access) (grants, policies, views) again whenever they changed, a migration was applied, or what
    they are responsible for differs in the database.
  - Checks O(assertions) over one snapshot of the catalog in the same transaction; one that fails takes everything back.
  - With O(admin_user), keeps roles, memberships, the database and passwords first. What somebody added to them is
    taken away; what was given to roles that are not in V(roles.yml) is named and left.
  - A run that finds nothing to do reads the database in one transaction and writes nothing.
options:
  migrations:
    description:
      - Directory on the control node with the migrations, named V(001_lower_case_name.sql) and numbered without a gap.
      - The module's action plugin reads the files as bytes and hands them to the server.
    type: raw
    required: true
  access:
    description:
      - Directory on the control node with V(roles.yml) and V(*.sql) files that can run again at any time.
    type: raw
  assertions:
    description:
      - YAML file on the control node that says what must be true of the database. An unknown key is an error.
      - Under C(assert) stand C(tables), C(every_table), C(none), C(objects), C(sql) and C(probe). All are asked, and
        all that fail are told.
    type: raw
  expected:
    description:
      - JSON file on the control node with the catalog as the release makes it from these migrations and access files,
        on one major version of PostgreSQL. C(make expected) writes it.
      - Where the record of the database differs from it although the files are the same, the objects are named once and
        are not called drift; where the database itself is as the release makes it, the record is made anew.
      - Rights of roles that are not in V(roles.yml), schema V(public) and the database itself are not compared.
    type: raw
  probe:
    description:
      - Try the behaviour tests under C(probe) of O(assertions) as well, after everything else. Each runs the statements
        of its C(do) and compares the rows of its C(query) with C(expect), or wants the last statement to fail with the
        SQLSTATE C(error).
      - Each is undone before the next one, so that no row and no setting is left; identity values may be used up.
      - They run as O(login_user). What other roles may do is asked in C(sql), with C(has_table_privilege) and its like.
    type: bool
    default: false
  schemas:
    description: The managed schemas. Others are not looked at.
    type: list
    elements: str
    default: [erp, agent, private, api_view]
  admin_user:
    description:
      - Role that makes roles and the database; it needs CREATEROLE and CREATEDB, not superuser. Without it, the one
        that O(login_uri) names.
      - Without one roles and database must exist, and V(roles.yml) is not used.
    type: str
  admin_password:
    description: Password of O(admin_user), where it needs one.
    type: str
  maintenance_db:
    description:
      - Database in which O(admin_user) works and in which passwords of O(logins) are tried.
      - Without it, the one that O(login_uri) names, or V(postgres).
    type: str
  logins:
    description:
      - Roles whose password is kept. It is tried by logging in over the same address, and set only when that fails.
      - Only a SCRAM-SHA-256 verifier, computed here, is sent to the server.
      - With the one of O(login_user) it logs in itself over TCP, where neither O(login_password) nor O(passfile) is
        given.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The role; it must be in V(roles.yml) or one of O(services).
        type: str
        required: true
      password_file:
        description: File on the server that holds the password and nothing else.
        type: path
        required: true
  services:
    description:
      - Logins beside those of V(roles.yml), one for each service that speaks SQL, kept like them.
      - One that is not in the list any more can no longer log in and is a member of nothing; it is not dropped, and
        keeps what it owns. It is known by its comment.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The login.
        type: str
        required: true
      roles:
        description:
          - Roles of V(roles.yml) whose rights it has. One that goes by the claims of a token (C(by_token)) is refused,
            because a login could claim anything.
        type: list
        elements: str
        required: true
      connection_limit:
        description: Connections that it may have at once.
        type: int
        required: true
  system_settings:
    description:
      - What becomes of settings that somebody made beside the server's files, with C(ALTER SYSTEM), with
        C(ALTER ROLE ALL), or for O(admin_user) itself.
      - V(reset) takes them away and has the configuration read again; V(report) names them; V(ignore) does not look.
      - They are only seen where O(admin_user) is a superuser, so on a managed server nothing is said or done.
    type: str
    choices: [reset, report, ignore]
    default: report
  admin_has_password:
    description:
      - Set it to V(false) where O(admin_user) comes in over the socket only. A password that somebody gave it is then
        taken away.
      - Only a superuser may ask whether it has one; the password and its verifier are not read.
    type: bool
    default: true
  psql_command:
    description:
      - How an operator calls C(psql) on the server, for the remedies of what is left to a person; for example
        V(docker exec postgres-erp psql). User, database and statement are added.
      - Without it, C(psql) with the address at which the module works.
    type: str
  accept:
    description:
      - Edited migrations that are to be recorded as they are now, without running them, by version and SHA-256.
      - The message of the refusal names the sum.
    type: dict
    default: {}
  drift:
    description:
      - What becomes of objects that somebody changed beside the migrations.
      - V(repair) puts right what loses nothing and locks shortly (class A) - indexes that are not unique, triggers,
        functions, defaults, comments, storage parameters, missing rights, foreign keys and checks, names of indexes,
        constraints and triggers. It names what is somebody's decision (class B) - extra or loosened parts of tables,
        extra rights, a nullable column, a wider type - and repairs it when it stands in O(repair). It refuses to go on
        where data may be gone or are somebody else's (class C) - tables and columns that are missing, extra or renamed.
      - V(report) names everything and repairs nothing, apart from what the O(access) files decide.
      - V(fail) refuses to go on with any difference.
    type: str
    choices: [repair, report, fail]
    default: repair
  repair:
    description:
      - Objects of class B that are to be put back, as RV(drift[].object) names them.
      - Rows that stand in the way are counted and left; nothing is deleted. A name that does not differ is fine.
      - What belongs to somebody else is taken back by O(admin_user), which has to be a superuser for that.
    type: list
    elements: str
    default: []
  revoke_extra:
    description: Take away rights and policies that nobody asked for, whoever has them.
    type: bool
    default: false
  online_above:
    description:
      - Megabytes of a table above which an index is built, or a constraint checked, while writers go on working.
      - That cannot be part of a transaction, so it comes last and alone; what an interrupted run leaves is found and
        finished by the next.
    type: int
    default: 32
  baseline:
    description:
      - Version up to which the migrations count as applied where the schemas hold objects and their ledger was lost.
      - It is followed only when all objects are as O(expected) describes them. Ledger rows of kind V(baseline) are
        written, and nothing is run; the access files put right what no dump of the schemas carries.
      - In an empty database, and where there is a ledger, it means nothing.
    type: str
  transaction:
    description:
      - V(run) is one transaction for all pending files; where one of them fails, nothing was changed.
      - V(file) is one for each; what was applied before the failing one stays. O(access) and O(assertions) come last.
      - "A file that begins with the comment C(-- migrate: no-transaction) is in none. It holds one statement that can
        be repeated: C(CREATE INDEX CONCURRENTLY), C(DROP INDEX CONCURRENTLY IF EXISTS), or C(ALTER TYPE) with C(ADD
        VALUE IF NOT EXISTS). What comes before it is committed first; an index that an interrupted run left is built
        again."
    type: str
    choices: [run, file]
    default: run
  revoked_tokens:
    description:
      - Tokens that the data API refuses, the list of record; C(private.revoked_tokens) is kept as its copy, after
        everything else and in a transaction of its own.
      - What has expired is removed from the copy; what only the copy refuses stays and is named. Without the option
        the copy is not looked at.
    type: list
    elements: dict
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
  lock_wait:
    description:
      - Seconds to wait for another run on the same database, and for other transactions where an index is built
        concurrently.
    type: int
    default: 30
  lock_timeout:
    description: Seconds that a statement waits for a table. Check mode never waits longer than one.
    type: int
    default: 3
  statement_timeout:
    description: Seconds that one statement may take.
    type: int
    default: 300
  server_major:
    description: The major version of PostgreSQL that the migrations are written for.
    type: int
    default: 15
extends_documentation_fragment:
  - bestviable.portfolio.postgres
  - bestviable.portfolio.attributes
attributes:
  check_mode:
    support: full
    details:
      - Everything is really applied in the transaction, asserted, and rolled back; identity values may be used up.
      - From the first pending file without a transaction on, files are listed and not tried, and nothing is asserted.
      - Roles are left as they are. Where one differs, the assertions that are written in SQL are not asked or tried.
      - Where the server, O(ca_cert), the database or a role is not there yet, the result says what the first run
        applies, and RV(reachable) is false. The same is said where the owner cannot log in until O(admin_user) has put
        that right; then of the roles and the database only.
  diff_mode:
    support: full
    details: One sorted line per changed object of the catalog, per role and per recorded file. Never a row or a secret.
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Bring roles, schema, grants and assertions up to date
  bestviable.portfolio.postgresql_migration:
    login_unix_socket: /opt/portfolio/postgres-erp/run
    login_db: portfolio
    login_user: erp_admin
    admin_user: postgres
    migrations: "{{ playbook_dir }}/sql/migrations"
    access: "{{ playbook_dir }}/sql/access"
    assertions: "{{ playbook_dir }}/sql/assertions.yml"
    expected: "{{ playbook_dir }}/sql/expected/15.json"
    logins:
      - name: portfolio_authenticator
        password_file: /opt/portfolio/postgres-erp/secrets/portfolio_authenticator

- name: Record an edited comment of the first migration without running it
  bestviable.portfolio.postgresql_migration:
    login_host: db.example.com
    login_db: portfolio
    login_user: erp_admin
    login_password: "{{ vaulted_password }}"
    ssl_mode: verify-full
    migrations: "{{ playbook_dir }}/sql/migrations"
    accept:
      "001": 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
"""

RETURN = r"""
reachable:
  description: Whether the schema could be looked at; false only in check mode.
  returned: success
  type: bool
applied:
  description: Migrations of this run (in check mode applied and rolled back).
  returned: success
  type: list
  elements: dict
  sample: [{version: "001", name: erp_schema, statements: 188, ms: 210}]
pending:
  description: Versions that are not applied when the module ends.
  returned: success
  type: list
  elements: str
effects:
  description:
    - What the run did, or in check mode would do, and what it names and leaves to a person; the same list in both.
    - RV(effects[].effect) is V(change), V(reload) (the configuration is read again) or V(left). What is V(left) does
      not make the result changed, has a RV(effects[].remedy), and is told as a warning as well.
    - After a failure it holds what was done before it, and what was found.
  returned: always
  type: list
  elements: dict
  contains:
    effect:
      description: What happens to the object.
      type: str
    object:
      description: A role, a database, a password, a setting, a file, or an object of the catalog.
      type: str
    detail:
      description: What differs. Never a password or the text of a setting.
      type: str
    remedy:
      description: What to do about something that is left.
      type: str
  sample:
    - {effect: change, object: role erp_reader, detail: BYPASSRLS}
    - effect: left
      object: role eve
      detail: SUPERUSER, and it is not in roles.yml
      remedy: "run: docker exec postgres-erp psql -U postgres -d portfolio -c 'ALTER ROLE \"eve\" NOSUPERUSER'"
pending_restart:
  description:
    - Settings that only a restart of the server brings into force, once the run is over.
    - Empty without O(admin_user).
  returned: success
  type: list
  elements: str
  sample: [max_connections]
access:
  description: Whether the access files ran and are part of the change.
  returned: when reachable
  type: bool
admin:
  description: Roles, databases, passwords and settings that were brought up to date.
  returned: when reachable
  type: list
  elements: str
drift:
  description:
    - What differed from the record when the run began, one entry for each object and class.
    - RV(drift[].sql) is what puts it right; nothing where that is no matter of a statement.
  returned: when reachable and not failed
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
  sample:
    - class: A
      kind: missing
      object: index erp.tasks tasks_project_id_idx
      detail: missing
      expected: "index erp.tasks tasks_project_id_idx: CREATE INDEX ..."
      actual:
      sql: [CREATE INDEX tasks_project_id_idx ON erp.tasks USING btree (project_id)]
repaired:
  description: Objects of RV(drift) that no longer differ when the run ends.
  returned: when reachable and not failed
  type: list
  elements: str
assertions:
  description: How many assertions and probes hold, and each that does not.
  returned: when reachable, and when assertions fail
  type: dict
  sample: {passed: 25, failed: [{name: primary_key, object: erp.people, expected: a primary key, actual: none}]}
fingerprint:
  description: SHA-256 of the catalog as recorded, before and after this run.
  returned: when reachable
  type: dict
ledger_version:
  description: Last applied version.
  returned: when reachable
  type: str
waited_ms:
  description: Milliseconds spent waiting for another run.
  returned: when reachable
  type: int
attempts:
  description: How often the transaction was tried.
  returned: when reachable
  type: int
timings:
  description: Milliseconds by step.
  returned: when reachable
  type: dict
error:
  description:
    - Place and cause of a failure.
    - C(objects) in it names what stands against O(baseline), all of it.
  returned: failure
  type: dict
  sample: {file: 002_agent_schema.sql, line: 118, column: 31, sqlstate: "42704"}
left:
  description:
    - What a failed run left behind, V(unchanged), V(roles) (roles and database were brought up to date), V(partly)
      (everything but the index of a large table, or RV(applied) where not all is one transaction), or V(unknown) (the
      connection was lost in COMMIT and the server did not come back; the next run sees what counts).
  returned: failure
  type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.bestviable.portfolio.plugins.module_utils.lease import LeaseError, renew_from_environment
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import revocations
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.arguments import (
    COMMON,
    ONE_WAY,
    SCHEMA,
    read,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.manager import Manager
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.packing import FILES
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import (
    PSYCOPG2_ERROR,
    no_driver_sentence,
)

ARGUMENTS = {
    **COMMON,
    **SCHEMA,
    "probe": {"type": "bool", "default": False},
    "admin_user": {"type": "str"},
    "admin_password": {"type": "str", "no_log": True},
    "maintenance_db": {"type": "str"},
    "logins": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "password_file": {"type": "path", "required": True, "no_log": False},
        },
    },
    "services": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "roles": {"type": "list", "elements": "str", "required": True},
            "connection_limit": {"type": "int", "required": True},
        },
    },
    "system_settings": {"type": "str", "choices": ["reset", "report", "ignore"], "default": "report"},
    "admin_has_password": {"type": "bool", "default": True, "no_log": False},
    "psql_command": {"type": "str"},
    "accept": {"type": "dict", "default": {}},
    "online_above": {"type": "int", "default": 32},
    "expected": {"type": "raw"},
    "baseline": {"type": "str"},
    "transaction": {"type": "str", "choices": ["run", "file"], "default": "run"},
    "revoked_tokens": {**revocations.OPTION, "no_log": False},
    "lock_wait": {"type": "int", "default": 30},
    "lock_timeout": {"type": "int", "default": 3},
    "statement_timeout": {"type": "int", "default": 300},
    "server_major": {"type": "int", "default": 15},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        supports_check_mode=True,
        **ONE_WAY,
    )
    manager = Manager(read(module), module.check_mode, module.warn, lambda: renew_from_environment(module.check_mode))
    try:
        manager.read()
        # They are read, and what Ansible repeats of the call would only carry them back.
        module.params.update(dict.fromkeys(FILES))
        if PSYCOPG2_ERROR and not module.check_mode:
            module.fail_json(msg=no_driver_sentence())
        result: dict[str, Any] = manager.predict() if PSYCOPG2_ERROR else manager.run()
    except (MigrationError, LeaseError) as error:
        module.fail_json(**manager.failure(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
