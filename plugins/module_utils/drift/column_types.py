# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which column types hold every value of another. Pure.

Source: https://www.postgresql.org/docs/15/datatype-numeric.html and datatype-character.html.
"""

from __future__ import annotations

import re

_TYPE = re.compile(r"(?P<name>[a-z ]+?)(?:\((?P<arguments>[0-9]+(?:,[0-9]+)?)\))?(?P<rest> with(?:out)? time zone)?")
_INTEGERS = ("smallint", "integer", "bigint")
_FLOATS = ("real", "double precision")
# Digits before the decimal point of the widest value.
_DIGITS = {"smallint": 5, "integer": 10, "bigint": 19}


def _parts(name: str) -> tuple[str, tuple[int, ...]] | None:
    found = _TYPE.fullmatch(name)
    if found is None:
        return None
    arguments = tuple(int(number) for number in (found["arguments"] or "").split(",") if number)
    return found["name"] + (found["rest"] or ""), arguments


def _numeric_holds(wide: tuple[int, ...], narrow: str, arguments: tuple[int, ...]) -> bool:
    if not wide:
        return narrow in _DIGITS or narrow == "numeric"
    precision, scale = wide[0], wide[1] if len(wide) > 1 else 0
    if narrow in _DIGITS:
        return precision - scale >= _DIGITS[narrow]
    if narrow != "numeric" or not arguments:
        return False
    inner = arguments[1] if len(arguments) > 1 else 0
    return scale >= inner and precision - scale >= arguments[0] - inner


def holds(wide: str, narrow: str) -> bool:
    """Whether every value of type `narrow` fits unchanged into `wide` (both as format_type prints them)."""
    outer, inner = _parts(wide), _parts(narrow)
    if outer is None or inner is None:
        return False
    (name, arguments), (other, limits) = outer, inner
    if name == "numeric":
        return _numeric_holds(arguments, other, limits)
    for ladder in (_INTEGERS, _FLOATS):
        if name in ladder and other in ladder:
            return ladder.index(name) >= ladder.index(other)
    if name in ("text", "character varying") and other in ("text", "character varying"):
        # Without a length it is text under another name.
        return not arguments or (bool(limits) and arguments[0] >= limits[0])
    return name == other and (not arguments or (bool(limits) and arguments[0] >= limits[0]))
