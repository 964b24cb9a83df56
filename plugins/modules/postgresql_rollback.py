#!/usr/bin/python
# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_rollback
short_description: Drop the schemas of migrations after a backup of the database, or put the rows of one back
version_added: 0.1.0
author:
  - Best Viable (@bestviable)
description:
  - Writes a backup of the whole database, reads it again to its end, and drops O(schemas) with the rows of the ledger
    that M(bestviable.portfolio.postgresql_migration) keeps. The ledger's history stays and gets an event.
  - One transaction holds a lock on every table of O(schemas) from before the backup until they are gone, so that no row
    is acknowledged that is not in the backup. Reading goes on meanwhile; who writes waits and then fails.
  - With O(restore), puts the rows of such a backup into the tables that the migrations made again.
options:
  schemas:
    description: The schemas that go, in this order, each before those that it leans on.
    type: list
    elements: str
    default: [api_view, agent, erp]
  directory:
    description: Directory on the server for the backups. It is made, for root alone, where it is missing.
    type: path
    required: true
  restore:
    description:
      - A backup on the server, or its name in O(directory), whose rows of O(schemas) are put back.
      - Every table must be there and hold no row.
    type: str
  client:
    description:
      - The words before C(pg_dump), C(pg_restore) and C(psql) that run them where the server has them, such as in its
        container.
    type: list
    elements: str
    default: []
  admin_user:
    description:
      - Superuser as which these programs log in over the server's socket. Without it V(postgres).
      - Not used over TCP, where they log in as O(login_user); the backup is of O(schemas) and the ledger then.
    type: str
  lock_wait:
    description: Seconds to wait for another run on the same database.
    type: int
    default: 30
  lock_timeout:
    description: Seconds to wait for a table that somebody works in.
    type: int
    default: 10
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
    details: Nothing is written and no lock of a writer is waited for; room for the backup and O(restore) are judged.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details: Schemas that are gone are left gone. Rows are never put back a second time, which is refused.
"""

EXAMPLES = r"""
- name: Drop the schemas, with a backup
  bestviable.portfolio.postgresql_rollback:
    login_unix_socket: /opt/portfolio/postgres-erp/run
    login_db: portfolio
    login_user: erp_admin
    directory: /opt/portfolio/postgres-erp/backups
    client: [docker, exec, -i, postgres-erp]
  register: rollback

- name: Put the rows back, once the tables are there again
  bestviable.portfolio.postgresql_rollback:
    login_unix_socket: /opt/portfolio/postgres-erp/run
    login_db: portfolio
    login_user: erp_admin
    directory: /opt/portfolio/postgres-erp/backups
    client: [docker, exec, -i, postgres-erp]
    restore: "{{ rollback.backup }}"
"""

RETURN = r"""
schemas:
  description: The schemas that were there.
  returned: success
  type: list
  elements: str
  sample: [api_view, agent, erp]
tables:
  description: How many tables with rows went, or came back.
  returned: success
  type: int
  sample: 35
versions:
  description: The migrations that were applied.
  returned: success
  type: list
  elements: str
  sample: ["001", "002"]
backup:
  description: The file that was written or restored; V(null) in check mode and where nothing was to be rolled back.
  returned: success
  type: str
  sample: /opt/portfolio/postgres-erp/backups/portfolio-20260101T120000Z-0b7e1c2d.dump
effects:
  description: What is changed, in words.
  returned: success
  type: list
  elements: dict
  sample: [{effect: change, object: schema erp, detail: "dropped, 14 tables"}]
"""

import os
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.bestviable.portfolio.plugins.module_utils.lease import (
    RUN_VARIABLE,
    LeaseError,
    renew_from_environment,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import restore, rollback
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.arguments import (
    CONNECTION,
    ONE_WAY,
    read,
    target_of,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.backup import Client, address_of
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.rollback import Order
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import (
    PSYCOPG2_ERROR,
    DatabaseError,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.settings import Settings

ARGUMENTS: dict[str, dict[str, Any]] = {
    **CONNECTION,
    "schemas": {"type": "list", "elements": "str", "default": ["api_view", "agent", "erp"]},
    "directory": {"type": "path", "required": True},
    "restore": {"type": "str"},
    "client": {"type": "list", "elements": "str", "default": []},
    "admin_user": {"type": "str"},
    "lock_wait": {"type": "int", "default": 30},
    "lock_timeout": {"type": "int", "default": 10},
    "server_major": {"type": "int", "default": 15},
}
# What one statement may take; the longest is the drop.
STATEMENT_TIMEOUT = 300


def client_of(module: AnsibleModule, params: Mapping[str, Any], alive: Callable[[], None]) -> Client:
    target = target_of(params)
    # It goes with the module's own directory, whatever becomes of the run.
    address = None if params["login_unix_socket"] else address_of(target, Path(module.tmpdir) / "passfile")
    return Client(tuple(params["client"]), params["admin_user"] or "postgres", target.database, alive, address)


def order_of(module: AnsibleModule) -> Order:
    params = read(module)

    def changing() -> None:
        renew_from_environment(module.check_mode)

    return Order(
        target=target_of(params),
        settings=Settings(params["lock_timeout"] * 1000, STATEMENT_TIMEOUT * 1000),
        schemas=params["schemas"],
        server_major=params["server_major"],
        lock_wait=params["lock_wait"],
        client=client_of(module, params, changing),
        directory=Path(params["directory"]),
        run_id=f"{os.environ.get(RUN_VARIABLE) or 'run'}/{uuid.uuid4()}",
        changing=changing,
    )


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        supports_check_mode=True,
        **ONE_WAY,
    )
    if PSYCOPG2_ERROR:
        module.fail_json(msg=missing_required_lib("psycopg2"), exception=PSYCOPG2_ERROR)
    order, wanted = order_of(module), module.params["restore"]
    try:
        if wanted:
            result = restore.run(order, order.directory / wanted, module.check_mode)
        else:
            result = rollback.run(order, module.check_mode)
    except DatabaseError as error:
        module.fail_json(msg=f"database {order.target.database}: {error}; nothing was changed; run again")
    except (MigrationError, LeaseError) as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        place = error.filename or order.directory
        module.fail_json(msg=f"{place}: {error.strerror}; nothing was changed; correct that and run again")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
