# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the catalogue of messages finds in sources, and how it reads a sentence."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from tests.generate.messages import Message, is_frame, product
from tests.generate.messages_python import Reader
from tests.generate.messages_yaml import Texts, of_checks, of_problems, of_tasks

HELPERS = """
def read(path, big):
    size = "too large" if big else "too small"
    raise Refused(f"{path.name} is {size}; {_remedy(big)}")

def _remedy(error) -> str:
    return {"1": "cut it"}.get(error, "fill it")

def _wrong(where, what) -> MigrationError:
    return MigrationError(f"{where} {what}; correct it")

def parse(name):
    raise _wrong(f"objects.{name}", "must be a mapping")

def item_problems(item):
    if item:
        return [f"{item.path} is listed twice; keep one"]
    return []

def verb(call):
    say("still at work")
    if call:
        say(f"verb: {call.host} failed; try again")
        return 1
    say("verb: done")
    return 0

def hand_on(error):
    raise Refused(f"verb: {error}")
"""


def test_python_tells_its_sentences() -> None:
    found = [message.text for message in Reader("cli/x.py", ast.parse(HELPERS)).read()]
    assert found == [
        "<path> is too large; cut it",
        "<path> is too small; cut it",
        "<path> is too large; fill it",
        "objects.<name> must be a mapping; correct it",
        "<path> is listed twice; keep one",
        "verb: <host> failed; try again",
    ]


def test_yaml_tells_its_sentences() -> None:
    variables = {
        "_r_names": {"database": "postgres-erp"},
        "_r_remedies": {"401": "the token is old; renew it", "other": "it is ill; wait"},
        "_r_file": "{{ portfolio_directory }}/x.json",
        "_r_checks": [{"name": "a", "message": "{{ _r_names.database }} misses {{ _r_file }}; put it there."}],
        "_r_problems": "{%- set _ = problems.append(_r_file ~ ' is old; renew ' ~ ('it' if a else 'both')) -%}",
    }
    tasks: list[dict[str, Any]] = [
        {
            "name": "See",
            "block": [{"name": "Inside", "ansible.builtin.fail": {"msg": "{{ host }}: {{ _r_remedies[status] }}."}}],
        },
        {
            "name": "Hand on",
            "ansible.builtin.assert": {"fail_msg": "role: {{ _r_refusals | join(' ') }} Nothing was changed."},
        },
    ]
    found = [
        *of_checks("r", variables, variables),
        *of_problems("r", variables, variables),
        *of_tasks("r", tasks, variables),
    ]
    assert [message.text for message in found] == [
        "postgres-erp misses <portfolio_directory>/x.json; put it there.",
        "<portfolio_directory>/x.json is old; renew it",
        "<portfolio_directory>/x.json is old; renew both",
        "<host>: the token is old; renew it.",
        "<host>: it is ill; wait.",
    ]
    assert Texts(variables).of_template("{{ error | default('a phrase of ours') }}") == ["<error>", "a phrase of ours"]


@pytest.mark.parametrize(
    ("text", "what", "remedy", "command"),
    [
        ("a is b; run: make c. Nothing was changed.", "a is b", "run: make c", "make c"),
        ("a is b; nothing was changed; do c, or run: d e", "a is b; nothing was changed", "do c, or run: d e", "d e"),
        ("a is b.", "a is b", "", ""),
    ],
)
def test_a_sentence_is_what_and_remedy(text: str, what: str, remedy: str, command: str) -> None:
    message = Message("f", "n", text)
    assert (message.what, message.remedy, message.command) == (what, remedy, command)


def test_a_message_is_found_in_what_a_run_said() -> None:
    message = Message("f", "n", "<path> has <n> MB; free some.")
    assert message.pattern.search("role: /var has 3 MB; free some. Nothing was changed.")
    assert not message.pattern.search("role: /var has 3 GB; free some.")


def test_what_only_hands_on_is_no_message() -> None:
    assert is_frame("role: <refusals> Nothing was changed.") and is_frame("<error>")
    assert not is_frame("<inventory> cannot be read: <error>")


def test_alternatives_do_not_multiply() -> None:
    assert product([["a", "b"], ["c"], ["d", "e"]]) == ["acd", "bcd", "ace"]
