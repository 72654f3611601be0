"""The OpenAPI document as a page to read: plain values for the template, which fetches nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_SCHEMAS = "#/components/schemas/"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of what says of which type something is.

    Attributes:
        text: in words.
        schema: whose name it is; empty where it is none.
    """

    text: str
    schema: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a field of a schema."""

    name: str
    where: str
    type: tuple[Part, ...]
    required: bool
    told: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    id: str
    method: str
    path: str
    permission: str
    told: str
    fields: tuple[Field, ...]
    body: tuple[Part, ...]
    answer: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Schema:
    """What a body or an answer is made of; ``type`` where it has no fields."""

    name: str
    told: str
    type: tuple[Part, ...]
    fields: tuple[Field, ...]


def operations(document: Mapping[str, Any]) -> dict[str, list[Operation]]:
    """All operations of a document by their first tag, both in order of the document."""
    found: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            tag = next(iter(said.get("tags", ())), "other")
            found.setdefault(tag, []).append(_operation(method, path, said))
    return found


def schemas(document: Mapping[str, Any]) -> list[Schema]:
    """All schemas of a document, by name."""
    named = document.get("components", {}).get("schemas", {})
    return [
        Schema(name, said.get("description", ""), tuple(_type(said)), tuple(_properties(said)))
        for name, said in sorted(named.items())
    ]


def _operation(method: str, path: str, said: Mapping[str, Any]) -> Operation:
    answers = [one for code, one in said.get("responses", {}).items() if code.startswith("2")]
    return Operation(
        id=said["operationId"],
        method=method.upper(),
        path=path,
        permission=said["x-permission"],
        told=said.get("description") or said.get("summary", ""),
        fields=tuple(
            Field(
                one["name"],
                one["in"],
                tuple(_type(one.get("schema", {}))),
                one.get("required", False),
                one.get("description") or one.get("schema", {}).get("description", ""),
            )
            for one in said.get("parameters", ())
        ),
        body=tuple(_contents(said.get("requestBody", {}))),
        answer=tuple(part for one in answers for part in _contents(one)),
    )


def _contents(said: Mapping[str, Any]) -> Iterator[Part]:
    """The types of a body, with their media type where that is not JSON."""
    for media, content in said.get("content", {}).items():
        parts = list(_type(content.get("schema", {})))
        if media != "application/json":
            parts = [Part(media), *([Part(": "), *parts] if any(part.schema for part in parts) else [])]
        yield from parts


def _properties(said: Mapping[str, Any]) -> Iterator[Field]:
    required = said.get("required", ())
    for name, one in said.get("properties", {}).items():
        yield Field(name, "", tuple(_type(one)), name in required, one.get("description", ""))


def _type(said: Mapping[str, Any]) -> Iterator[Part]:
    """Of which type a schema is, in words."""
    if "$ref" in said:
        name = said["$ref"].removeprefix(_SCHEMAS)
        yield Part(name, name)
        return
    choices = said.get("anyOf") or said.get("oneOf") or said.get("allOf")
    if choices:
        for number, one in enumerate(choices):
            yield from ([Part(" or ")] if number else [])
            yield from _type(one)
    elif "const" in said or "enum" in said:
        yield Part(", ".join(str(one) for one in said.get("enum", [said.get("const")])))
    elif said.get("type") == "array":
        yield Part("list of ")
        yield from _type(said.get("items", {}))
    else:
        kind = str(said.get("type", "anything"))
        kind = said.get("format", kind) if kind == "string" else kind
        yield Part(f"{kind}{_bounds(said)}")


def _bounds(said: Mapping[str, Any]) -> str:
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "exclusiveMaximum": "below",
        "maxLength": "characters at most:",
    }
    told = ", ".join(f"{word} {_number(said[name])}" for name, word in words.items() if name in said)
    return f" ({told})" if told else ""


def _number(value: float) -> str:
    """A bound; the document has whole ones with a fraction of nought."""
    return str(int(value)) if value == int(value) else str(value)
