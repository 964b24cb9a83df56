# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/ERRORS.md from the messages in the sources: `make docs` writes it, a test compares."""

from __future__ import annotations

from pathlib import Path

from tests.generate.messages import SUBJECTS, Message, messages

TARGET = Path(__file__).resolve().parents[2] / "docs/ERRORS.md"
HEAD = """\
# What it says when something is wrong, and what to do

Every refusal, error and warning of roles, playbooks, plugins and verbs: one sentence that says what is wrong and where,
then "; " and what to do. Search this page for words of the message; what only a run knows stands as `<name>`. Made from
the sources by `make docs`: change a message where it comes from.

A refusal of `deploy` ends with "Nothing was changed." A command that a message names stands at its end behind "run: ";
`make` and `./portfolio` are typed on the control node, `docker` and the system's tools on the server that the message
names. Several refusals of one role are told in one message.
"""
# Sentences that are not ours but that an operator meets; a test produces each and looks for the first column's words.
ANSIBLES_OWN = (
    (
        "Validation of arguments failed",
        "a variable of the inventory has another type or value than the role knows",
        "correct the variable that the message names; the table in the README of its role says type and values",
    ),
    (
        "Failed to connect to the host via ssh",
        "the server does not answer, or does not let you in (`UNREACHABLE!`)",
        "correct `ansible_host`, `ansible_user` or the key in the inventory until `ssh USER@ADDRESS` works",
    ),
    (
        "Attempting to decrypt but no vault secrets found",
        "the inventory has vaulted secrets, and no password was given for them",
        "put the password into `.vault_password` beside `hosts.yml`, or name its file in `ANSIBLE_VAULT_PASSWORD_FILE`",
    ),
    (
        "Decryption failed",
        "the vault password is not the one with which the secrets were encrypted",
        "restore the right one from where you keep its copy; without it the secrets cannot be read",
    ),
    (
        "could not be found",
        "the playbook of the command line is not there",
        "use a verb of `./portfolio`, or run the command in the directory of the clone with `-i inventories/NAME`",
    ),
    (
        "Ansible requires the locale encoding to be UTF-8",
        "the terminal's locale is another one; `./portfolio` sets its own",
        "put `LC_ALL=C.UTF-8` before the command",
    ),
)


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def code(text: str) -> str:
    return f"`{cell(text)}`" if "`" not in text else f"`` {cell(text)} ``"


def row(message: Message) -> str:
    place = f"`{message.file}`, {cell(message.name)}" + ("" if message.kind == "error" else f" ({message.kind})")
    return f"| {code(message.what)} | {place} | {code(message.remedy)} |\n"


def section(title: str, found: list[Message]) -> str:
    return f"\n## {title}\n\n| message | from | what to do |\n| --- | --- | --- |\n" + "".join(map(row, found))


def parts(found: list[Message]) -> str:
    rows = "".join(f"| {code(message.text)} | `{message.file}`, {cell(message.name)} |\n" for message in found)
    return (
        "\n## Between the brackets of a message\n\nThese say the cause; what to do stands behind them.\n\n"
        f"| words | from |\n| --- | --- |\n{rows}"
    )


def ansibles_own() -> str:
    rows = "".join(f"| `{said}` | {meaning} | {remedy} |\n" for said, meaning, remedy in ANSIBLES_OWN)
    return f"\n## Ansible's own\n\n| words | what it means | what to do |\n| --- | --- | --- |\n{rows}"


def current() -> str:
    told = [message for message in messages() if message.kind != "part"]
    sections = [
        section(title, [message for message in told if message.subject == subject])
        for subject, title in SUBJECTS.items()
    ]
    return HEAD + "".join(sections) + parts([one for one in messages() if one.kind == "part"]) + ansibles_own()


if __name__ == "__main__":
    TARGET.write_text(current(), encoding="utf-8")
