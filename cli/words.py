# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words: steps and waits as they are read out, refusals taken apart, lines that fit. Pure."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

WIDTH = 80
SUBJECTS = {
    "portfolio": "Server",
    "docker_host": "Docker host",
    "postgres_erp": "Database",
    "postgrest_erp": "Data API",
    "traefik": "Proxy",
    "backup": "Backup",
    "monitoring": "Numbers",
}
# What is waited for in a task that takes long without a word of its own.
WAITS = {
    ("docker_host", "Install packages"): "packages to be fetched and installed",
    ("docker_host", "Install the compose plugin"): "the compose plugin to be built",
    ("docker_host", "Wait for the engine to answer, up to 60 s"): "the Docker Engine to answer",
    ("postgres_erp", "Initialise the database files"): "the first database files",
    ("postgres_erp", "Start the server"): "postgres-erp to become healthy",
    ("postgres_erp", "Restart the server for settings that only change at a start"): "postgres-erp to become healthy",
    ("postgrest_erp", "Start the API"): "postgrest-erp to become healthy",
    ("postgrest_erp", "Ask the API for its health, up to 30 s"): "postgrest-erp to answer",
    ("traefik", "Start the proxy"): "traefik to become healthy",
    ("monitoring", "Start the collector"): "the first look of the server at itself",
    ("traefik", "Wait until the proxy has read the new route, up to 20 s"): "traefik to read the new route",
    ("traefik", "Ask through the proxy for the API's health, up to 20 s"): "postgrest-erp to answer through traefik",
    ("backup", "Make the first backup"): "the first backup to be complete",
    ("backup", "Restore beside the data"): "the backup to be restored and recovered",
    ("backup", "Bring the tables into a database of their own"): "the tables to be restored and copied",
}
PREFIX = re.compile(r"^(?:[a-z]+(?:_[a-z]+)*): (?=\S)")
NAMES = {"Ansible", "Debian", "Docker", "Traefik", "Ubuntu"}
COMMAND = "run: "
# A sentence that says what has become of the server, not what to do.
OUTCOME = re.compile(r"^(?:Nothing (?:was|is)|Containers and data are untouched|What was done until then)\b")


@dataclass(frozen=True)
class Refusal:
    """One sentence, taken apart."""

    what: str
    remedy: str = ""


def printable(text: str) -> str:
    """Text of a server, without what would move a terminal's cursor and without halves of characters."""
    return "".join(mark if mark.isprintable() else ascii(mark)[1:-1] for mark in text)


def lowered(text: str) -> str:
    """With a small first letter, unless the word is a name."""
    word = text.partition(" ")[0]
    return text if word in NAMES or (word != "A" and not word[1:].islower()) else text[:1].lower() + text[1:]


def step(role: str, name: str) -> str:
    """`Database: write the server's files`."""
    name = re.sub(r"^Validating arguments against arg spec .*", "Check the variables", name)
    subject = SUBJECTS.get(role, role)
    return printable(f"{subject}: {lowered(name)}" if subject else name)


def waiting(role: str, name: str) -> str:
    """What a step that takes long is waiting for."""
    wait = WAITS.get((role, name))
    return f"{SUBJECTS[role]}: waiting for {wait}" if wait else step(role, name)


def seconds(value: float) -> str:
    """`6 s`, `2 min 05 s`."""
    whole = round(value)
    return f"{whole} s" if whole < 120 else f"{whole // 60} min {whole % 60:02} s"


def outside(text: str, mark: str) -> list[int]:
    """Where *mark* stands outside of parentheses."""
    nested = text.count("(") == text.count(")")
    depth, found = 0, []
    for index, letter in enumerate(text):
        depth += nested * ((letter == "(") - (letter == ")"))
        if depth == 0 and text.startswith(mark, index):
            found.append(index)
    return found


def cut(text: str, places: list[int], width: int) -> list[str]:
    """The parts between marks of *width* letters."""
    starts = [0, *(place + width for place in places)]
    return [text[start:end].strip() for start, end in zip(starts, [*places, len(text)], strict=True)]


def divided(sentence: str) -> Refusal:
    """At the last `; ` that is not part of a command or a parenthesis."""
    command = sentence.find(COMMAND)
    places = [place for place in outside(sentence, "; ") if command < 0 or place < command]
    if not places:
        return Refusal(sentence)
    return Refusal(sentence[: places[-1]], sentence[places[-1] + 2 :])


def refusals(message: str) -> tuple[list[Refusal], str]:
    """The refusals in a message, each with its remedy, and what it says of the server (`Nothing was changed.`)."""
    text = PREFIX.sub("", " ".join(message.split()), count=1)
    groups: list[str] = []
    outcome = ""
    for sentence in filter(None, cut(text, outside(text, ". "), 2)):
        sentence = sentence.rstrip(".")
        if OUTCOME.match(sentence):
            outcome = f"{sentence}."
        elif groups and not (divided(groups[-1]).remedy and divided(sentence).remedy):
            groups[-1] += f". {sentence}"
        else:
            groups.append(sentence)
    return [divided(group) for group in groups], outcome


def wrapped(text: str, first: str, rest: str) -> list[str]:
    """Lines of WIDTH columns; a path or a name is never broken."""
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    ) or [first.rstrip()]


def breakable(command: str) -> bool:
    """Whether a shell takes a new line there as a space: not within quotes, unless a substitution is open in them."""
    quoted = command.count('"') % 2 and command.count("$(") <= command.count(")")
    return not quoted and not command.count("'") % 2


def pieces(command: str) -> list[str]:
    """The command's words; what stands in quotes is one."""
    found: list[str] = []
    open_ = ""
    for word in command.split(" "):
        open_ += f" {word}" if open_ else word
        if breakable("".join(found) + open_):
            found.append(open_)
            open_ = ""
    return [*found, open_] if open_ else found


def command_lines(command: str, first: str, rest: str) -> list[str]:
    """A command over as many lines as it needs, so that it works when they are pasted together."""
    lines, line = [], first
    for index, piece in enumerate(pieces(command)):
        joined = f"{line} {piece}" if index and line != rest else line + piece
        if index and len(joined) > WIDTH - 2:
            lines.append(f"{line} \\")
            joined = rest + piece
        line = joined
    return [*lines, line]


def shortened(text: str, width: int = WIDTH) -> str:
    """One line of at most *width* columns."""
    text = printable(text)
    return text if len(text) <= width else f"{text[: width - 1]}…"
