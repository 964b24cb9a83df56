# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of cloudflared_ingress: look, decide, check, write, report."""

from __future__ import annotations

import re
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.bestviable.portfolio.plugins.module_utils import lease
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared import (
    checks,
    credentials,
    disk,
    document,
    edit,
    masking,
    program,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.document import Document
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.edit import Edit, Wish
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.rules import Refused, wanted_rule


class CloudflaredIngress:
    """The order is the promise: the file is written after everything was checked, as a whole or not at all."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params: dict[str, Any] = module.params

    def run(self) -> NoReturn:
        try:
            lease.renew_from_environment(self.module.check_mode)
            self.converge()
        except (Refused, lease.LeaseError) as error:
            self.fail(f"{str(error).removesuffix('.')}. Nothing was changed.")

    def converge(self) -> NoReturn:
        wish = self.wish()
        path = disk.real_path(self.params["path"])
        found = disk.look(path)
        if found is None and wish.rule is None:
            self.module.exit_json(**self.result(path, None, None))
        if found is None and self.params["initial"] is None:
            raise Refused(f"{path} is not there; correct the path, or give the content of a new file as initial")
        content = found.content if found else self.params["initial"].encode()
        decided = edit.edited(path, document.decoded(path, content), wish)
        self.refuse_other_tunnel(decided.after)
        for warning in decided.warnings:
            self.module.warn(f"{warning}.")
        if found is not None and wish.rule is None and decided.after.text == self.params["initial"]:
            self.remove(path, found, decided)
        result = {**self.result(path, found, decided), **self.diff(path, found, decided)}
        if result["changed"]:
            attributes = self.attributes()
            result["checked_by"] = self.check(found, decided)
            if not self.module.check_mode:
                new = decided.after.text.encode()
                result["backup"] = disk.replace(path, found, new, attributes, self.params["backup_keep"])
                written = disk.look(path)
                result["mtime"] = written.mtime if written else None
        self.module.exit_json(**result)

    def wish(self) -> Wish:
        hostname, service = self.params["hostname"], self.params["service"] or ""
        checks.refuse_hostname(hostname, self.params["zone"])
        if self.params["config_src"] == "cloudflare":
            raise Refused(
                "the tunnel is managed in the dashboard (config_src is cloudflare), so that its config.yml is ignored; "
                "set the mode to remote"
            )
        if self.params["backup_keep"] < 0:
            raise Refused(f"backup_keep is {self.params['backup_keep']}; write 0 where no copies shall be kept")
        present = self.params["state"] == "present"
        if service or present:
            checks.refuse_service(service)
        access = self.params["access"]
        if access and not (re.fullmatch(r"[a-z0-9-]+", access["team_name"]) and access["aud_tags"]):
            raise Refused("access needs a team_name and aud_tags; give the team's name without its domain, and one tag")
        if access and not all(re.fullmatch(r"[0-9a-fA-F]{8,}", tag) for tag in access["aud_tags"]):
            raise Refused("access has aud_tags that are not hexadecimal; copy the application's tag from the API")
        rule = wanted_rule(hostname, service, access) if present else None
        former = [name.lower() for name in self.params["former_hostnames"]]
        return Wish(hostname, rule, service, former, self.params["takeover"])

    def refuse_other_tunnel(self, config: Document) -> None:
        given = self.params["credentials_file"]
        place = credentials.place(config.path, config.settings.get("credentials-file"), given)
        held = disk.look(place) if place else None
        if given and held is None:
            raise Refused(f"{given} is not there; correct credentials_file")
        tunnel = credentials.tunnel_id(place, held.content) if place and held else None
        credentials.refuse_other_tunnel(
            config.path, config.settings.get("tunnel"), place or "", tunnel, self.params["tunnel_id"]
        )

    def check(self, found: disk.Found | None, decided: Edit) -> str | None:
        """By the program itself, where it is there; our own checks have passed already."""
        asked: program.Program | None = None
        if self.params["executable"]:
            asked = program.executable(self.params["executable"])
        elif self.params["image"]:
            asked = program.image(self.params["image"])
            if asked is None:
                self.module.warn(
                    f"The image {self.params['image']} is not on this server, so only our own rules checked "
                    f"{decided.after.path}; bring it there to have cloudflared check the file too."
                )
        if asked is None:
            return None
        before = found.content if found else None
        new = decided.after.text.encode()
        hostname = self.params["hostname"]
        program.refuse_what_it_refuses(asked, decided.after.path, before, new, decided.after.rules, hostname)
        return asked.name

    def remove(self, path: str, found: disk.Found, decided: Edit) -> NoReturn:
        """Only what we made ourselves is left in the file."""
        if not self.module.check_mode:
            disk.remove(path, found)
        result = self.result(path, found, decided)
        effect = {"effect": "change", "object": path, "detail": "removed, as only our own part was left"}
        diff = {"before": decided.before.shown, "after": "", "before_header": path, "after_header": f"{path} (absent)"}
        self.module.exit_json(
            **{**result, "changed": True, "mtime": None, "effects": [*result["effects"], effect]},
            diff=diff,
        )

    def attributes(self) -> disk.Attributes:
        return disk.attributes(self.params["owner"], self.params["group"], self.params["mode"])

    def left(self, decided: Edit) -> list[dict[str, str]]:
        """Rules that seem to be ours from before: somebody has to say that they may go."""
        remedy = "add it to former_hostnames to have it removed"
        found = []
        for name in decided.leftovers:
            self.module.warn(f"{decided.before.path} still has a rule of ours for {name}; {remedy}.")
            left = {"effect": "left", "object": decided.before.path, "detail": f"rule of ours for {name}"}
            found.append({**left, "remedy": remedy})
        return found

    def result(self, path: str, found: disk.Found | None, decided: Edit | None) -> dict[str, Any]:
        changed = decided is not None and (found is None or decided.changed)
        effects: list[dict[str, str]] = []
        if decided and found is None:
            effects = [{"effect": "change", "object": path, "detail": "missing"}]
        elif decided:
            effects = [{"effect": "change", "object": path, "detail": detail} for detail in decided.details]
        effects += self.left(decided) if decided else []
        settings = decided.after.settings if decided else {}
        return {
            "changed": changed,
            "path": path,
            "effects": effects,
            "tunnel": settings.get("tunnel"),
            "credentials_file": settings.get("credentials-file"),
            "rules": masking.shown_values(decided.after.rules) if decided else [],
            "mtime": None if changed or found is None else found.mtime,
            "backup": None,
            "checked_by": None,
        }

    def diff(self, path: str, found: disk.Found | None, decided: Edit) -> dict[str, Any]:
        if found is not None and not decided.changed:
            return {}
        before = decided.before.shown if found else ""
        absent = path if found else f"{path} (absent)"
        after = decided.after.shown
        return {"diff": {"before": before, "after": after, "before_header": absent, "after_header": path}}

    def fail(self, message: str) -> NoReturn:
        self.module.fail_json(msg=message)
