# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every refusal, error and warning of roles, playbooks, plugins and verbs, as their sources hold them.

A message is one sentence: what and where, "; ", what to do. What is known only in a run stands as <name>.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

PLACEHOLDER = re.compile(r"<[^<>]*>")
# What may follow the sentence: it says what is left behind.
TAIL = re.compile(r"\s+(?:Nothing was (?:changed|removed|written)|Containers and data are untouched)\.$")
SUBJECTS = {
    "server": "The server and its Docker Engine",
    "database": "The database",
    "api": "The data API and its tokens",
    "backup": "Backups and restores",
    "proxy": "The proxy",
    "ingress": "The public name",
    "migrations": "Migrations, access files and assertions",
    "files": "Files of a role",
    "lease": "One run at a time",
    "verbs": "Verbs, playbooks and inventories",
}
# The first pattern that fits a file's name says its subject.
PLACES = (
    (r"module_utils/files/|modules/config_files", "files"),
    (r"roles/backup|cli/backup|playbooks/(?:backup|restore|rebuild)", "backup"),
    (r"lease", "lease"),
    (r"cloudflare", "ingress"),
    (r"migration", "migrations"),
    (r"token|jwks|postgrest_erp", "api"),
    (r"traefik", "proxy"),
    (r"postgres_erp", "database"),
    (r"docker_host|server|portfolio/tasks/image", "server"),
    (r"", "verbs"),
)


@dataclass(frozen=True)
class Message:
    """One message; `part` says that it is shown inside of another one."""

    file: str
    name: str
    text: str
    kind: str = "error"

    def __str__(self) -> str:
        return f"{self.file} ({self.name}): {self.text}"

    @property
    def sentence(self) -> str:
        return TAIL.sub("", self.text).removesuffix(".")

    @property
    def what(self) -> str:
        return self.sentence.rpartition("; ")[0] or self.sentence

    @property
    def remedy(self) -> str:
        before, _, after = self.sentence.rpartition("; ")
        return after if before else ""

    @property
    def command(self) -> str:
        """What the remedy says to run; it stands at the end, so that it can be copied."""
        return self.remedy.partition("run: ")[2]

    @property
    def pattern(self) -> re.Pattern[str]:
        """What finds this message in what a run said."""
        return re.compile(".*?".join(map(re.escape, PLACEHOLDER.split(self.text))), re.DOTALL)

    @property
    def subject(self) -> str:
        return next(subject for pattern, subject in PLACES if re.search(pattern, self.file))


def words(text: str) -> str:
    """What is certain about a text: all but its placeholders."""
    return PLACEHOLDER.sub("", TAIL.sub("", text))


def is_frame(text: str) -> bool:
    """Only hands on what another message says, with a word before it at most."""
    return re.fullmatch(r"\W*(?:\w+:)?\W*", words(text)) is not None


def product(parts: Iterable[Sequence[str]]) -> list[str]:
    """The parts one behind the other; an alternative of one stands beside the first of all others."""
    given = [list(part) or [""] for part in parts]
    first = [part[0] for part in given]
    found = ["".join(first)]
    for place, part in enumerate(given):
        found += ["".join([*first[:place], other, *first[place + 1 :]]) for other in part[1:]]
    return found


def tidy(text: str) -> str:
    return re.sub(r"<([^<>]*)>", lambda found: f"<{found[1].strip('_ ') or '…'}>", " ".join(text.split()))


def numbered(found: Iterable[Message]) -> Iterator[Message]:
    """Each name once: the second message of a place is its number 2."""
    seen: dict[tuple[str, str], int] = {}
    texts = set()
    for message in found:
        if (message.file, message.text) in texts:
            continue
        texts.add((message.file, message.text))
        place = (message.file, message.name)
        seen[place] = seen.get(place, 0) + 1
        yield message if seen[place] == 1 else replace(message, name=f"{message.name} {seen[place]}")


@cache
def messages() -> tuple[Message, ...]:
    """All of them, in the order of the files."""
    from tests.generate import messages_python, messages_shell, messages_yaml

    return tuple(
        numbered(itertools.chain(messages_yaml.messages(), messages_python.messages(), messages_shell.messages()))
    )
