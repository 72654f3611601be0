"""The command line: what it accepts, found out without running anything, and what came of a command."""

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import typer

from console.cli import app


class Outcome(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str

    def error(self, code: str) -> str:
        """The one sentence of an error of this code."""
        assert self.status not in (0, 70), self.err
        assert "Traceback" not in self.err, self.err
        (line,) = [line for line in self.err.splitlines() if line.startswith("error[")]
        assert line.startswith(f"error[{code}]: "), self.err
        assert line.endswith((".", "?")), line
        return line.partition(": ")[2]


def accepted(words: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """Name and parameters of the command that ``nightreid WORDS`` would run; raises where it would refuse."""
    command: Any = typer.main.get_command(app)
    context, rest, names = command.make_context("nightreid", list(words)), list(words), []
    while hasattr(command, "resolve_command"):
        while rest and rest[0] == "--debug":
            rest = rest[1:]
        name, command, rest = command.resolve_command(context, rest)
        assert command is not None and name is not None, words
        names.append(name)
        context = command.make_context(name, list(rest), parent=context)
    return " ".join(names), dict(context.params)


def console_lines(markdown: str) -> Iterator[list[str]]:
    """The words of each command in a document's console blocks; ``…`` stands for anything."""
    for block in re.findall(r"```console\n(.*?)```", markdown, re.DOTALL):
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            if line.startswith("$ "):
                yield shlex.split(line.removeprefix("$ "), comments=True)


def anchors(markdown: str) -> set[str]:
    """Names by which a document's headings are linked to."""
    text = re.sub(r"```.*?```", "", markdown, flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}
