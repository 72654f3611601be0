"""docs/console.md: its table of roles is the code's, its commands and settings exist."""

import re
from pathlib import Path

import pytest

from console.api.settings import ServeSettings
from reid_core.access import PERMISSIONS, Permission, Role
from reid_core.config import load_config
from tests.support.command_line import accepted, console_lines

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/console.md").read_text(encoding="utf-8")


def table():
    """The table of roles as the code has it."""
    return [
        f"| `{one}` | {' | '.join('yes' if one in PERMISSIONS[role] else '' for role in Role)} |"
        for one in Permission
    ]


def test_its_table_of_roles_is_the_codes():
    section = DOCUMENT.partition("## Roles")[2].partition("\n## ")[0]
    assert [line for line in section.splitlines() if line.startswith("| `")] == table()


def test_its_settings_are_all_there_are():
    named = set(re.findall(r"^\| `(\w+)` \| \w", DOCUMENT.partition("## Roles")[0], re.MULTILINE))
    assert named | {"gallery_file", "log"} == set(ServeSettings.model_fields)


def test_its_commands_exist():
    ours = [words[1:] for words in console_lines(DOCUMENT) if words[0] == "nightreid"]
    assert len(ours) > 6
    assert {accepted(words)[0] for words in ours} >= {"serve", "user add", "token add"}


def test_the_file_of_settings_holds_every_one_at_its_default():
    settings = load_config(ServeSettings, ROOT / "configs/serve.yaml")
    assert settings == ServeSettings()
    assert settings.model_fields_set == set(ServeSettings.model_fields)


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)", DOCUMENT))
def test_its_links_lead_somewhere(target):
    assert (ROOT / "docs" / target).exists()
