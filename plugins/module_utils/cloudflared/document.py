# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A config.yml as text with the places of its rules: read by a YAML parser, never written by one. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared import checks
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.layout import (
    YAML_ERROR,
    Region,
    regions_of,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.masking import (
    HIDDEN,
    SECRET_SETTING,
    shown,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.rules import Refused, Rule, rules_for

if YAML_ERROR is None:
    import yaml

MARK = "managed by bestviable.portfolio"
LARGEST_FILE = 1 << 18
MOST_NODES = 100_000
BYTE_ORDER_MARK = "\ufeff"
NULL, BOOL, MERGE = "tag:yaml.org,2002:null", "tag:yaml.org,2002:bool", "tag:yaml.org,2002:merge"
TRUE = ("yes", "true", "on")

Frozen = tuple[Any, ...]


@dataclass(frozen=True)
class Document:
    path: str
    text: str
    settings: dict[str, str]
    rules: list[Rule]
    regions: list[Region]
    frozen: Frozen
    frozen_rules: Frozen
    # What `originRequest` says for all rules.
    defaults: Any = None
    secret_spans: list[tuple[int, int]] = field(default_factory=list)

    def is_marked(self, index: int) -> bool:
        region = self.regions[index]
        lines = self.text[region.start : region.end].splitlines()
        return any(MARK in line.partition("#")[2] for line in lines)

    @property
    def shown(self) -> str:
        """The text for a diff, also without the settings that may be secret."""
        text = self.text
        for start, end in sorted(self.secret_spans, reverse=True):
            text = text[:start] + HIDDEN + text[end:]
        return shown(text)


def decoded(path: str, content: bytes) -> str:
    if len(content) > LARGEST_FILE:
        raise Refused(f"{path} has {len(content)} bytes, which no configuration needs; correct the path")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise Refused(f"{path} is not UTF-8 (byte {error.start + 1}); save it as UTF-8") from error


def parse(path: str, text: str) -> Document:
    """Refuses what cloudflared would refuse as YAML, and what cannot be edited byte by byte."""
    if BYTE_ORDER_MARK in text[1:]:
        line = text.count("\n", 0, text.index(BYTE_ORDER_MARK, 1)) + 1
        raise Refused(f"{path} has a byte order mark in line {line}, which cloudflared does not see; remove it")
    root = _root(path, text)
    budget = [MOST_NODES]
    frozen = _freeze(path, root, budget, frozenset())
    _refuse_double_keys(path, root)
    key, value = _ingress(path, root)
    regions = list(regions_of(path, text, key, value))
    rules = [_data(item) for item in value.value]
    for number, rule in enumerate(rules, start=1):
        problem = checks.shape_problem(number, rule)
        if problem:
            raise Refused(f"{path}: {problem}")
    settings = {
        name.value: setting.value
        for name, setting in root.value
        if isinstance(name, yaml.ScalarNode) and isinstance(setting, yaml.ScalarNode)
    }
    return Document(
        path,
        text,
        settings,
        rules,
        regions,
        _without_ingress(frozen, key.value),
        tuple(_freeze(path, item, budget, frozenset()) for item in value.value),
        next((_data(setting) for name, setting in root.value if name.value == "originRequest"), None),
        _secret_spans(root),
    )


def _root(path: str, text: str) -> yaml.MappingNode:
    try:
        documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        if "duplicate anchor" in str(error.context):
            raise Refused(
                f"{path} defines an anchor twice (line {line}), which cloudflared takes and the parser here does not; "
                "give one of them another name"
            ) from error
        raise Refused(
            f"{path} is not valid YAML (line {line}: {error.problem or error.context}); correct it"
        ) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise Refused(f"{path} is not valid YAML (line {line}: {error.reason}); correct it") from error
    except (ValueError, OverflowError, RecursionError) as error:
        raise Refused(f"{path} is not valid YAML (too deep, or with an impossible escape); correct it") from error
    if len(documents) > 1:
        raise Refused(
            f"{path} holds {len(documents)} YAML documents, of which cloudflared reads the first only; "
            "move the others to files of their own"
        )
    if not documents or documents[0].tag == NULL:
        raise Refused(f"{path} is empty; write tunnel, credentials-file and ingress into it")
    if not isinstance(documents[0], yaml.MappingNode):
        raise Refused(f"{path} is not a mapping of settings; write tunnel, credentials-file and ingress into it")
    return documents[0]


def _ingress(path: str, root: yaml.MappingNode) -> tuple[yaml.ScalarNode, yaml.SequenceNode]:
    for key, value in root.value:
        if key.value == "ingress" and value.tag != NULL:
            if value.start_mark.index < key.end_mark.index:
                raise Refused(f"{path} has an alias for 'ingress'; write the rules themselves there as a block list")
            if not isinstance(value, yaml.SequenceNode):
                raise Refused(f"{path} has an 'ingress' that is no list; write a dash before each rule")
            if value.flow_style:
                raise Refused(f"{path} writes 'ingress' in flow style; write it as a block list first")
            return key, value
    raise Refused(
        f"{path} has no 'ingress', the list of rules; "
        "add one with a rule that catches all, such as - service: http_status:404"
    )


def _refuse_double_keys(path: str, root: yaml.Node) -> None:
    """cloudflared's parser compares keys as they are written; PyYAML lets the last one win."""
    for node in _walk(root):
        seen: set[str] = set()
        for key in [pair[0] for pair in node.value] if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode) and key.tag != MERGE:
                if key.value in seen:
                    raise Refused(
                        f"{path} has the key '{key.value}' twice (line {key.start_mark.line + 1}), with which "
                        "cloudflared does not start; remove one"
                    )
                seen.add(key.value)


def _walk(root: yaml.Node) -> Iterator[yaml.Node]:
    seen, queue = set[int](), [root]
    while queue:
        node = queue.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            if isinstance(node, yaml.SequenceNode):
                queue += node.value
            elif isinstance(node, yaml.MappingNode):
                queue += [child for pair in node.value for child in pair]


def _freeze(path: str, node: yaml.Node, budget: list[int], above: frozenset[int]) -> Frozen:
    """A value that can be compared, aliases followed: everything that the text means."""
    budget[0] -= 1
    if id(node) in above:
        raise Refused(f"{path} has an anchor that contains itself (line {node.start_mark.line + 1}); remove its alias")
    if budget[0] < 0:
        raise Refused(f"{path} has aliases that grow to more than {MOST_NODES} values; write them out")
    inside = above | {id(node)}
    if isinstance(node, yaml.SequenceNode):
        return (node.tag, tuple(_freeze(path, item, budget, inside) for item in node.value))
    if isinstance(node, yaml.MappingNode):
        pairs = (
            (_freeze(path, key, budget, inside), _freeze(path, value, budget, inside)) for key, value in node.value
        )
        return (node.tag, tuple(pairs))
    return (node.tag, node.value)


def _without_ingress(frozen: Frozen, key: str) -> Frozen:
    return (frozen[0], tuple(pair for pair in frozen[1] if pair[0][1] != key))


def _data(node: yaml.Node) -> Any:
    """What a node holds, as cloudflared reads it into its own types: every scalar that is neither null nor bool
    is its text."""
    if isinstance(node, yaml.SequenceNode):
        return [_data(item) for item in node.value]
    if isinstance(node, yaml.MappingNode):
        return _mapping(node)
    if node.tag == NULL:
        return None
    return node.value.lower() in TRUE if node.tag == BOOL else node.value


def _mapping(node: yaml.MappingNode) -> dict[str, Any]:
    """With what `<<` brings in: the mapping's own keys first, then the first source that has one."""
    found: dict[str, Any] = {}
    sources: list[yaml.Node] = []
    for key, value in node.value:
        if key.tag == MERGE:
            sources += value.value if isinstance(value, yaml.SequenceNode) else [value]
        elif isinstance(key, yaml.ScalarNode):
            found[key.value] = _data(value)
    for source in sources:
        if isinstance(source, yaml.MappingNode):
            found = {**_mapping(source), **found}
    return found


def _secret_spans(root: yaml.MappingNode) -> list[tuple[int, int]]:
    return sorted(
        {
            (value.start_mark.index, value.end_mark.index)
            for key, value in root.value
            if isinstance(key, yaml.ScalarNode)
            and SECRET_SETTING.search(key.value)
            and not key.value.endswith("-file")
            and value.end_mark.index > value.start_mark.index
        }
    )


def spliced(document: Document, order: Sequence[int | None], hostname: str, wanted: Rule | None) -> str:
    """The text with the rules in the new order. Every byte that is not ours stays as it is."""
    present = rules_for(document.rules, hostname)
    edits = [
        (document.regions[index].start, document.regions[index].end, "")
        for index in range(len(document.rules))
        if index not in order
    ]
    if wanted is not None and None in order:
        place = order.index(None)
        following = order[place + 1]
        if following is None:
            raise ValueError("ours is written twice")
        stays = [index for index in present if _between(index, order, place)]
        region = document.regions[stays[0] if len(stays) == len(present) == 1 else following]
        lines = _rule_text(wanted, region, _newline(document.text, region.start))
        at = (region.start, region.end) if region is not document.regions[following] else (region.above, region.above)
        edits = [edit for edit in edits if edit[:2] != at] + [(*at, lines)]
    text = document.text
    for start, end, replacement in sorted(edits, reverse=True):
        text = text[:start] + replacement + text[end:]
    return text


def _between(index: int, order: Sequence[int | None], place: int) -> bool:
    """Whether a rule stood between the neighbours that ours shall have."""
    before = [item for item in order[:place] if item is not None]
    after = [item for item in order[place + 1 :] if item is not None]
    return all(item < index for item in before) and all(item > index for item in after)


def _newline(text: str, index: int) -> str:
    return "\r\n" if text[max(index - 2, 0) : index] == "\r\n" else "\n"


def _rule_text(rule: Rule, region: Region, newline: str) -> str:
    inner = region.indentation + " " + " " * len(region.gap)
    lines = [
        f"{region.indentation}-{region.gap}hostname: {rule['hostname']}  # {MARK}",
        f"{inner}service: {rule['service']}",
    ]
    access = rule.get("originRequest", {}).get("access")
    if access:
        tags = ", ".join(f'"{tag}"' for tag in access["audTag"])
        lines += [
            f"{inner}originRequest:",
            f"{inner}  access:",
            f"{inner}    required: true",
            f'{inner}    teamName: "{access["teamName"]}"',
            f"{inner}    audTag: [{tags}]",
        ]
    return "".join(line + newline for line in lines)
