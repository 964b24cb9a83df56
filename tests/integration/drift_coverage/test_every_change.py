# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing in the managed schemas can change without being seen: every change by hand, to every kind of object."""

from __future__ import annotations

import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import catalog

import tests.integration.drift_coverage.changes  # noqa: F401 - fills the registry
from tests.cluster import BINARIES
from tests.integration.drift_coverage.columns import CATALOGS, SEEN, listed
from tests.integration.drift_coverage.model import CHANGES, Change, Item
from tests.integration.drift_coverage.server import Trial, one_of_everything
from tests.integration.drift_coverage.tried import REFUSALS, Tried, attempt_all, attempt_some
from tests.integration.postgresql_migration.driver import Project
from tests.snapshot_query import branches

# Attributes that can only be another one of a new object, and a new object is seen as such.
FIXED = {("publication", "all_tables"), ("shell type", "owner")}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with one_of_everything(tmp_path_factory.mktemp("everything")) as found:
        yield found


@pytest.fixture(scope="module")
def trial(project: Project) -> Iterator[Trial]:
    found = Trial(project.cluster, project.database)
    yield found
    found.close()


@pytest.fixture(scope="module")
def items(trial: Trial) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = defaultdict(list)
    for item in trial.items:
        found[item.kind].append(item)
    return found


@pytest.fixture(scope="module")
def tried(trial: Trial, items: dict[str, list[Item]]) -> Callable[[Change], Tried]:
    """Each change on some objects, once."""
    return cache(lambda change: attempt_some(trial, change, items[change.kind]))


@pytest.fixture(scope="module")
def everything(tried: Callable[[Change], Tried]) -> list[Tried]:
    return [tried(change) for change in CHANGES]


def check(found: Tried) -> None:
    assert [f"{outcome} does not name {outcome.missed}" for outcome in found.missed] == []
    bad = [f"{outcome}: {outcome.refused}" for outcome in found.refused if outcome.refused[0] not in REFUSALS]  # type: ignore[index]
    assert bad == [], "not a refusal that has to do with the object: the change itself is wrong"
    assert found.seen, f"{found.change.id} applies to no object: {[str(outcome.refused) for outcome in found.refused]}"


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.id)
def test_a_change_is_seen(tried: Callable[[Change], Tried], change: Change) -> None:
    check(tried(change))


def test_every_kind_of_object_has_its_changes(items: dict[str, list[Item]]) -> None:
    of_query = {kind for kinds, _attributes in branches() for kind in kinds}
    assert set(items) == of_query, "every_kind.sql and by_superuser.sql make one of each"
    assert {change.kind for change in CHANGES} == of_query
    assert len({change.id for change in CHANGES}) == len(CHANGES)


def _changed(everything: list[Tried]) -> set[tuple[str, str]]:
    return {
        (kind, attribute)
        for found in everything
        for outcome in found.seen
        for kind, attributes in outcome.by_kind()
        for attribute in attributes or ("name",)
    }


def test_every_attribute_is_changed_by_something(everything: list[Tried], trial: Trial) -> None:
    """Each that an object here has, and each that the query can give at all."""
    changed = _changed(everything)
    here = {(item.kind, name) for item in trial.items for name in item.attributes}
    assert here - changed - FIXED == set()
    for kinds, attributes in branches():
        seen = {attribute for kind, attribute in changed | FIXED if kind in kinds}
        assert attributes - seen == set(), kinds


def test_every_column_of_the_catalogs_is_accounted_for(trial: Trial) -> None:
    live = {name: set(columns) for name, columns in trial.catalog_columns().items()}
    assert set(CATALOGS) == set(live)
    for name in (name for name, entry in CATALOGS.items() if isinstance(entry, dict)):
        named = listed(name)
        assert len(named) == len(set(named)) and set(named) == live[name], name


def test_what_is_said_of_a_column_is_true(everything: list[Tried]) -> None:
    observed = {pair for found in everything for pair in found.observed()}
    # A row that is made anew has all its columns written.
    wrong = {
        (name, column, what)
        for (name, column), what in SEEN.items()
        if not {(f"{name}.{column}", what), (name, what)} & observed
    }
    assert wrong == set()


def test_postgresql_writes_nothing_that_is_not_accounted_for(everything: list[Tried]) -> None:
    """Of what a change wrote, something is seen, or follows from what is."""
    for found in everything:
        for outcome in found.seen:
            if outcome.written:
                assert any(_accounted(where) for where in outcome.written), str(outcome)


def _accounted(where: str) -> bool:
    name, _dot, column = where.partition(".")
    return (name, column) in SEEN if column else isinstance(CATALOGS[name], dict)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT nextval('erp.people_id_seq')",
        "ALTER SEQUENCE erp.people_id_seq RESTART WITH 700",
        "INSERT INTO erp.people (full_name) VALUES ('x')",
        "ANALYZE erp.people",
        "REINDEX TABLE erp.people",
        "TRUNCATE erp.people CASCADE",
        "ALTER TABLE erp.people RENAME TO other; ALTER TABLE erp.other RENAME TO people",
        "GRANT SELECT ON erp.people TO mallory; REVOKE SELECT ON erp.people FROM mallory",
        "GRANT SELECT (id) ON erp.people TO mallory; REVOKE SELECT (id) ON erp.people FROM mallory",
        "REVOKE USAGE ON TYPE erp.people FROM PUBLIC; GRANT USAGE ON TYPE erp.people TO PUBLIC",
        "ALTER TABLE erp.people ADD COLUMN x int; ALTER TABLE erp.people DROP COLUMN x",
        "CREATE TABLE public.other (id bigint); DROP TABLE public.other",
        "CREATE ROLE another; COMMENT ON DATABASE portfolio IS 'x'",
    ],
)
def test_what_is_no_change_of_the_schema_is_not_seen(trial: Trial, statement: str) -> None:
    assert trial.differences_after(statement) == {}


def test_long_signatures_are_told_apart(trial: Trial) -> None:
    arguments = ", ".join(f"a_rather_long_name_{number} integer" for number in range(4))
    made = [
        f"CREATE FUNCTION erp.long({arguments}{last}) RETURNS integer LANGUAGE sql AS 'SELECT 1'"
        for last in ("", ", last integer")
    ]
    assert len(trial.differences_after("; ".join(made))) == 2


# A dump of one database does not hold its rights; row security, which holds for the owner here, keeps the view from
# being filled; and a subscription is left out on purpose.
NOT_IN_A_DUMP = ["database this", "materialized view sample.sums", "subscription sample.part copies"]


def test_a_restored_dump_is_the_same(project: Project, trial: Trial, tmp_path: Path) -> None:
    server = ["-h", project.cluster.socket_directory, "-U", "postgres", "-d"]
    dump = str(tmp_path / "dump")
    subprocess.run(
        [BINARIES / "pg_dump", *server, project.database, "-Fc", "-f", dump, "--no-subscriptions"], check=True
    )
    project.query("CREATE DATABASE restored TEMPLATE template0 OWNER erp_admin")
    subprocess.run([BINARIES / "pg_restore", *server, "restored", dump], check=False, capture_output=True)
    restored = Trial(project.cluster, "restored")
    try:
        assert catalog.changed(trial.objects(), restored.objects()) == NOT_IN_A_DUMP
    finally:
        restored.close()


@pytest.mark.long
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.id)
def test_a_change_is_seen_on_every_object(
    trial: Trial, items: dict[str, list[Item]], all_objects: list[Tried], change: Change
) -> None:
    found = attempt_all(trial, change, items[change.kind])
    all_objects.append(found)
    check(found)


@pytest.fixture(scope="module")
def all_objects() -> list[Tried]:
    return []


@pytest.mark.long
def test_all_objects_were_tried(all_objects: list[Tried], record_property: Callable[[str, object], None]) -> None:
    _tell(all_objects, "every object", record_property)


def test_how_much_was_tried(everything: list[Tried], record_property: Callable[[str, object], None]) -> None:
    _tell(everything, "some objects of each shape", record_property)


def _tell(everything: list[Tried], where: str, record_property: Callable[[str, object], None]) -> None:
    kinds = {found.change.kind for found in everything}
    seen = sum(len(found.seen) for found in everything)
    record_property(
        "summary",
        f"drift seen: {len(everything)} kinds of change on {len(kinds)} kinds of object, tried on {where}: "
        f"{sum(found.count for found in everything)} tried, {seen} seen, "
        f"{sum(len(found.refused) for found in everything)} refused by PostgreSQL",
    )
    assert seen == sum(found.count for found in everything)
