"""Every configuration that ships is valid, and says what the defaults are."""

from pathlib import Path

import pytest

from reid_core.config import load_config
from reid_core.errors import ConfigError
from stream.chain.config import RunSettings
from stream.worker.config import WorkerSettings
from training.systems.reading import load_recipe, parse_recipe

CONFIGS = Path(__file__).parents[1] / "configs"


def test_only_yaml_lives_here():
    assert {file.suffix for file in CONFIGS.iterdir() if file.is_file()} == {".yaml"}


def test_run_yaml_holds_every_setting_at_its_default():
    settings = load_config(RunSettings, CONFIGS / "run.yaml")
    assert settings == RunSettings()
    spelled_out = RunSettings.model_validate(settings.model_dump())
    assert spelled_out.model_fields_set == set(RunSettings.model_fields)


def test_later_wins(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("tracker: {crops: 3, lost_seconds: 1}\nbatch: 4\n")
    settings = load_config(
        RunSettings,
        file,
        ["tracker.crops=7"],
        {"NIGHTREID_TRACKER__LOST_SECONDS": "4", "NIGHTREID_SHARED": "/nowhere"},
    )
    assert (settings.tracker.crops, settings.tracker.lost_seconds, settings.batch) == (7, 4.0, 4)


@pytest.mark.parametrize(
    ("override", "nearest"),
    [
        ("detektor.threads=1", "detector"),
        ("detector.visible.confidance=0.3", "detector.visible.confidence"),
        ("tracker.lost_second=1", "tracker.lost_seconds"),
    ],
)
def test_an_unknown_key_is_an_error_with_the_nearest_name(override, nearest):
    with pytest.raises(ConfigError) as caught:
        load_config(RunSettings, None, [override])
    assert f"'{nearest}'" in caught.value.hint
    assert override.partition("=")[0].startswith(caught.value.message.split("'")[1])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tracker: {crops: many}", "tracker.crops"),
        ("- a\n- b", "keys and values"),
        ("a: [1", "line"),
        ("batch: 0", "batch"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path, text, said):
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(RunSettings, file)
    assert said in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("file", sorted((CONFIGS / "recipes").rglob("*.yaml")), ids=lambda file: file.stem)
def test_every_recipe_can_be_read(file):
    recipe = load_recipe(file)
    assert recipe.name == f"{file.parent.name}-{file.stem}".replace("_", "-")
    # As a run records it, and reads it again.
    assert parse_recipe(recipe.recorded()).recorded() == recipe.recorded()


def test_settings_do_not_change_once_read():
    with pytest.raises(ValueError, match="frozen"):
        RunSettings().batch = 3  # type: ignore[misc]


def test_a_variable_may_name_the_file_of_a_secret(tmp_path):
    file = tmp_path / "password"
    file.write_text("hu#sh: 7\n")
    login = {
        "NIGHTREID_KAFKA__SECURITY_PROTOCOL": "SASL_SSL",
        "NIGHTREID_KAFKA__SASL_MECHANISM": "PLAIN",
        "NIGHTREID_KAFKA__SASL_USERNAME": "shift",
    }
    named = {"NIGHTREID_KAFKA__SASL_PASSWORD__FILE": str(file)}
    settings = load_config(WorkerSettings, None, (), login | named)
    assert settings.kafka.sasl_password.get_secret_value() == "hu#sh: 7", "as it is, and not as YAML"
    url = "postgresql+psycopg://joe:hush@db/x"
    file.write_text(url)
    assert load_config(WorkerSettings, None, (), {"NIGHTREID_DATABASE__FILE": str(file)}).database == url
    for content, said in ((b"", "is empty"), (b"\xff\xfe", "it is not text"), (None, "No such file")):
        if content is None:
            file.unlink()
        else:
            file.write_bytes(content)
        with pytest.raises(ConfigError, match=said):
            load_config(WorkerSettings, None, (), login | named)
