# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands on the screen when a run has ended: all of it from the report. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cli.report import INTERRUPTED, Effect, Part, Report
from cli.words import COMMAND, command_lines, lowered, printable, seconds, shortened, wrapped

LINES = 24
LABEL = "  {:<12}"
BESIDE = " " * 14
GAP = "    "
READS_AGAIN = "{} will read its configuration again"
DIFF = "in the files"
HAS_READ = "{} has read its configuration again"
# Verbs of ./portfolio, in the order in which they are shown.
CONNECT = ("psql", "connect")
CONNECT_SERVICE = ("psql", "tunnel SERVICE={}", "connect SERVICE={}")
NEXT = ("status", "plan", "help")


@dataclass(frozen=True)
class Place:
    """The server as the screen needs it: its address, what its API is called, what means it again in a command."""

    address: str  # empty for this machine
    api: str  # empty where only the server itself reaches it
    local_api: str
    again: str
    service: str = ""  # one that has a login of its own
    external: bool = False  # the database is on a server of somebody else

    @property
    def beside_name(self) -> str:
        return f" ({self.address})" if self.address else ""

    @property
    def connect(self) -> list[str]:
        """The verbs that lead into the database; on this machine no tunnel is needed, and to elsewhere none leads."""
        if not self.service:
            return list(CONNECT)
        tunnel = self.address and not self.external
        return [verb.format(self.service) for verb in CONNECT_SERVICE if tunnel or "tunnel" not in verb]


def sentence(effect: Effect, reads_again: str = READS_AGAIN) -> str:
    """`postgres-erp: its memory is 200 MB instead of 300 MB`."""
    name = reads_again.format(effect.object) if effect.effect == "reload" else effect.object
    return printable(f"{name}: {effect.detail}" if effect.detail else name)


def labelled(label: str, lines: Sequence[str]) -> list[str]:
    """The label before the first line, room for it before the others."""
    return [shortened((LABEL.format(label) if not index else BESIDE) + line) for index, line in enumerate(lines)]


def commands(label: str, found: Sequence[str]) -> list[str]:
    """Several short commands, as many on a line as fit; a long one is broken as a shell allows."""
    lines: list[str] = []
    for command in found:
        if lines and len(lines[-1]) + len(GAP) + len(command) <= 80:
            lines[-1] += GAP + command
        else:
            lines += command_lines(command, BESIDE, f"{BESIDE}  ")
    return [LABEL.format(label) + lines[0][len(BESIDE) :], *lines[1:]]


def heading(text: str, numbers: str) -> list[str]:
    """The numbers at the right end of the first line, or below it."""
    gap = 80 - len(text) - len(numbers)
    return [f"{text}{' ' * gap}{numbers}"] if gap >= 2 else [shortened(text), f"{numbers:>80}"]


def up(report: Report, place: Place) -> list[str]:
    """The last screen of a run that went well, at most 24 lines of 80 columns."""
    changed, restarted, left = report.of("change", "reload"), report.of("restart"), report.of("left")
    numbers = f"{len(changed)} changed · {len(report.restarted)} restarted · {seconds(report.seconds)}"
    head = heading(printable(f"portfolio is up on {report.host}{place.beside_name}"), numbers)
    tail = how_to_go_on(place)
    room = LINES - len(head) - len(tail)
    groups = {"changed": changed, "restarted": restarted, "left": left}
    filled = {label: [sentence(effect, HAS_READ) for effect in effects] for label, effects in groups.items() if effects}
    lines = head
    for label, found in filled.items():
        shown = fitting(found, room // len(filled))
        lines += labelled(label, shown)
    return lines + tail


def fitting(found: list[str], room: int) -> list[str]:
    """As many as there is room for; the last line says how many more there are."""
    return found if len(found) <= room else [*found[: room - 1], f"and {len(found) - room + 1} more"]


def how_to_go_on(place: Place) -> list[str]:
    """URLs and commands that work when pasted."""
    again = place.again
    api = place.api or place.local_api
    addresses = [f"{api}/erp/people    /agent/sessions", *(() if place.api else ("on the server itself only",))]
    token = f'"Authorization: Bearer $(make -s token ROLE=erp_reader{again})"'
    ask = f"curl -H {token} '{api}/erp/people?limit=1'"
    # Where only the server itself reaches the API, a statement shows as well that it works.
    rows = f'make psql SQL="TABLE erp.people LIMIT 1"{again}'
    return [
        *labelled("API", addresses),
        *commands("try it", [ask if place.api else rows]),
        *commands("connect", [f"make {verb}{again}" for verb in place.connect]),
        *labelled("status", ["ok: the schema is what was asserted, and the API answers"]),
        *commands("next", [f"make {verb}{again if verb != 'help' else ''}" for verb in NEXT]),
    ]


def plan(report: Report, place: Place, diff: str, deploy: str) -> list[str]:
    """What a run would do, in three groups, then how the files would differ."""
    name = printable(f"{report.host}{place.beside_name}")
    if not report.effects:
        return [f"plan: nothing to do on {name}, {seconds(report.seconds)}"]
    changed, restarted, left = report.of("change"), report.of("restart", "reload"), report.of("left")
    numbers = f"{len(changed)} to change · {len(report.restarted)} to restart · {len(left)} left to you"
    lines = heading(f"plan for {name}", numbers)
    groups = {"will change": changed, "will restart": restarted, "left to you": left}
    for title, effects in groups.items():
        if effects:
            lines += ["", title]
        for effect in effects:
            lines += wrapped(sentence(effect), "  ", "    ")
            lines += do(effect.remedy, "    do: ", "        ") if effect.remedy else []
    if diff.strip():
        lines += ["", *differences(diff)]
    return [*lines, "", *command_lines(deploy, "to do it: ", "  ")] if changed or restarted else lines


def differences(diff: str) -> list[str]:
    """The unified diffs of files and of what else knows a before and an after."""
    return [DIFF, *("  " + printable(line) for line in diff.rstrip().splitlines())]


def do(remedy: str, first: str, rest: str) -> list[str]:
    """A remedy in lines; a command in it is broken only as a shell allows, and has no full stop after it."""
    remedy = printable(remedy)
    before, mark, command = remedy.partition(COMMAND)
    if not mark:
        return wrapped(remedy, first, rest)
    command, stop, after = command.partition(". ")
    line = f"{first}{before}{mark}{command.rstrip('.')}"
    lines = [line]
    if len(line) > 80:
        lines = [*wrapped(f"{before}{mark}", first, rest), *command_lines(command.rstrip("."), rest, f"{rest}  ")]
    return [*lines, *(wrapped(after, rest, rest) if stop else [])]


def failed(report: Report, last: str = "") -> list[str]:
    """One block for each thing that is wrong: what, where, what to do."""
    failure = report.failure
    if failure is None:
        return []
    kind = "interrupted" if report.exit == INTERRUPTED else "refused" if failure.untouched else "failed"
    lines = [line for part in failure.parts for line in block(kind, part)]
    closing = " ".join(filter(None, (failure.outcome, last)))
    return [*lines, *(do(closing, "  ", "  ") if closing else [])]


def block(kind: str, part: Part) -> list[str]:
    """`refused: …`, `where: …`, `do: …`."""
    lines = wrapped(printable(f"{kind}: {lowered(part.what)}."), "", "  ")
    lines += wrapped(printable(f"where: {part.where}"), "  ", "         ") if part.where else []
    return lines + (do(part.remedy, "  do:    ", "         ") if part.remedy else [])
