# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every change by hand to the shipped schema, made for good: put right, named and put right when asked, or refused."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from typing import Any

import psycopg2
import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import catalog

import tests.integration.drift_coverage.changes  # noqa: F401 - fills the registry
from tests.integration.drift_coverage.model import Item
from tests.integration.drift_coverage.rounds import Damage, apart, every_object, sort_by_class
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


# The objects of the server, and the changes that can be made here by class.
Found = tuple[list[Item], dict[str, list[Damage]]]
# Check mode cannot look into a database that its owner may not connect to, and so cannot tell what else is wrong.
CLOSED = "database: owner loses his rights"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with shipped(tmp_path_factory.mktemp("repairs")) as project:
        beforehand(project)
        yield project


@pytest.fixture(scope="module")
def found(server: Project) -> Found:
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


def test_classes(found: Found) -> None:
    classes = [(damage.id, name) for name, damages in found[1].items() for damage in damages]
    for pattern, expected in CLASSES.items():
        matching = [(change, name) for change, name in classes if re.fullmatch(pattern, change)]
        assert {name for _change, name in matching} == set(expected), (pattern, matching)


def in_rounds(damages: Sequence[Damage], round_of: Callable[[set[str], int], list[Damage]]) -> Iterator[list[Damage]]:
    """Until each of the changes was made; some cannot be made beside others."""
    left, number = {damage.id for damage in damages}, 0
    while left:
        done = round_of(left, number)
        yield done
        before, number = len(left), number + 1
        left -= {damage.id for damage in done}
        assert len(left) < before, f"cannot be made: {sorted(left)}"


def test_harmless_changes_of_every_object_are_put_right_by_one_run(
    server: Project, found: Found, record_property: Callable[[str, object], None]
) -> None:
    items, classes = found
    harmless = [damage for damage in classes["A"] if damage.id != CLOSED]

    def round_of(left: set[str], number: int) -> list[Damage]:
        return make(server, every_object(harmless, left, items, number))

    counts = []
    for done in in_rounds(harmless, round_of):
        counts.append(len(done))
        repaired(server, both(server))
    kinds = {damage.id for damage in harmless}
    record_property("summary", f"drift repaired: {len(kinds)} harmless kinds of change, in runs of {counts} objects")


@pytest.mark.long
@pytest.mark.parametrize(
    "kind", ["column", "constraint", "index", "trigger", "table", "sequence", "function", "view", "schema", "database"]
)
def test_harmless_changes_of_one_kind_of_object(server: Project, found: Found, kind: str) -> None:
    of_kind = [damage for damage in found[1]["A"] if damage.change.kind == kind]
    items = [item for item in found[0] if item.kind == kind]

    def round_of(left: set[str], number: int) -> list[Damage]:
        return make(server, every_object(of_kind, left, items, number))

    for _done in in_rounds(of_kind, round_of):
        repaired(server, both(server))


@pytest.mark.parametrize("by_administrator", [False, True])
def test_what_somebody_has_to_decide_is_named_and_put_right_when_asked(
    server: Project, found: Found, record_property: Callable[[str, object], None], by_administrator: bool
) -> None:
    """What the administrator does comes first, and a dry run can then only foresee the rest and not try it."""
    items, classes = found
    damages = [damage for damage in classes["B"] if can_be_put_right(damage) and by_admin(damage) is by_administrator]

    def round_of(left: set[str], _number: int) -> list[Damage]:
        chosen = [damage for damage in damages if damage.id in left]
        return make(server, apart(chosen, items, share=not by_administrator))

    for done in in_rounds(damages, round_of):
        named = both(server)
        # The access files are refused where something of theirs belongs to somebody else.
        assert named.rc == 0 or (by_administrator and "belong to somebody else" in named.message), named.message
        keys = {key for damage in done for key in damage.change.names(damage.item)}
        assert keys - named_objects(server, named) == set()
        # The access files have put some of it right.
        left = named_objects(server, named, "left")
        answer = both(server, repair=sorted(left))
        assert left - named_objects(server, answer) == set(), "it has become part of the record meanwhile"
        repaired(server, answer)
    kinds = {damage.id for damage in damages}
    who = "the administrator" if by_administrator else "the owner"
    record_property("summary", f"drift put right by {who} when asked: {len(kinds)} kinds of change")


def named_objects(project: Project, result: Result, effect: str = "") -> set[str]:
    """Keys of the objects that a run names."""
    found = [name for kind, name, _detail in told(result) if effect in ("", kind)]
    return {name.replace(f"database {project.database}", "database this") for name in found}


# Foreign keys point to it, and it cannot be made again without them; it is named with that reason.
HELD = "constraint: unique instead of primary"


def can_be_put_right(damage: Damage) -> bool:
    put_right = all(finding.step.statements or finding.step.drift_class == "A" for finding in damage.findings)
    return put_right and damage.id != HELD


def by_admin(damage: Damage) -> bool:
    return any(finding.step.by_admin for finding in damage.findings)


@contextlib.contextmanager
def a_copy(server: Project) -> Iterator[Project]:
    """The same in a database of its own, whose rights a first run makes."""
    other = copy(server)
    other.database = "other"
    server.query("CREATE DATABASE other TEMPLATE portfolio OWNER erp_admin")
    try:
        for changed in (True, False):
            assert other.run().changed is changed
        yield other
    finally:
        server.query("DROP DATABASE other WITH (FORCE)")


# They take everything else along.
DESTROYS = ("schema: dropped", "schema: renamed")


def test_what_only_a_person_may_do_is_refused_with_the_list(
    server: Project, found: Found, record_property: Callable[[str, object], None]
) -> None:
    damages = [damage for damage in found[1]["C"] if damage.id not in DESTROYS]

    def round_of(left: set[str], _number: int) -> list[Damage]:
        with a_copy(server) as project:
            done = make(project, apart([damage for damage in damages if damage.id in left], found[0]))
            refused(project, done)
        return done

    kinds = {damage.id for done in in_rounds(damages, round_of) for damage in done}
    record_property("summary", f"drift refused: {len(kinds)} kinds of change that only a person may undo")


@pytest.mark.parametrize("name", DESTROYS)
def test_a_schema_that_is_gone_is_refused(server: Project, found: Found, name: str) -> None:
    with a_copy(server) as project:
        done = make(project, [damage for damage in found[1]["C"] if damage.id == name][:1])
        assert done
        refused(project, done)


def refused(project: Project, damages: Sequence[Damage]) -> None:
    before = snapshot(project)
    failed = both(project)
    assert failed.rc and "nothing was changed" in failed.message and failed.data["left"] == "unchanged", failed.text
    # A new name stands beside the old one.
    keys = {key for damage in damages for key in damage.change.names(damage.item) if not key.endswith("renamed")}
    assert keys - {effect[1] for effect in told(failed)} == set()
    assert snapshot(project) == before


def snapshot(project: Project) -> str:
    trial = Trial(project.cluster, project.database)
    try:
        return catalog.fingerprint(trial.objects())
    finally:
        trial.close()
