# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every check with its verdict, also one whose condition cannot be told."""

from __future__ import annotations

from typing import Any

from ansible_collections.bestviable.portfolio.plugins.filter.check_findings import check_findings


class Lazy(dict[str, Any]):
    """As Ansible hands a check over: a template is evaluated when its key is asked for."""

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        if isinstance(value, Exception):
            raise value
        return value


def wrapped(cause: Exception) -> Exception:
    error = RuntimeError("Error while resolving value for 'that'")
    error.__cause__ = cause
    return error


def test_each_check_has_its_level_and_only_what_is_not_ok_a_sentence() -> None:
    checks: list[dict[str, Any]] = [
        {"name": "a", "that": True, "message": "never said"},
        {"name": "b", "that": False, "message": "Two\n  lines."},
        {"name": "c", "that": "", "message": "Beware.", "level": "warn"},
    ]
    assert check_findings(checks, "role") == [
        {"where": "role", "check": "a", "level": "ok", "message": ""},
        {"where": "role", "check": "b", "level": "fail", "message": "Two lines."},
        {"where": "role", "check": "c", "level": "warn", "message": "Beware."},
    ]


def test_a_sentence_that_cannot_be_made_is_not_asked_for_where_all_is_well() -> None:
    [found] = check_findings([Lazy(name="a", that=True, message=ValueError("undefined"))], "role")
    assert (found["level"], found["message"]) == ("ok", "")


def test_a_condition_that_cannot_be_told_is_a_finding_in_the_words_of_its_cause() -> None:
    key = wrapped(RuntimeError("token: The key is readable; run: chmod 600 key."))
    other = wrapped(wrapped(ValueError("'x' is undefined")))
    found = check_findings([Lazy(name="a", that=key), Lazy(name="b", that=other), Lazy(name="c", that=True)], "role")
    assert [(one["level"], one["message"]) for one in found] == [
        ("fail", "The key is readable; run: chmod 600 key."),
        ("fail", "'x' is undefined"),
        ("ok", ""),
    ]
