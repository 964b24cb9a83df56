# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every change by hand to the shipped schema, made for good: put right, named and put right when asked, or refused."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from copy import copy as copy_of
from typing import Any

import psycopg2
import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import catalog

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
    r"(trigger|function|view): dropped": "A",
    # The unique ones may have duplicates by now.
    r"index: dropped": "AB",
    r"constraint: ON DELETE .*": "B",
    r"trigger: (disabled|replica|always)": "A",
    r"function: (body|security definer)": "A",
    r"(table|column|sequence): (dropped|renamed)": "C",
    r"schema: extra (table|view|function|type|sequence)": "C",
    r"table: extra column": "C",
    r"table: extra (index|constraint|trigger|policy|rule)": "B",
}


# Check mode cannot look into a database that its owner may not connect to, and so cannot tell what else is wrong.
CLOSED = "database: owner loses his rights"


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


def make(project: Project, damages: Sequence[Damage]) -> list[Damage]:
    """Do it all for good; what another change has made impossible is left out."""
    connection = project.cluster.connect("postgres", project.database, autocommit=True)
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
    classes = [(damage.change.id, name) for name, damages in found[1].items() for damage in damages]
    for pattern, expected in CLASSES.items():
        matching = [(change, name) for change, name in classes if re.fullmatch(pattern, change)]
        assert {name for _change, name in matching} == set(expected), (pattern, matching)


def test_harmless_changes_of_every_object_are_put_right_by_one_run(
    server: Project,
    found: tuple[list[Item], dict[str, list[Damage]]],
    record_property: Callable[[str, object], None],
) -> None:
    items, classes = found
    harmless = [damage for damage in classes["A"] if damage.change.id != CLOSED]
    total, kinds = 0, set()
    for chosen in rounds(harmless, items):
        done = make(server, chosen)
        total += len(done)
        kinds |= {damage.change.id for damage in done}
        repaired(server, both(server))
    assert {damage.change.id for damage in harmless} == kinds
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
    for chosen in separate(found[1]["B"], can_be_put_right):
        done = make(server, chosen)
        total += len(done)
        keys = sorted({key for damage in done for key in damage.keys})
        named = both(server)
        assert {effect[1] for effect in told(named)} >= {shown(server, key) for key in keys}
        repaired(server, both(server, repair=keys))
    record_property("summary", f"drift put right when asked: {total} kinds of change")


def shown(project: Project, key: str) -> str:
    return f"database {project.database}" if key == "database this" else key


def can_be_put_right(damage: Damage) -> bool:
    return all(finding.step.statements or finding.step.drift_class == "A" for finding in damage.findings)


def separate(damages: Sequence[Damage], which: Callable[[Damage], bool]) -> Iterator[list[Damage]]:
    """In rounds in which no two concern one table."""
    left = list(filter(which, damages))
    while left:
        chosen = {damage.item.place: damage for damage in reversed(left)}
        yield list(chosen.values())
        left = [damage for damage in left if damage is not chosen[damage.item.place]]


@pytest.fixture
def copy(server: Project) -> Iterator[Project]:
    """The same in a database of its own, whose rights a first run makes."""
    other = copy_of(server)
    other.database = "other"
    server.query("CREATE DATABASE other TEMPLATE portfolio OWNER erp_admin")
    try:
        for changed in (True, False):
            assert other.run().changed is changed
        yield other
    finally:
        server.query("DROP DATABASE other WITH (FORCE)")


# What others need as well would hide them.
DESTROYS = ("schema: dropped", "schema: renamed")


def test_what_only_a_person_may_do_is_refused_with_the_list(
    copy: Project,
    found: tuple[list[Item], dict[str, list[Damage]]],
    record_property: Callable[[str, object], None],
) -> None:
    asked = 0
    chosen = [damage for damage in found[1]["C"] if damage.change.id not in DESTROYS]
    for damages in separate(chosen, lambda damage: True):
        done = make(copy, damages)
        asked += len(done)
        refused(copy, done)
    record_property("summary", f"drift refused: {asked} kinds of change that only a person may undo")


@pytest.mark.parametrize("name", DESTROYS)
def test_a_schema_that_is_gone_is_refused(
    copy: Project, found: tuple[list[Item], dict[str, list[Damage]]], name: str
) -> None:
    done = make(copy, [damage for damage in found[1]["C"] if damage.change.id == name][:1])
    assert done
    refused(copy, done)


def refused(project: Project, damages: Sequence[Damage]) -> None:
    before = snapshot(project)
    failed = both(project)
    assert failed.rc and "nothing was changed" in failed.message and failed.data["left"] == "unchanged", failed.text
    worst = {finding.key for damage in damages for finding in damage.findings if finding.step.drift_class == "C"}
    assert worst - {effect[1] for effect in told(failed)} == set()
    assert snapshot(project) == before


def snapshot(project: Project) -> str:
    trial = Trial(project.cluster, project.database)
    try:
        return catalog.fingerprint(trial.objects())
    finally:
        trial.close()
