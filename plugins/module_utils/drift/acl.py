# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access lists as PostgreSQL prints them: what differs between two, and the statements between. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.roles import identifier

_PRIVILEGES = {
    "r": "SELECT",
    "a": "INSERT",
    "w": "UPDATE",
    "d": "DELETE",
    "D": "TRUNCATE",
    "x": "REFERENCES",
    "t": "TRIGGER",
    "m": "MAINTAIN",
    "X": "EXECUTE",
    "U": "USAGE",
    "C": "CREATE",
    "c": "CONNECT",
    "T": "TEMPORARY",
}
# As PostgreSQL writes them.
_LETTERS = "arwdDxtXUCTcsAm"
_OPTION = " WITH GRANT OPTION"
_ITEM = re.compile(r'(?P<grantee>"(?:[^"]|"")*"|[^="]*)=(?P<letters>[a-zA-Z*]*)/')


def privileges(items: Iterable[str]) -> set[tuple[str, str]]:
    """`mallory=r*w/owner` as (mallory, SELECT), (mallory, SELECT WITH GRANT OPTION), (mallory, UPDATE)."""
    result = set()
    for item in items:
        found = _ITEM.match(item)
        if found is None:
            result.add((item, ""))
            continue
        quoted = found["grantee"]
        grantee = quoted[1:-1].replace('""', '"') if quoted.startswith('"') else quoted or "PUBLIC"
        for letter, option in re.findall(r"([a-zA-Z])(\*?)", found["letters"]):
            name = _PRIVILEGES.get(letter, letter)
            result |= {(grantee, name), (grantee, name + _OPTION)} if option else {(grantee, name)}
    return result


def _exact(items: Iterable[str]) -> set[tuple[str, str, str]]:
    """`mallory=r*w/owner` as (mallory, owner, r), (mallory, owner, r*), (mallory, owner, w)."""
    result = set()
    for item in items:
        found = _ITEM.match(item)
        if found is None:
            result.add((item, "", ""))
            continue
        grantor = item[found.end() :]
        for letter, option in re.findall(r"([a-zA-Z])(\*?)", found["letters"]):
            result |= {(found["grantee"], grantor, letter), (found["grantee"], grantor, letter + option)}
    return result


def carry(recorded: Iterable[str], before: Iterable[str], after: Iterable[str]) -> list[str]:
    """A recorded list with what a run itself gave and took; the rights that somebody else gave stay out of it."""
    old, new = _exact(before), _exact(after)
    rights = (_exact(recorded) - (old - new)) | (new - old)
    letters: dict[tuple[str, str], str] = {}
    for grantee, grantor in sorted({right[:2] for right in rights}):
        held = {letter for *who, letter in rights if tuple(who) == (grantee, grantor)}
        letters[grantee, grantor] = "".join(
            letter + ("*" if letter + "*" in held else "") for letter in _LETTERS if held & {letter, letter + "*"}
        )
    return sorted(
        f"{grantee}={found}/{grantor}" if grantor else grantee for (grantee, grantor), found in letters.items()
    )


def _by_grantee(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    result: dict[str, list[str]] = {}
    for grantee, privilege in sorted(pairs):
        result.setdefault(grantee, []).append(privilege)
    return result


def differences(live: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """`extra right of mallory: SELECT`, `missing right of erp_reader: USAGE`."""
    old, new = privileges(live), privileges(wanted)
    return [
        f"{word} right of {grantee}: {', '.join(name for name in names if name + _OPTION not in names)}"
        for word, pairs in (("extra", old - new), ("missing", new - old))
        for grantee, names in _by_grantee(pairs).items()
    ]


def _listed(names: Iterable[str], column: str) -> str:
    return ", ".join(name + column for name in sorted(names))


def _who(grantee: str) -> str:
    return "PUBLIC" if grantee == "PUBLIC" else identifier(grantee)


def granting(live: Iterable[str], wanted: Iterable[str], target: str, column: str = "") -> list[str]:
    """GRANT for each role that has too little; `target` is `%s ON` what, `column` follows each privilege."""
    result = []
    for grantee, names in _by_grantee(privileges(wanted) - privileges(live)).items():
        options = {name.removesuffix(_OPTION) for name in names if name.endswith(_OPTION)}
        plain = {name for name in names if not name.endswith(_OPTION)} - options
        result += [f"GRANT {target % _listed(plain, column)} TO {_who(grantee)}"] if plain else []
        result += [f"GRANT {target % _listed(options, column)} TO {_who(grantee)}{_OPTION}"] if options else []
    return result


def revoking(live: Iterable[str], wanted: Iterable[str], target: str, column: str = "") -> list[str]:
    """REVOKE for each role that has too much."""
    result = []
    for grantee, names in _by_grantee(privileges(live) - privileges(wanted)).items():
        # With a right goes its grant option; of a right that is wanted only the option is too much.
        plain = {name for name in names if not name.endswith(_OPTION)}
        only = {name.removesuffix(_OPTION) for name in names if name.endswith(_OPTION)} - plain
        result += [f"REVOKE {target % _listed(plain, column)} FROM {_who(grantee)}"] if plain else []
        if only:
            result.append(f"REVOKE GRANT OPTION FOR {target % _listed(only, column)} FROM {_who(grantee)}")
    return result
