# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every change by hand to the shipped schema, made for good: put right, named and put right when asked, or refused."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg2
import pytest

import tests.integration.drift_coverage.changes  # noqa: F401 - fills the registry
from tests.integration.drift_coverage.model import Item
from tests.integration.drift_coverage.rounds import Damage, rounds, sort_by_class
from tests.integration.drift_coverage.server import Trial, beforehand, shipped
from tests.integration.postgresql_migration.drift import told
from tests.integration.postgresql_migration.driver import Project, Result

# What a change is called, and the class that it must have, whatever object it is made to.
CLASSES = {
    r".*: comment .*": "A",
    r".*: rights revoked": "A",
    r"(table|column|view|schema|sequence|function): .* granted.*": "B",
    r".*: \w+ of everybody": "B",
    r"(table|function|sequence): owner": "B",
    r"(index|trigger|function|view): dropped": "A",
    r"constraint: ON DELETE .*": "B",
    r"trigger: (disabled|replica|always)": "A",
    r"function: (body|security definer)": "A",
    r"(table|column|sequence): (dropped|renamed)": "C",
    r"schema: extra (table|view|function|type|sequence)": "C",
    r"table: extra column": "C",
    r"table: extra (index|constraint|trigger|policy|rule)": "B",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with shipped(tmp_path_factory.mktemp("repairs")) as project:
        beforehand(project)
        yield project


@pytest.fixture(scope="module")
def found(server: Project) -> tuple[list[Item], dict[str, list[Damage]]]:
    trial = Trial(server.cluster, server.database)
    try:
        return trial.items, sort_by_class(trial)
    finally:
        trial.close()


def make(project: Project, damages: Sequence[Damage], database: str = "") -> list[Damage]:
    """Do it all for good; what another change has made impossible is left out."""
    connection = project.cluster.connect("postgres", database or project.database, autocommit=True)
    done = []
    try:
        with connection.cursor() as cursor:
            for damage in damages:
                with contextlib.suppress(psycopg2.Error):
                    cursor.execute("BEGIN; " + "; ".join(damage.statements).replace("%", "%%") + "; COMMIT", {})
                    done.append(damage)
                cursor.execute("ROLLBACK")
    finally:
        connection.close()
    return done


def both(project: Project, **options: Any) -> Result:
    """Check mode, then the run: it does what the first said."""
    checked = project.run(check=True, **options)
    done = project.run(**options)
    assert checked.data["effects"] == done.data["effects"], _different(checked, done)
    assert checked.data["changed"] is done.data["changed"] and checked.rc == done.rc, checked.message
    return done


def _different(one: Result, two: Result) -> object:
    return [effect for effect in told(one) if effect not in told(two)], [
        effect for effect in told(two) if effect not in told(one)
    ]


def repaired(project: Project, done: Result) -> None:
    assert done.rc == 0, done.message
    assert [effect for effect in told(done) if effect[0] != "change"] == []
    assert done.data["fingerprint"]["after"] == done.data["fingerprint"]["expected"]
    again = project.run()
    assert again.rc == 0 and not again.changed and told(again) == [], again.text


def test_classes(found: tuple[list[Item], dict[str, list[Damage]]]) -> None:
    classes = {damage.change.id: name for name, damages in found[1].items() for damage in damages}
    for pattern, drift_class in CLASSES.items():
        matching = {name: classes[name] for name in classes if re.fullmatch(pattern, name)}
        assert matching and set(matching.values()) == {drift_class}, (pattern, matching)


def test_harmless_changes_of_every_object_are_put_right_by_one_run(
    server: Project,
    found: tuple[list[Item], dict[str, list[Damage]]],
    record_property: Callable[[str, object], None],
) -> None:
    items, classes = found
    total, kinds = 0, set()
    for chosen in rounds(classes["A"], items):
        done = make(server, chosen)
        total += len(done)
        kinds |= {damage.change.id for damage in done}
        repaired(server, both(server))
    assert {damage.change.id for damage in classes["A"]} == kinds
    record_property("summary", f"drift repaired: {len(kinds)} harmless kinds of change, {total} objects")


@pytest.mark.long
@pytest.mark.parametrize(
    "kind", ["column", "constraint", "index", "trigger", "table", "sequence", "function", "view", "schema", "database"]
)
def test_harmless_changes_of_one_kind_of_object(
    server: Project, found: tuple[list[Item], dict[str, list[Damage]]], kind: str
) -> None:
    items, classes = found
    of_kind = [damage for damage in classes["A"] if damage.change.kind == kind]
    for chosen in rounds(of_kind, [item for item in items if item.kind == kind]):
        assert make(server, chosen)
        repaired(server, both(server))


def test_what_somebody_has_to_decide_is_named_and_put_right_when_asked(
    server: Project,
    found: tuple[list[Item], dict[str, list[Damage]]],
    record_property: Callable[[str, object], None],
) -> None:
    total = 0
    for chosen in separate(found[1]["B"]):
        done = [damage for damage in make(server, chosen)]
        total += len(done)
        keys = sorted({key for damage in done for key in damage.keys})
        named = both(server)
        assert {effect[1] for effect in told(named)} >= {shown(server, key) for key in keys}
        repaired(server, both(server, repair=keys))
    record_property("summary", f"drift put right when asked: {total} kinds of change")


def shown(project: Project, key: str) -> str:
    return f"database {project.database}" if key == "database this" else key


def separate(damages: Sequence[Damage]) -> Iterator[list[Damage]]:
    """Changes that a run can put right, in rounds in which no two concern one table."""
    left = [
        damage
        for damage in damages
        if all(finding.step.statements or finding.step.drift_class == "A" for finding in damage.findings)
    ]
    while left:
        chosen, taken = [], set()
        for damage in left:
            if damage.item.place not in taken:
                chosen.append(damage)
                taken.add(damage.item.place)
        left = [damage for damage in left if damage not in chosen]
        yield chosen
