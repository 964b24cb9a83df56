# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles write for Traefik, rendered without a run of Ansible."""

from __future__ import annotations

import json
from typing import Any

import yaml
from ansible.plugins.filter.core import regex_replace
from ansible_collections.bestviable.portfolio.plugins.filter.traefik_entry_point import traefik_entry_point
from jinja2 import Environment, StrictUndefined, meta
from jinja2.nativetypes import NativeEnvironment

from tests.consistency.repository import defaults, load, read

# What the roles' variables refer to and only a run knows.
GIVEN: dict[str, Any] = {
    "_portfolio_image_source": "build",
    "inventory_dir": "/inventory",
    "_portfolio_server": {"traefiks": []},
    "_portfolio_connector_addresses": [],
}
NATIVE = NativeEnvironment(undefined=StrictUndefined)
TEXT = Environment(trim_blocks=True, undefined=StrictUndefined, autoescape=False)  # noqa: S701 - YAML, not HTML
FILTERS = {
    "to_json": json.dumps,
    "regex_replace": regex_replace,
    "bestviable.portfolio.traefik_entry_point": traefik_entry_point,
}
NATIVE.filters |= FILTERS
TEXT.filters |= FILTERS


def variables() -> dict[str, Any]:
    names: dict[str, Any] = {}
    for role in ("portfolio", "postgrest_erp", "traefik"):
        names |= defaults(role) | load(f"roles/{role}/vars/main.yml")
    return names | GIVEN


def context(source: str, names: dict[str, Any]) -> dict[str, Any]:
    """The variables that a template refers to, templated themselves, as Ansible does it when they are read."""
    return {
        name: resolve(names[name], names) for name in meta.find_undeclared_variables(TEXT.parse(source)) & set(names)
    }


def resolve(value: Any, names: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: resolve(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, names) for item in value]
    if isinstance(value, str) and "{{" in value:
        return NATIVE.from_string(value).render(context(value, names))
    return value


def render(template: str, **more: Any) -> Any:
    source = read(f"roles/{template}")
    return yaml.safe_load(TEXT.from_string(source).render(context(source, variables() | more)))


def doors(name: str, **more: Any) -> Any:
    names = variables() | more
    return resolve(names[name], names)
