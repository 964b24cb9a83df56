# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages of plugins and verbs, from their syntax trees: f-strings, alternatives, helpers that build them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

from tests.consistency.repository import read, tracked
from tests.generate.messages import Message, is_frame, product, tidy, words

RAISED = set(
    "MigrationError UnreachableError LeaseError TokenError DockerError CloudflareError Refused "
    "AnsibleActionFail AnsibleError AnsibleFilterError AnsibleLookupError".split()
)
# Shown inside of another message, between brackets, and so without a remedy of their own.
PARTS = {"DockerError", "DatabaseError"}
# Functions whose texts are one message each.
COLLECTORS = re.compile(r"problem|warning")
# Says the first of the problems that others found, and how many there are.
HANDED_ON = {("plugins/module_utils/files/manager.py", "refuse")}
DEEPEST = 4

Function = ast.FunctionDef


@dataclass
class Scope:
    """Where a text stands: its module's functions, its own function, and what is known of the names in it."""

    functions: dict[str, Function]
    function: Function | None = None
    known: dict[str, list[str]] = field(default_factory=dict)
    depth: int = 0

    def inside(self, function: Function, known: dict[str, list[str]]) -> Scope:
        return Scope(self.functions, function, known, self.depth + 1)


def name_of(node: ast.expr) -> str:
    """The last name in an expression: `item.path` is a path, `", ".join(names)` are names."""
    match node:
        case ast.Name(id=name):
            return name.lower()
        case ast.Attribute(attr=name, value=value):
            return "error" if name == "strerror" else name if name not in ("name", "key") else name_of(value)
        case ast.Subscript(value=value, slice=index):
            return (
                str(index.value) if isinstance(index, ast.Constant) and isinstance(index.value, str) else name_of(value)
            )
        case ast.Call(func=ast.Attribute(attr="join"), args=[argument]):
            return name_of(argument)
        case ast.Call(func=ast.Attribute(value=value), args=[]):
            return name_of(value)
        case ast.Call(args=[argument, *_]):
            return name_of(argument)
        case ast.Call(func=function):
            return name_of(function)
        case ast.GeneratorExp(elt=element) | ast.FormattedValue(value=element) | ast.BoolOp(values=[element, *_]):
            return name_of(element)
        case ast.BinOp(left=left):
            return name_of(left)
    return "…"


def texts(node: ast.expr, scope: Scope) -> list[str]:
    """The texts that an expression can be, with <name> for what only a run knows."""
    match node:
        case ast.Constant(value=value):
            return [str(value)] if isinstance(value, (str, int)) else []
        case ast.JoinedStr(values=values):
            return product([texts(value, scope) for value in values])
        case ast.FormattedValue(value=value):
            return texts(value, scope)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return product([texts(left, scope), texts(right, scope)])
        case ast.IfExp(body=body, orelse=other):
            return texts(body, scope) + texts(other, scope)
        case ast.BoolOp(op=ast.Or(), values=values):
            return [text for value in values for text in texts(value, scope)]
        case ast.Name(id=name):
            return named(name, scope)
        case ast.Call():
            return called(node, scope)
    return [f"<{name_of(node)}>"]


def named(name: str, scope: Scope) -> list[str]:
    """A name is what was assigned to it in the same function, where that is a text."""
    if name in scope.known:
        return scope.known[name]
    found: list[str] = []
    for node in ast.walk(scope.function) if scope.function else ():
        if isinstance(node, ast.Assign) and any(
            isinstance(item, ast.Name) and item.id == name for item in node.targets
        ):
            found += texts(node.value, Scope(scope.functions, scope.function, {name: [f"<{name}>"]}, scope.depth + 1))
    told = [text for text in found if re.search(r"[a-z]{2}", words(text)) or not text]
    return told if any(told) and scope.depth < DEEPEST else [f"<{name}>"]


def called(node: ast.Call, scope: Scope) -> list[str]:
    """A helper of ours is what it returns; a dict's get is one of its values."""
    if isinstance(node.func, ast.Attribute) and node.func.attr == "get" and isinstance(node.func.value, ast.Dict):
        return [text for value in [*node.func.value.values, *node.args[1:]] for text in texts(value, scope)]
    function = helper(node, scope)
    if function is None or scope.depth >= DEEPEST:
        return [f"<{name_of(node)}>"]
    inner = scope.inside(function, arguments(node, function, scope))
    found = [
        text
        for item in ast.walk(function)
        if isinstance(item, ast.Return) and item.value is not None
        for text in texts(item.value, inner)
        if re.search(r"[a-z]{2}", words(text))
    ]
    return found or [f"<{name_of(node)}>"]


def helper(node: ast.Call, scope: Scope) -> Function | None:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    function = scope.functions.get(name) or shared().get(name)
    return function if function is not None and ast.unparse(function.returns or ast.Constant("")) in TOLD else None


TOLD = {"str", "str | None", "MigrationError"}


def arguments(node: ast.Call, function: Function, scope: Scope) -> dict[str, list[str]]:
    names = [argument.arg for argument in function.args.args if argument.arg != "self"]
    given = dict(zip(names, node.args, strict=False)) | {item.arg: item.value for item in node.keywords if item.arg}
    told = {name: texts(value, scope) for name, value in given.items()}
    return {name: found for name, found in told.items() if any(re.search(r"\w", words(text)) for text in found)}


@cache
def modules() -> dict[str, ast.Module]:
    return {name: ast.parse(read(name)) for name in ("portfolio", *tracked("cli/*.py", "plugins/*.py"))}


def functions_of(module: ast.Module) -> dict[str, Function]:
    return {node.name: node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)}


@cache
def shared() -> dict[str, Function]:
    """Helpers that other modules call by their module's name, such as lease.held_sentence."""
    return {
        name: function
        for module in modules().values()
        for name, function in functions_of(module).items()
        if name.endswith("_sentence")
    }


def messages() -> Iterator[Message]:
    for name, module in modules().items():
        for message in Reader(name, module).read():
            if (message.file, message.name) not in HANDED_ON:
                yield message


class Reader:
    """Walks one module and remembers in which function it is."""

    def __init__(self, file: str, module: ast.Module) -> None:
        self.file = file
        self.module = module
        self.functions = functions_of(module)

    def read(self) -> Iterator[Message]:
        yield from self.walk(self.module, None, "")

    def walk(self, node: ast.AST, function: Function | None, owner: str) -> Iterator[Message]:
        for child in ast.iter_child_nodes(node):
            inside, name = function, owner
            if isinstance(child, ast.FunctionDef):
                inside = child
            elif isinstance(child, ast.ClassDef):
                name = child.name
            for text, kind in self.told(child, function, owner):
                named = child if isinstance(child, ast.FunctionDef) else function
                where = named.name if named and named.name != "__init__" else owner
                yield Message(self.file, where or "start", tidy(text), kind)
            yield from self.walk(child, inside, name)

    def told(self, node: ast.AST, function: Function | None, owner: str) -> Iterator[tuple[str, str]]:
        scope = Scope(self.functions, function)
        for expression, kind in self.expressions(node, function, owner):
            for text in self.over_calls(expression, scope):
                if not is_frame(tidy(text)):
                    yield text, kind

    def expressions(self, node: ast.AST, function: Function | None, owner: str) -> Iterator[tuple[ast.expr, str]]:
        """What of a node is said to somebody."""
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[text, *_]) if name in RAISED:
                yield (node.args[-1] if name == "UnreachableError" else text), "part" if name in PARTS else "error"
            case ast.Call(func=ast.Attribute(attr="fail_json")):
                yield from ((item.value, "error") for item in node.keywords if item.arg == "msg")
            case ast.Call(func=ast.Attribute(attr="fail", value=ast.Name(id="self")), args=[text, *_]):
                yield text, "error"
            case ast.Call(
                func=ast.Attribute(attr="exit", value=ast.Name(id="sys")), args=[ast.Constant(str()) as text]
            ):
                yield text, "error"
            case ast.Call(func=ast.Attribute(attr="warn") | ast.Name(id="warn"), args=[text]):
                yield text, "warning"
            case ast.Call(func=ast.Attribute(attr="__init__", value=ast.Call(func=ast.Name(id="super"))), args=[text]):
                if owner.endswith("Error"):
                    yield text, "part" if owner in PARTS else "error"
            case ast.FunctionDef(body=body) | ast.If(body=body) | ast.With(body=body) | ast.Try(body=body):
                yield from ((text, "error") for text in said_before_failing(body))
        yield from ((text, "warning") for text in left_to_a_person(node))
        if function is not None and COLLECTORS.search(function.name):
            yield from collected(node, "warning" if "warning" in function.name else "error")

    def over_calls(self, expression: ast.expr, scope: Scope) -> list[str]:
        """A helper that raises what it was given tells one message for each of its calls."""
        function = scope.function
        if function is None or not function.name.startswith("_") or function.name == "__init__":
            return texts(expression, scope)
        names = {node.id for node in ast.walk(expression) if isinstance(node, ast.Name)}
        names &= {argument.arg for argument in function.args.args} - {"self", "name", "path"}
        found: list[str] = []
        for caller, call in self.calls(function.name) if names else ():
            known = arguments(call, function, Scope(self.functions, caller, depth=2))
            told = {name: text for name, text in known.items() if name in names}
            found += texts(expression, scope.inside(function, told)) if told else []
        return found or texts(expression, scope)

    def calls(self, name: str) -> Iterator[tuple[Function, ast.Call]]:
        for caller in self.functions.values():
            for node in ast.walk(caller):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in (name, f"self.{name}"):
                    yield caller, node


def collected(node: ast.AST, kind: str) -> Iterator[tuple[ast.expr, str]]:
    """Sentences that a function gathers in a list."""
    match node:
        case ast.Call(func=ast.Attribute(attr="append"), args=[text]):
            yield text, kind
        case ast.Return(value=ast.List(elts=elements)) | ast.AugAssign(value=ast.List(elts=elements)):
            yield from ((element, kind) for element in elements)
        case ast.AugAssign(value=ast.ListComp(elt=text)) | ast.Return(value=ast.ListComp(elt=text)):
            yield text, kind
        case ast.Return(value=ast.JoinedStr() as text):
            yield text, kind


def left_to_a_person(node: ast.AST) -> Iterator[ast.expr]:
    """What a plan leaves, as the warning that it becomes: the object, what is with it, what to do."""
    match node:
        case ast.Call(func=ast.Name(id="Left"), args=[subject, detail, remedy]):
            said = [subject, ast.Constant(": "), detail, ast.Constant("; "), remedy]
            yield ast.JoinedStr([ast.FormattedValue(part, -1) for part in said])


def said_before_failing(body: list[ast.stmt]) -> Iterator[ast.expr]:
    """`say` is for progress too; it tells of a failure where an exit code follows that is not 0."""
    for statement, following in pairwise(body):
        match statement, following:
            case (
                ast.Expr(value=ast.Call(func=ast.Name(id="say"), args=[text])),
                ast.Return(value=ast.Constant(value=1) | ast.Name(id="code")),
            ):
                yield text
