# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does what a plan says, one call after the other. What a killed run left undone is done by the next one."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare import (
    model,
    observe,
    plan_access,
    record,
    rules,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare import plan as planning
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.client import Client
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.errors import NOT_FOUND, CloudflareError
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.plan import Action

T = TypeVar("T")
SECRET_BYTES = 32
# Whoever takes our change away twice will not stop.
CONFIGURATION_TRIES = 2


class Apply:
    """`record` is what is on the disk at any moment; `aud` is the application's, once there is one."""

    def __init__(
        self,
        client: Client,
        want: model.Wanted,
        observed: model.Observed,
        held: record.Record,
        path: str,
        now: datetime,
    ) -> None:
        self.client = client
        self.want = want
        self.observed = observed
        self.record = held
        self.path = path
        self.now = now
        self.account = f"/accounts/{observed.account_id}"
        self.zone = f"/zones/{observed.zone_id}"
        self.tunnel_id = observed.tunnels[0].id if observed.tunnels else ""
        self.token_id = observed.service_tokens[0].id if observed.service_tokens else ""
        self.policy_id = observed.policies[0].id if observed.policies else ""
        self.aud = observed.apps[0].aud if observed.apps else ""

    def act(self, action: Action) -> None:
        steps: dict[str, Callable[[Action], None]] = {
            "create_tunnel": self.create_tunnel,
            "recover_credentials": self.recover_credentials,
            "create_service_token": self.create_service_token,
            "rotate_service_token": self.rotate_service_token,
            "create_policy": self.create_policy,
            "update_policy": self.update_policy,
            "create_app": self.create_app,
            "update_app": self.update_app,
            "put_configuration": self.put_configuration,
            "create_record": self.create_record,
            "update_record": self.update_record,
            "delete_record": self.delete_record,
            "delete_app": self.delete_app,
            "delete_policy": self.delete_policy,
            "delete_service_token": self.delete_service_token,
            "delete_tunnel": self.delete_tunnel,
        }
        steps[action.kind](action)

    def remember(self, **changes: Any) -> None:
        new = replace(self.record, **changes)
        if new != self.record:
            record.write(self.path, new)
            self.record = new

    def begin(self) -> None:
        """What is true before the first change: whose account this is, and what of it is ours by its name."""
        names = self.record.hostnames
        if self.want.present and self.want.hostname not in names:
            names = (*names, self.want.hostname)
        ours = [app.id for app in self.observed.apps if app.name == self.want.access_name]
        self.remember(
            zone=self.want.zone,
            zone_id=self.observed.zone_id,
            account_id=self.observed.account_id,
            tunnel_name=self.want.tunnel_name,
            hostnames=names,
            app_id=ours[0] if ours else self.record.app_id,
            policy_id=self.policy_id or self.record.policy_id,
        )

    def settle(self) -> None:
        """What is no longer true after the last one. A record of nothing is no file."""
        gone = {*self.want.former_hostnames, *(() if self.want.present else (self.want.hostname,))}
        names = tuple(name for name in self.record.hostnames if name not in gone)
        # A run that was killed after its DELETE left a record of a tunnel that is gone.
        kept = (self.tunnel_id and (self.record.made or self.record.pending)) or self.record.service_token_id or names
        if self.want.present or kept:
            self.remember(hostnames=names)
        else:
            record.remove(self.path)

    def create_tunnel(self, action: Action) -> None:
        """The secret is on the disk before the call, so that the tunnel can be told as ours after a crash."""
        secret = self.record.tunnel_secret if self.record.pending else random_secret()
        self.remember(tunnel_id="", tunnel_secret=secret, made=False)
        body = {**action.after, "tunnel_secret": secret}
        tunnel, told = self.make("cfd_tunnel", body, model.tunnel, observe.tunnels_of, self.want.tunnel_name)
        if told:
            self.tunnel_id = tunnel.id
            self.remember(tunnel_id=tunnel.id, made=True)
        else:
            planning.source_of(self.want, tunnel)
            self.adopt(tunnel.id)

    def make(
        self,
        what: str,
        body: Mapping[str, Any],
        parse: Callable[[Any], T],
        look: Callable[[Client, str, str], tuple[T, ...]],
        name: str,
    ) -> tuple[T, bool]:
        """What a POST made, and whether it was told. It is never sent again blindly: where its fate is not known, or
        somebody else was faster, the one of that name is looked up.
        """
        try:
            return parse(self.client.send("POST", f"{self.account}/{what}", body)), True
        except CloudflareError as error:
            found = look(self.client, self.observed.account_id, name) if error.ambiguous or error.conflict else ()
            if len(found) != 1:
                raise
            return found[0], False

    def recover_credentials(self, action: Action) -> None:
        self.adopt(action.item)

    def adopt(self, tunnel_id: str) -> None:
        """The secret of a tunnel that exists; it was made by us where the secret is the one that we chose."""
        token = self.client.get(f"{self.account}/cfd_tunnel/{tunnel_id}/token")
        secret = record.secret_of(token, self.observed.account_id, tunnel_id)
        made = self.record.made if self.record.tunnel_id == tunnel_id else self.record.tunnel_secret == secret
        self.tunnel_id = tunnel_id
        self.remember(tunnel_id=tunnel_id, tunnel_secret=secret, made=made)

    def create_service_token(self, action: Action) -> None:
        rotation = self.want.access.rotation if self.want.access else ""
        self.remember(rotating=True, service_token_id="", client_id="", client_secret="", rotation=rotation)
        made, told = self.make(
            "access/service_tokens",
            action.after,
            model.told_token,
            lambda *arguments: tuple(model.ToldToken(found.id) for found in observe.service_tokens_of(*arguments)),
            self.want.access_name,
        )
        self.token_id = made.id
        if told:
            self.keep(made)
        else:
            self.new_secret()

    def rotate_service_token(self, action: Action) -> None:
        """It lives as long again. The secret before it stays good for a while, where we still have it."""
        self.token_id = action.item
        overlap = self.want.access.overlap_hours if self.want.access and self.record.client_secret else 0
        self.remember(rotating=True, service_token_id=self.token_id)
        self.client.send("POST", f"{self.account}/access/service_tokens/{self.token_id}/refresh", {})
        self.new_secret(overlap)

    def new_secret(self, overlap: int = 0) -> None:
        until = (self.now + timedelta(hours=overlap)).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = {"previous_client_secret_expires_at": until} if overlap else {}
        told = self.client.send("POST", f"{self.account}/access/service_tokens/{self.token_id}/rotate", body)
        self.keep(model.told_token(told))

    def keep(self, told: model.ToldToken) -> None:
        """The one moment at which the API tells the secret."""
        self.remember(
            rotating=False,
            service_token_id=self.token_id,
            client_id=told.client_id,
            client_secret=told.client_secret,
            rotation=self.want.access.rotation if self.want.access else "",
        )

    def create_policy(self, action: Action) -> None:
        body = plan_access.policy_body(self.want, self.token_id)
        made, _told = self.make("access/policies", body, model.policy, observe.policies_of, self.want.access_name)
        self.policy_id = made.id
        self.remember(policy_id=made.id)

    def update_policy(self, action: Action) -> None:
        body = plan_access.policy_body(self.want, self.token_id)
        self.client.send("PUT", f"{self.account}/access/policies/{action.item}", body)

    def create_app(self, action: Action) -> None:
        body = plan_access.app_body(None, self.want, self.policy_id)
        made, _told = self.make("access/apps", body, model.app, observe.apps_of, self.want.hostname)
        self.aud = made.aud
        self.remember(app_id=made.id)

    def update_app(self, action: Action) -> None:
        body = plan_access.app_body(self.observed.apps[0], self.want, self.policy_id)
        self.client.send("PUT", f"{self.account}/access/apps/{action.item}", body)
        self.remember(app_id=action.item)

    def put_configuration(self, action: Action) -> None:
        """PUT replaces the whole document, so it is read again just before and just after."""
        path = f"{self.account}/cfd_tunnel/{self.tunnel_id}/configurations"
        tunnel = model.Tunnel(self.tunnel_id, self.want.tunnel_name, model.REMOTE)
        for _attempt in range(CONFIGURATION_TRIES):
            there = observe.configuration(self.client, self.observed.account_id, tunnel)
            ingress = there["config"].get("ingress") or []
            wanted = planning.wanted_rules(ingress, self.want, self.record, self.aud)
            if rules.same(ingress, wanted):
                return
            sent = len(self.client.calls)
            answer = self.client.send("PUT", path, {"config": {**there["config"], "ingress": wanted}})
            if len(self.client.calls) == sent + 1:
                self.check_version(there["version"], answer)
            after = observe.configuration(self.client, self.observed.account_id, tunnel)
            if rules.same(after["config"].get("ingress") or [], wanted):
                return
        raise CloudflareError(
            f"{action.object} is changed by somebody else at the same time; let the other one finish and run again"
        )

    def check_version(self, before: Any, answer: Any) -> None:
        """The version counts up by one; more says that somebody's change between our GET and our PUT is lost."""
        after = answer.get("version") if isinstance(answer, dict) else None
        if isinstance(before, int) and isinstance(after, int) and after > before + 1:
            raise CloudflareError(
                f"The configuration of tunnel {self.want.tunnel_name} was changed by somebody else in the same moment"
                f" (version {before} became {after}); look in the dashboard whether a rule of theirs is missing"
            )

    def create_record(self, action: Action) -> None:
        body = {**self.right_record(), "comment": model.COMMENT}
        try:
            self.client.send("POST", f"{self.zone}/dns_records", body)
        except CloudflareError as error:
            if not error.ambiguous and not error.conflict:
                raise
            found = observe.dns_records(self.client, self.observed.zone_id, self.want.hostname)
            if not any(item.content == body["content"] for item in found):
                raise

    def update_record(self, action: Action) -> None:
        """Comment and tags are not sent, and so stay."""
        self.client.send("PATCH", f"{self.zone}/dns_records/{action.item}", self.right_record())

    def right_record(self) -> dict[str, Any]:
        target = f"{self.tunnel_id}{model.SUFFIX}"
        return {"type": "CNAME", "name": self.want.hostname, "content": target, "proxied": True, "ttl": 1}

    def delete(self, path: str) -> None:
        try:
            self.client.send("DELETE", path)
        except CloudflareError as error:
            if error.status != NOT_FOUND:
                raise

    def delete_record(self, action: Action) -> None:
        self.delete(f"{self.zone}/dns_records/{action.item}")

    def delete_app(self, action: Action) -> None:
        self.delete(f"{self.account}/access/apps/{action.item}")
        self.remember(app_id="")

    def delete_policy(self, action: Action) -> None:
        self.delete(f"{self.account}/access/policies/{action.item}")
        self.remember(policy_id="")

    def delete_service_token(self, action: Action) -> None:
        self.delete(f"{self.account}/access/service_tokens/{action.item}")
        self.remember(service_token_id="", client_id="", client_secret="", rotation="", rotating=False)

    def delete_tunnel(self, action: Action) -> None:
        self.delete(f"{self.account}/cfd_tunnel/{action.item}")
        self.tunnel_id = ""
        self.remember(tunnel_id="", tunnel_secret="", made=False)


def random_secret() -> str:
    return base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
