"""A wheel, installed elsewhere, carries what it needs."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(module_tmp):
    folder = module_tmp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "--wheel-dir", str(folder), str(ROOT)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    [file] = folder.glob("nightreid-*.whl")
    return file


@pytest.mark.slow
def test_it_carries_configs_templates_migrations_and_models(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "configs/run.yaml" in names
    assert "models/README.md" in names
    assert {"console/templates/report.html", "console/templates/report.css"} <= names
    assert any(name.startswith("reid_core/gallery/migrations/versions/0001") for name in names)
    assert not any(name.startswith(("tests/", ".venv/", "docs/")) or name.endswith(".pyc") for name in names)


@pytest.mark.slow
def test_it_runs_from_another_folder(wheel, tmp_path):
    # The dependencies are this environment's; the code under test is the wheel's alone.
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import reid_core\n"
        "assert reid_core.__file__.startswith(sys.argv[1]), reid_core.__file__\n"
        "from pathlib import Path\n"
        "from reid_core import Gallery\n"
        "from reid_core.config import load_config\n"
        "from stream.chain.config import RunSettings\n"
        "import stream.chain.config\n"
        "with Gallery.open('sqlite:///x.db') as gallery:\n"
        "    assert gallery.tracklets() == ()\n"
        "configs = Path(stream.chain.config.__file__).parents[2] / 'configs'\n"
        "load_config(RunSettings, configs / 'run.yaml')\n"
        "from console.cli import main\n"
        "sys.argv = ['nightreid', 'run', '--help']\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(site)], cwd=elsewhere, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "--infrared" in done.stdout
