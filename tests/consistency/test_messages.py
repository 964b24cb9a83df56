# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every message says what, where and what to do, in one sentence; docs/ERRORS.md holds them all."""

from __future__ import annotations

import ast
import re

import pytest

from tests.consistency.repository import read, tracked
from tests.generate import errors_page
from tests.generate.messages import SUBJECTS, Message, messages
from tests.generate.messages_python import RAISED

TOLD = [message for message in messages() if message.kind != "part"]
IMPERATIVES = set(
    "add bring call compare confirm connect copy correct create delete do dump end free give install let log look mark "
    "move name put raise remove rename renumber replace reset restore revoke run save say see seed set start stop take "
    "type update use wait write".split()
)
# An option or setting, a file, a place in a file, an object of the server: something that can be looked at.
PLACE = re.compile(
    r"<\w[^<>]*>|\w+_\w+|[A-Z]+=|\w+\.(?:yml|json|conf|sql)|/\w+|schema \w+|postgres\w*-\w+|traefik|python3|"
    # Options of our own actions, which have plain names; what a lookup was asked for.
    r"the (?:server|module|migrations)|session|\b(?:assertions|migrations|access|events|effects|expected|baseline)\b|"
    r"^A (?:token|public key)"
)
COMMANDS = re.compile(
    r"\b(?:docker (?!context\))|make [a-z]|openssl |chmod |journalctl|pip |sudo |apt-get|systemctl |tail )"
    r"|\./portfolio [a-z]"
)
# What may be raised that no operator sees: the reason beside it.
INTERNAL = {
    "ValueError": "a fault of ours, which the tests of config_files would show",
    "SystemExit": "hands on an exit code",
    "UnreadableError": "server_info answers with its reason, of which a check of role traefik makes a sentence",
}


def of(found: list[Message]) -> list[str]:
    return [str(message) for message in found]


def test_there_are_messages_of_every_kind() -> None:
    assert len(TOLD) > 200
    files = {message.file.split("/")[0] for message in TOLD}
    assert files >= {"roles", "playbooks", "plugins", "cli", "portfolio", "images"}
    assert {message.subject for message in TOLD} == set(SUBJECTS)


def test_the_page_of_errors_is_made_from_the_sources() -> None:
    assert read("docs/ERRORS.md") == errors_page.current(), "run: make docs"


def test_every_message_says_what_to_do() -> None:
    missing = []
    for message in TOLD:
        # "if it may go, run: …" says when first.
        remedy = re.sub(r"^(?:if|as|where) [^,]*, ", "", message.remedy)
        if re.split(r"\W", remedy, maxsplit=1)[0] not in IMPERATIVES:
            missing.append(message)
    assert of(missing) == [], "after the last '; ' a sentence says what to do, and begins with a verb"


def test_every_message_says_where() -> None:
    assert of([message for message in TOLD if not PLACE.search(message.sentence)]) == []


def test_every_message_is_one_sentence() -> None:
    # A capital letter after a full stop begins another one; after "(" or ":" it may be a name.
    assert of([message for message in TOLD if re.search(r"[.!?]\s+[A-Z]|\n", message.sentence)]) == []


def test_no_message_ends_in_noise() -> None:
    assert of([message for message in TOLD if re.search(r"[\s.,:;]$", message.sentence)]) == []


def test_a_command_stands_at_the_end_behind_run() -> None:
    """So that it can be copied as a whole, and found by the test that runs it."""
    rests = {message: message.sentence.removesuffix(f"run: {message.command}") for message in TOLD}
    hidden = [message for message, rest in rests.items() if COMMANDS.search(rest)]
    assert of(hidden) == []
    assert of([message for message in TOLD if message.command.count("run: ") or "`" in message.command]) == []


@pytest.mark.parametrize("name", ["portfolio", *tracked("cli/*.py", "plugins/*.py")])
def test_no_exception_is_raised_that_the_catalogue_does_not_know(name: str) -> None:
    raised = set()
    for node in ast.walk(ast.parse(read(name))):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            raised.add(ast.unparse(node.exc.func).rpartition(".")[2])
    helpers = {
        "_wrong",
        "_fail",
        "statement_error",
        "edited",
        "_refusal",
        "_unreadable",
        "_failure",
        "_partly",
        "DatabaseError",
    }
    assert raised - RAISED - helpers - INTERNAL.keys() == set()
