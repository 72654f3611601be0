"""The rooms: imports go down only and never in a circle, files are short, and systems stand apart.

Down is: console -> {stream, training} -> detectors -> reid_core.
"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from reid_core.models.systems import SYSTEMS

ROOT = Path(__file__).parents[1]

BELOW = {
    "reid_core": set(),
    "detectors": {"reid_core"},
    "stream": {"detectors", "reid_core"},
    "training": {"detectors", "reid_core"},
    "console": {"stream", "training", "detectors", "reid_core"},
}


@cache
def modules():
    """Every module of the rooms, by name."""
    found = {}
    for room in BELOW:
        for file in sorted((ROOT / room).rglob("*.py")):
            parts = file.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def imported(name, tree):
    """Full names of what a module imports, wherever in it: modules, and names out of modules."""
    package = modules()[name].name == "__init__.py"
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = name.split(".") + ([""] if package else [])
                base = ".".join([*parents[: -node.level], *filter(None, [node.module])])
            names = [f"{base}.{alias.name}" for alias in node.names]
            yield from names
            # Taking one module out of a package is no use of what the package itself defines.
            if not all(one in modules() for one in names):
                yield base
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            first = node.args[0] if node.args else None
            if called in ("import_module", "__import__") and isinstance(first, ast.Constant):
                yield str(first.value)


def imports_of(name):
    """The modules of the rooms that a module imports."""
    tree = ast.parse(modules()[name].read_text(encoding="utf-8"))
    return {one for one in imported(name, tree) if one in modules()} - {name}


def test_the_rooms_are_there():
    assert {name.split(".")[0] for name in modules()} == set(BELOW)
    assert "reid_core.types" in imports_of("detectors.detector")
    assert "detectors.openvino_network" in imports_of("detectors.detector"), "imports in functions count"


@pytest.mark.parametrize("room", BELOW)
def test_a_room_imports_only_what_lies_below_it(room):
    inside = [name for name in modules() if name.split(".")[0] == room]
    upward = {
        (name, other)
        for name in inside
        for other in imports_of(name)
        if other.split(".")[0] not in {room, *BELOW[room]}
    }
    assert upward == set()


def circle_from(name, graph, path=(), done=None):
    """The first circle of imports reached from a module, if there is one."""
    done = set() if done is None else done
    if name in path:
        return [*path[path.index(name) :], name]
    if name in done:
        return None
    for other in sorted(graph[name]):
        found = circle_from(other, graph, (*path, name), done)
        if found:
            return found
    done.add(name)
    return None


def test_no_module_imports_itself_by_way_of_others():
    graph = {name: imports_of(name) for name in modules()}
    done = set()
    circles = [found for name in graph if (found := circle_from(name, graph, (), done))]
    assert circles == []


@pytest.mark.parametrize("room", [*BELOW, "training.synthetic"])
def test_imports_go_down_inside_a_room_too(room):
    graph = {}
    depth = room.count(".") + 2
    for name in modules():
        if name.startswith(f"{room}."):
            own = ".".join(name.split(".")[:depth])
            used = {".".join(other.split(".")[:depth]) for other in imports_of(name)}
            graph.setdefault(own, set()).update(one for one in used - {own} if one.startswith(f"{room}."))
    assert len(graph) > 2
    done = set()
    assert [found for name in graph if (found := circle_from(name, graph, (), done))] == []


def test_a_circle_would_be_found():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}
    assert circle_from("a", graph) == ["b", "c", "b"]
    assert circle_from("d", graph) is None


def test_the_tools_that_nobody_may_name():
    """DESIGN: no file called utils."""
    assert not [name for name in modules() if name.rpartition(".")[2] in ("utils", "helpers", "misc")]


MOST_LINES = 400


def test_a_file_can_be_read_in_one_sitting():
    """DESIGN: a file has one subject."""
    lengths = {name: len(file.read_text(encoding="utf-8").splitlines()) for name, file in modules().items()}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def spellings(system):
    """Finds a system's name in text, as words, in names of modules and in those of classes."""
    words = re.split(r"[-_]", system)
    joined = "[-_ ]".join(words)
    as_class = "".join(word.capitalize() for word in words)
    return re.compile(rf"(?<![A-Za-z]){joined}(?![a-z])|(?<![A-Za-z]){as_class}(?![a-z])")


REGISTRY_LINE = re.compile(r'"([\w-]+)": "([\w.]+):\w+"')


def systems():
    """Name and module of each system of this repository."""
    return REGISTRY_LINE.findall(modules()["reid_core.models.systems"].read_text(encoding="utf-8"))


@pytest.mark.parametrize(("system", "module"), systems())
def test_a_systems_name_stands_in_its_own_files_and_in_registries_alone(system, module):
    own = ".".join(module.split(".")[:3])
    named = {
        ".".join(name.split(".")[:3])
        for name, file in modules().items()
        if spellings(system).search(REGISTRY_LINE.sub("", file.read_text(encoding="utf-8")))
    }
    assert own in named, "names are found where they stand"
    assert named - {own, f"training.systems.{system.replace('-', '_')}"} == set()


def test_every_system_of_this_repository_is_looked_at():
    assert systems() and {name for name, _ in systems()} <= set(SYSTEMS.names)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from reid_core.models.dual_stream import network", True),
        ("class DualStreamOutput:", True),
        ("a dual-stream embedder", True),
        ("dual streams of frames, DualStreams", False),
    ],
)
def test_a_systems_name_would_be_found(text, found):
    assert bool(spellings("dual-stream").search(text)) is found
