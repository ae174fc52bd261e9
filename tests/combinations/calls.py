"""Which operations of AWS a function's code calls, read from its source, and the IAM action of each.

Reachable is what the handler names: functions of its module, of modules that it imports, and methods by their name.
An operation is a method of a protocol that a boto3 client is cast to.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import botocore.session

ROOTS = tuple(Path(__file__).parents[2] / "lambda" / name for name in ("deployment", "urls"))
MADE_BY = frozenset({"client", "create_client", "_client", "_side_client"})
"""What makes a client of the service that its first argument names."""
TRANSFERS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("s3", "copy"): ("s3:GetObject", "s3:PutObject"),
    ("s3", "download_file"): ("s3:GetObject",),
    ("s3", "upload_fileobj"): ("s3:PutObject",),
    ("s3", "head_object"): ("s3:GetObject",),
    ("s3", "list_objects_v2"): ("s3:ListBucket",),
    ("s3", "list_object_versions"): ("s3:ListBucketVersions",),
    ("s3", "delete_objects"): ("s3:DeleteObject", "s3:DeleteObjectVersion"),
    ("lambda", "invoke"): ("lambda:InvokeFunction",),
}
"""Methods whose action has another name than the operation
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html)."""
_PREFIXES = {"sagemaker-runtime": "sagemaker", "stepfunctions": "states"}
AMBIGUOUS = frozenset({"copy"})
"""Also a method of dict: a call counts with three arguments, as the client's is."""


@dataclass(frozen=True)
class Call:
    """One operation that code can come to."""

    service: str
    method: str
    module: str

    @property
    def actions(self) -> tuple[str, ...]:
        """What IAM asks for it."""
        known = TRANSFERS.get((self.service, self.method))
        return known or (f"{_PREFIXES.get(self.service, self.service)}:{_operations(self.service)[self.method]}",)


@cache
def _operations(service: str) -> dict[str, str]:
    from botocore import xform_name

    names = botocore.session.get_session().get_service_model(service).operation_names
    return {xform_name(name): name for name in names}


@cache
def _trees() -> dict[str, ast.Module]:
    return {
        ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): ast.parse(file.read_text())
        for root in ROOTS
        for file in sorted(root.rglob("*.py"))
    }


@cache
def _clients() -> dict[str, dict[str, set[str]]]:
    """By module, the protocols that it casts clients to, and of which services these are."""
    found: dict[str, dict[str, set[str]]] = {}
    for module, tree in _trees().items():
        made = {
            target.id: node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "cast":
                protocol, client = node.args
                client = made.get(client.id, client) if isinstance(client, ast.Name) else client
                service = _service(client)
                if service is not None and isinstance(protocol, ast.Constant):
                    found.setdefault(module, {}).setdefault(str(protocol.value), set()).add(service)
    return found


@cache
def _methods_of_clients() -> dict[str, frozenset[str]]:
    """Each method of a client's protocol, and the services that have it."""
    services: dict[str, set[str]] = {}
    for cast in _clients().values():
        for protocol, of in cast.items():
            services.setdefault(protocol, set()).update(of)
    methods: dict[str, set[str]] = {}
    for tree in _trees().values():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and node.name in services:
                for each in node.body:
                    if isinstance(each, ast.FunctionDef):
                        methods.setdefault(each.name, set()).update(services[node.name])
    return {name: frozenset(found) for name, found in methods.items()}


def _service(client: ast.expr) -> str | None:
    if not isinstance(client, ast.Call) or not client.args or not isinstance(client.args[0], ast.Constant):
        return None
    name = client.func.attr if isinstance(client.func, ast.Attribute) else getattr(client.func, "id", "")
    return str(client.args[0].value) if name in MADE_BY else None


@dataclass(frozen=True)
class _Place:
    """A function, a class or a module's own statements."""

    module: str
    name: str


@cache
def _definitions() -> dict[_Place, ast.AST]:
    """Functions, methods by their bare name, and classes, of every module."""
    found: dict[_Place, ast.AST] = {}
    for module, tree in _trees().items():
        for node in tree.body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                found[_Place(module, node.name)] = node
            if isinstance(node, ast.ClassDef):
                for each in node.body:
                    if isinstance(each, ast.FunctionDef):
                        found[_Place(module, f"{node.name}.{each.name}")] = each
    return found


def _imports(module: str) -> dict[str, str]:
    """What each imported name of a module stands for; imports for types are none."""
    found = {}
    for node in _run(_trees()[module]):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return found


def _run(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs: not what is only there for types, and no protocol, which has no code."""
    open_ = [tree]
    while open_:
        node = open_.pop()
        yield node
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
                continue
            open_.append(child)


def calls(handler: str) -> set[Call]:
    """The operations that a handler, as Lambda is told it, can come to."""
    module, _, name = handler.rpartition(".")
    definitions, methods = _definitions(), _methods_of_clients()
    seen: set[_Place] = set()
    modules: set[str] = set()
    named: set[str] = set()
    found: set[Call] = set()

    def visit(place: _Place, node: ast.AST) -> None:
        if place in seen:
            return
        seen.add(place)
        enter(place.module)
        imports = _imports(place.module)
        for each in _run(node):
            if isinstance(each, ast.Call):
                found.update(_called(each, place.module, methods))
            if isinstance(each, ast.Name):
                reach(place.module, each.id, imports)
            if isinstance(each, ast.Attribute):
                named.add(each.attr)
                if isinstance(each.value, ast.Name) and imports.get(each.value.id) in _trees():
                    reach(imports[each.value.id], each.attr, {})

    def enter(entered: str) -> None:
        if entered in modules or entered not in _trees():
            return
        modules.add(entered)
        for node in _trees()[entered].body:
            # What stands outside of functions runs when the module is imported.
            if not isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.If)):
                visit(_Place(entered, f"line {node.lineno}"), node)

    def reach(at: str, name: str, imports: Mapping[str, str]) -> None:
        origin, _, last = imports.get(name, f"{at}.{name}").rpartition(".")
        for place, node in definitions.items():
            if place.module == origin and place.name in {last, f"{last}.__init__", f"{last}.__post_init__"}:
                if isinstance(node, ast.ClassDef):
                    classes.add(place)
                else:
                    visit(place, node)

    classes: set[_Place] = set()
    visit(_Place(module, name), definitions[_Place(module, name)])
    while True:
        before = len(seen)
        for place, node in definitions.items():
            owner, _, method = place.name.rpartition(".")
            if (
                owner
                and method in named | {"__enter__", "__exit__", "__call__"}
                and _Place(place.module, owner) in classes
            ):
                visit(place, node)
        if len(seen) == before:
            made = {each for module in modules for of in _clients().get(module, {}).values() for each in of}
            return {call for call in found if call.service in made}


def _called(call: ast.Call, module: str, methods: Mapping[str, frozenset[str]]) -> Iterator[Call]:
    if not isinstance(call.func, ast.Attribute):
        return
    method = call.func.attr
    if method == "get_paginator" and isinstance(call.args[0], ast.Constant):
        method = str(call.args[0].value)
        services = {service for service in methods["get_paginator"] if method in _operations(service)}
    elif method in AMBIGUOUS and len(call.args) + len(call.keywords) < 3:
        return
    else:
        services = set(methods.get(method, frozenset())) if method != "get_paginator" else set()
    yield from (Call(service, method, module) for service in services)
