# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of cloudflare_tunnel: read the options, observe, plan, apply, report."""

from __future__ import annotations

import os
import stat
import urllib.parse
from datetime import datetime, timezone
from typing import NoReturn

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare import model, record, report
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.apply import Apply
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.client import Client
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.errors import CloudflareError
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.observe import observe
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.plan import Plan, plan
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.plan_access import access_steps

TOKEN_VARIABLE = "CLOUDFLARE_API_TOKEN"  # noqa: S105 - its name
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class CloudflareTunnel:
    """The order is the promise: nothing is changed before everything was read and judged."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.done = 0
        self.client: Client | None = None

    def run(self) -> NoReturn:
        try:
            self.converge()
        except CloudflareError as error:
            self.fail(str(error))

    def converge(self) -> NoReturn:
        params = self.module.params
        want = model.wanted(params)
        found = model.problems(want) + url_problems(params["api_url"], params["api_timeout"])
        if found:
            raise CloudflareError(found[0])
        token = api_token(params["api_token"], params["api_token_file"])
        self.module.no_log_values.add(token)
        held = record.read(params["record_file"])
        self.module.no_log_values |= held.secrets
        now = datetime.now(timezone.utc)
        self.client = client = Client(params["api_url"], token, params["api_timeout"])
        observed = observe(client, want, held, now)
        planned = plan(observed, want, held, now, access_steps(observed, want, held, now))
        job = Apply(client, want, observed, held, params["record_file"], now)
        if not self.module.check_mode:
            self.apply(job, planned)
        self.answer(planned, job)

    def apply(self, job: Apply, planned: Plan) -> None:
        if not planned.actions and not job.want.present:
            job.settle()
            return
        job.begin()
        for action in planned.actions:
            try:
                job.act(action)
            except CloudflareError:
                if self.done:
                    total = len(planned.actions)
                    self.module.warn(f"{self.done} of {total} changes of {job.want.hostname} were made; run again")
                raise
            finally:
                self.module.no_log_values |= job.record.secrets
            self.done += 1
        job.settle()

    def answer(self, planned: Plan, job: Apply) -> NoReturn:
        for item in planned.left:
            self.module.warn(f"{item.object}: {item.detail}; {item.remedy}")
        made = not self.module.check_mode
        tunnel_id = job.tunnel_id if made else planned.tunnel_id
        self.module.exit_json(
            changed=bool(planned.actions),
            actions=report.kinds(planned.actions),
            effects=report.effects(planned),
            diff=report.diff(planned),
            mode={source: mode for mode, source in model.MODES.items()}[planned.source],
            tunnel_id=tunnel_id or None,
            cname=f"{tunnel_id}{model.SUFFIX}" if tunnel_id else None,
            access_aud=job.aud or None,
            connections=sum(tunnel.connections for tunnel in job.observed.tunnels),
            calls=job.client.calls,
        )

    def fail(self, sentence: str) -> NoReturn:
        changed = self.client is not None and self.client.touched
        calls = self.client.calls if self.client else []
        self.module.fail_json(
            msg=sentence if changed else f"{sentence}. Nothing was changed.", changed=changed, calls=calls
        )


def url_problems(api_url: str, timeout: int) -> list[str]:
    try:
        parts = urllib.parse.urlsplit(api_url)
    except ValueError:
        return [f"api_url {api_url!r} is no address; write it like https://api.cloudflare.com/client/v4"]
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return [f"api_url {api_url!r} would carry the API token unencrypted; write it with https"]
    if timeout < 1:
        return [f"api_timeout is {timeout}; set it to the seconds to wait for an answer, 1 at least"]
    return []


def api_token(given: str | None, path: str | None) -> str:
    """The token, without the newline that an editor leaves in its file."""
    token = (given or (token_of(path) if path else os.environ.get(TOKEN_VARIABLE, ""))).strip()
    if not token:
        raise CloudflareError(f"There is no API token; set api_token, api_token_file or {TOKEN_VARIABLE}")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise CloudflareError("api_token holds characters that no API token has; copy it from the dashboard again")
    return token


def token_of(path: str) -> str:
    try:
        mode = os.stat(path).st_mode
        with open(path, encoding="utf-8") as file:
            token = file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise CloudflareError(f"api_token_file {path} cannot be read ({reason}); correct its name or owner") from error
    if stat.S_IMODE(mode) & 0o077:
        raise CloudflareError(f"api_token_file {path} can be read by others; run: chmod 600 {path}")
    return token
