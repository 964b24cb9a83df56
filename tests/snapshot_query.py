# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kinds of objects the snapshot's query gives, and which attributes of each: read from its own text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pglast
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog_query import SNAPSHOT


def branches() -> list[tuple[set[str], set[str]]]:
    """For each part of the query the kinds that it gives and the attributes that they may have."""
    [statement] = pglast.parse_sql(SNAPSHOT % {"schemas": "'{}'"})
    select: Any = statement.stmt
    found = next(cte for cte in select.withClause.ctes if cte.ctename == "found")
    return [
        (set(_texts(branch.targetList[0].val)), set(_names(branch.targetList[4].val)))
        for branch in _branches(found.ctequery)
    ]


def _branches(select: Any) -> Iterator[Any]:
    if select.larg is None:
        yield select
        return
    yield from _branches(select.larg)
    yield from _branches(select.rarg)


def _texts(node: Any) -> Iterator[str]:
    """A constant, or what a CASE may give."""
    if type(node).__name__ == "CaseExpr":
        for when in node.args:
            yield from _texts(when.result)
        yield from _texts(node.defresult)
    else:
        yield node.val.sval


def _names(call: Any) -> Iterator[str]:
    """Every other argument of jsonb_build_object."""
    assert call.funcname[-1].sval == "jsonb_build_object"
    yield from (argument.val.sval for argument in call.args[::2])
