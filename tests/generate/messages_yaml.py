# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages of roles and playbooks: lists of checks and of problems, `fail_msg`, `ansible.builtin.fail`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from jinja2 import Environment, nodes

from tests.consistency.repository import BLOCKS, ROLES, load, tracked
from tests.generate.messages import Message, is_frame, product, tidy, words

# Values that an operator knows by another name than the variable's.
KNOWN = {"inventory_hostname": "host", "_portfolio_server": "server", "_portfolio_volume": "volume"}
# What does not change what a text says.
TRANSPARENT = {"trim", "string", "first", "to_json"}
DEEPEST = 6


@cache
def role_variables() -> dict[str, Any]:
    return {name: value for role in ROLES for name, value in load(f"roles/{role}/vars/main.yml").items()}


def messages() -> Iterator[Message]:
    for role in ROLES:
        file = f"roles/{role}/vars/main.yml"
        yield from of_checks(file, load(file), role_variables())
    for file in tracked("roles/*/tasks/*.yml"):
        yield from of_tasks(file, load(file) or [], role_variables())
    for file in tracked("playbooks/*.yml"):
        for play in load(file):
            variables = role_variables() | play.get("vars", {})
            yield from of_checks(file, play.get("vars", {}), variables)
            yield from of_problems(file, play.get("vars", {}), variables)
            for section in ("pre_tasks", "tasks", "post_tasks"):
                yield from of_tasks(file, play.get(section, []), variables)


def checks(variables: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """Each entry of the lists of checks, with the list's name."""
    for name, value in variables.items():
        if re.fullmatch(r"_\w+_checks", name):
            for check in value:
                yield name, check


def of_checks(file: str, own: dict[str, Any], variables: dict[str, Any]) -> Iterator[Message]:
    for _list, check in checks(own):
        yield from told(file, f"check {check['name']}", check["message"], variables)


def of_problems(file: str, own: dict[str, Any], variables: dict[str, Any]) -> Iterator[Message]:
    """Sentences that a template gathers in a list."""
    for name, value in own.items():
        if not re.fullmatch(r"_\w+_problems", name):
            continue
        for call in Environment(autoescape=True).parse(value).find_all(nodes.Call):
            if isinstance(call.node, nodes.Getattr) and call.node.attr == "append":
                for text in Texts(variables).of(call.args[0]):
                    yield Message(file, name.strip("_"), tidy(text))


def of_tasks(file: str, tasks: list[dict[str, Any]], variables: dict[str, Any]) -> Iterator[Message]:
    for task in tasks:
        for part in BLOCKS:
            yield from of_tasks(file, task.get(part, []), variables)
        texts = [
            (task.get("ansible.builtin.assert") or {}).get("fail_msg"),
            (task.get("ansible.builtin.fail") or {}).get("msg"),
        ]
        for text in filter(None, texts):
            yield from told(file, task["name"], text, variables | task.get("vars", {}))


def told(file: str, name: str, template: str, variables: dict[str, Any]) -> Iterator[Message]:
    for text in Texts(variables).of_template(template):
        if not is_frame(tidy(text)):
            yield Message(file, name, tidy(text))


class Texts:
    """What a template can say, with <name> for what only a run knows."""

    def __init__(self, variables: dict[str, Any], depth: int = 0) -> None:
        self.variables = variables
        self.depth = depth

    def of_template(self, template: str) -> list[str]:
        outputs = Environment(autoescape=True).parse(template).body
        return product([self.of(node) for output in outputs for node in getattr(output, "nodes", [])])

    def of(self, node: nodes.Node) -> list[str]:
        match node:
            case nodes.TemplateData():
                return [node.data]
            case nodes.Const():
                return [str(node.value)]
            case nodes.Concat():
                return product([self.of(part) for part in node.nodes])
            case nodes.CondExpr():
                return self.of(node.expr1) + (self.of(node.expr2) if node.expr2 else [])
            case nodes.Or():
                return self.of(node.left) + self.of(node.right)
            case nodes.Filter() if node.name in TRANSPARENT and node.node is not None:
                return self.of(node.node)
            case nodes.Filter(name="default") if node.node is not None:
                other = self.of(node.args[0]) if node.args else []
                return self.of(node.node) + [text for text in other if re.search(r"\w \w", words(text))]
            case nodes.Name() | nodes.Getattr() | nodes.Getitem():
                return self.of_value(node)
        return [f"<{name_of(node)}>"]

    def of_value(self, node: nodes.Name | nodes.Getattr | nodes.Getitem) -> list[str]:
        """A variable of ours is what it holds, where that is a text; of a table, each of its entries."""
        found = self.look_up(node)
        entries = list(found.values()) if isinstance(found, dict) else [found]
        if found is None or self.depth > DEEPEST or not all(isinstance(entry, (str, int)) for entry in entries):
            return [f"<{name_of(node)}>"]
        inner = Texts(self.variables, self.depth + 1)
        told = [text for entry in entries for text in inner.of_template(str(entry))]
        return told if any(re.search(r"\w", words(text)) for text in told) else [f"<{name_of(node)}>"]

    def look_up(self, node: nodes.Node) -> Any:
        """The value of a variable, of a key of a table, or the whole table where the key is known in a run only."""
        match node:
            case nodes.Name():
                # An option is what somebody set it to.
                ours = node.name.startswith("_") and node.name not in KNOWN
                return self.variables.get(node.name) if ours else None
            case nodes.Getattr():
                table = self.look_up(node.node)
                return table.get(node.attr) if isinstance(table, dict) else None
            case nodes.Getitem():
                table = self.look_up(node.node)
                if isinstance(table, dict) and isinstance(node.arg, nodes.Const):
                    return table.get(node.arg.value)
                return table if isinstance(table, dict) else None
        return None


def name_of(node: nodes.Node) -> str:
    """The last name in an expression, without the prefix of its role."""
    match node:
        case nodes.Name():
            plain = re.sub(rf"^_(?:{'|'.join(ROLES)})_", "", node.name)
            return KNOWN.get(node.name, plain)
        case nodes.Getattr():
            return node.attr
        case nodes.Getitem():
            return str(node.arg.value) if isinstance(node.arg, nodes.Const) else name_of(node.node)
        case nodes.Filter() if node.node is not None:
            return name_of(node.node)
        case nodes.Call():
            return name_of(node.node)
        case nodes.Or() | nodes.Add():
            return name_of(node.left)
    return "…"
