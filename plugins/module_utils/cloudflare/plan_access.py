# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Access needs: service token, then policy, then application; the other way round when it goes. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.errors import CloudflareError
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.model import (
    Access,
    App,
    Observed,
    Policy,
    ServiceToken,
    Wanted,
    day,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.plan import NEW, Action, Left, Step
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.record import Record

EXPIRY_WARNING = timedelta(days=30)
# Set by the API; the rest of an application is sent back as it came.
READ_ONLY = {"id", "aud", "created_at", "updated_at", "uid"}


def access_steps(observed: Observed, want: Wanted, record: Record, now: datetime) -> Step:
    if want.access is None:
        yield from removal(want, record)
        return
    token = single(observed.service_tokens, "service token", want)
    yield from token_steps(token, want.access, want, record)
    if token and token.expires and token.expires - now < EXPIRY_WARNING:
        remedy = "set access_rotation to another word"
        yield Left(f"service token {token.name}", f"expires on {day(token.expires)}", remedy)
    policy = single(observed.policies, "policy", want)
    right = policy_body(want, token.id if token else NEW)
    yield from policy_steps(policy, right, want)
    yield from app_steps(single(observed.apps, "application", want), policy, want)


def single(found: tuple[Any, ...], what: str, want: Wanted) -> Any:
    if len(found) > 1:
        ids = ", ".join(item.id for item in found)
        raise CloudflareError(
            f"Access has {len(found)} of {what} {want.access_name} ({ids}); delete all but one in the dashboard"
        )
    return found[0] if found else None


def token_steps(token: ServiceToken | None, access: Access, want: Wanted, record: Record) -> Step:
    name = f"service token {want.access_name}"
    if token is None:
        yield Action(
            "create_service_token", name, "missing", {}, {"name": want.access_name, "duration": access.duration}
        )
        return
    asked = bool(access.rotation) and access.rotation != record.rotation
    known = record.service_token_id == token.id and bool(record.client_secret)
    if record.rotating:
        yield Action("rotate_service_token", name, "an interrupted run lost its secret", item=token.id)
    elif asked:
        yield Action("rotate_service_token", name, f"rotation {access.rotation} is asked for", item=token.id)
    elif not known:
        raise CloudflareError(
            f"The secret of the {name} is not in record_file, and the API tells it once only;"
            " restore that file, or set access_rotation to another word to have a new secret"
        )


def policy_body(want: Wanted, token_id: str) -> dict[str, Any]:
    include = [{"service_token": {"token_id": token_id}}]
    return {"name": want.access_name, "decision": "non_identity", "include": include}


def policy_steps(policy: Policy | None, right: dict[str, Any], want: Wanted) -> Step:
    name = f"policy {want.access_name}"
    if policy is None:
        yield Action("create_policy", name, "missing", {}, right)
        return
    found = {"name": policy.name, "decision": policy.decision, "include": policy.include}
    if found != right:
        detail = "it lets in somebody else than the service token alone"
        yield Action("update_policy", name, detail, found, right, item=policy.id)


def app_body(app: App | None, want: Wanted, policy_id: str) -> dict[str, Any]:
    """What was set beside ours in the dashboard is kept, its policies too."""
    kept = {key: value for key, value in app.document.items() if key not in READ_ONLY} if app else {}
    policies = [policy.id for policy in app.policies] if app else []
    return {
        "session_duration": "24h",
        **kept,
        "type": "self_hosted",
        "domain": want.hostname,
        "name": want.access_name,
        "app_launcher_visible": False,
        "service_auth_401_redirect": True,
        "policies": policies if policy_id in policies else [*policies, policy_id],
    }


def app_steps(app: App | None, policy: Policy | None, want: Wanted) -> Step:
    name = f"application {want.hostname}"
    right = app_body(app, want, policy.id if policy else NEW)
    if app is None:
        yield Action("create_app", name, "missing", {}, right)
        return
    if app.name != want.access_name and not want.takeover:
        raise CloudflareError(
            f"Access has an application {app.name!r} for {want.hostname} that is not ours;"
            " remove it in the dashboard, or set takeover to have it changed"
        )
    found = {key: app.document.get(key) for key in right}
    found["policies"] = [entry.id for entry in app.policies]
    wrong = sorted(key for key in right if found[key] != right[key])
    if wrong:
        before, after = ({key: side[key] for key in wrong} for side in (found, right))
        yield Action("update_app", name, f"{', '.join(wrong)} differ", before, after, item=app.id)
    for other in app.policies:
        if other.name != want.access_name:
            detail = f"has the policy {other.name!r} ({other.decision}) beside ours"
            yield Left(name, detail, "remove it in the dashboard if nobody meant it")


def removal(want: Wanted, record: Record) -> Step:
    """Only what this module made and remembers; the application first, so that nothing is closed by half."""
    for kind, what, identifier in (
        ("delete_app", f"application {want.hostname}", record.app_id),
        ("delete_policy", f"policy {want.access_name}", record.policy_id),
        ("delete_service_token", f"service token {want.access_name}", record.service_token_id),
    ):
        if identifier:
            yield Action(kind, what, "not wanted", {"id": identifier}, {}, item=identifier)
