# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the tables in Mermaid: one sheet with all tables and their columns cannot be read, a subject can."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tests.generate.catalog import Key, Table

# Every table belongs to one subject; the order is the order of the document.
SUBJECTS: dict[str, tuple[str, str]] = {
    "Who": (
        "People and organizations, the ventures they run and what a venture wants to reach.",
        "erp.people erp.organizations erp.ventures erp.okrs agent.client_profiles",
    ),
    "Work": ("Projects, the tasks in them and the sprints they are planned for.", "erp.projects erp.sprints erp.tasks"),
    "Services": (
        "What can be bought, how it is delivered and what a client bought.",
        "erp.service_blueprints erp.offers erp.engagements erp.deliverables erp.workflows",
    ),
    "Runs": (
        "Processes as they are meant, as they went and how well they went.",
        "erp.process_templates erp.execution_runs agent.step_evaluations agent.sessions agent.plans "
        "agent.scheduler_runs",
    ),
    "Memory": (
        "What agents saw, learned, want and hold in mind.",
        "agent.events agent.facts agent.memory_entries agent.working_state agent.goals agent.reflections",
    ),
    "Configuration": (
        "What people set up for agents: profiles, their tools, contexts and prompts.",
        "agent.profiles agent.tools agent.profile_tools agent.context_recipes agent.prompt_templates",
    ),
    "Knowledge": (
        "What agents made and how it hangs together: artifacts, blocks and the graph.",
        "agent.artifacts agent.blocks agent.block_actions agent.graph_nodes agent.graph_edges",
    ),
}


def subjects() -> dict[str, tuple[str, ...]]:
    return {title: tuple(names.split()) for title, (_text, names) in SUBJECTS.items()}


def sorted_into(tables: Iterable[Table]) -> dict[str, tuple[Table, ...]]:
    """The tables of each subject; one that belongs to none, or to two, is an error of ours."""
    known = {table.name: table for table in tables}
    named = [name for names in subjects().values() for name in names]
    wrong = {*known} ^ {*named} | {name for name in named if named.count(name) > 1}
    if wrong:
        raise ValueError(f"tests/generate/er.py: {', '.join(sorted(wrong))} must stand in exactly one of SUBJECTS.")
    return {title: tuple(known[name] for name in names) for title, names in subjects().items()}


def entity(name: str) -> str:
    """Mermaid's name for a table; the dot is left to the label."""
    return name.replace(".", "_")


def fenced(lines: Iterable[str]) -> str:
    return "```mermaid\n" + "\n".join(lines) + "\n```\n"


def relation(key: Key) -> str:
    """The parent stands left: one, or none where the column may be null, to any number of the child."""
    parent = "||" if key.required else "|o"
    child = "o|" if key.single else "o{"
    return f"    {entity(key.parent)} {parent}--{child} {entity(key.child)} : {', '.join(key.columns)}"


def _type(text: str) -> str:
    """Mermaid takes one word: no blank, no comma; numeric(12,2) is numeric."""
    short = {"timestamp with time zone": "timestamptz", "double precision": "float8"}
    return short.get(text, text.partition("(")[0]).replace(" ", "_")


def box(table: Table) -> Iterator[str]:
    """A table with its columns, except those that every table has."""
    primary, foreign = table.constraint_columns("primary key"), table.constraint_columns("foreign key")
    alone = [item for item in table.constraints if len(item.attributes["columns"]) == 1]
    unique = {item.attributes["columns"][0] for item in alone if item.attributes["type"] == "unique"}
    yield f'    {entity(table.name)}["{table.name}"] {{'
    for column in table.columns:
        if column.name in ("global_id", "created_at", "updated_at"):
            continue
        marks = [
            mark for mark, names in (("PK", primary), ("FK", foreign), ("UK", unique - foreign)) if column.name in names
        ]
        yield f"        {_type(column.attributes['type'])} {column.name}{' ' if marks else ''}{', '.join(marks)}"
    yield "    }"


def picture(inside: tuple[Table, ...]) -> str:
    """A subject with its columns; what it refers to elsewhere stands by name only."""
    names = {table.name for table in inside}
    keys = [key for table in inside for key in table.keys]
    outside = sorted({key.parent for key in keys} - names)
    return fenced(
        [
            "erDiagram",
            *(line for table in inside for line in box(table)),
            *(f'    {entity(name)}["{name}"]' for name in outside),
            *(relation(key) for key in keys),
        ]
    )


def overview(sorted_tables: dict[str, tuple[Table, ...]]) -> str:
    """All tables without columns, each beside the others of its subject."""
    lines = ["flowchart LR"]
    for number, (title, inside) in enumerate(sorted_tables.items(), start=1):
        lines += [f'    subgraph s{number}["{title}"]', *(f'        {entity(t.name)}["{t.name}"]' for t in inside)]
        lines.append("    end")
    every = [key for inside in sorted_tables.values() for table in inside for key in table.keys]
    # Two keys between the same two tables are one line here.
    arrows = dict.fromkeys(f"    {entity(key.child)} --> {entity(key.parent)}" for key in every)
    return fenced([*lines, *arrows])
