"""What the command says of what it was given holds no password."""

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings

from tests.support.secrets import logins, seen

FEW = settings(
    max_examples=5,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate],
    database=None,
)


@pytest.mark.slow
@FEW
@given(login=logins())
@example(login="joe:QzWordOne?QzWordTwo")
def test_no_command_repeats_it(login, command, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    camera, database = f"rtsp://{login}@127.0.0.1:1/s", f"postgresql+psycopg://{login}@127.0.0.1:1/x"
    crops = ("embed", camera, "--modality", "visible", "--out", "x.npz")
    for words in (
        ("run", camera),
        (camera,),
        ("run", "--visible", camera.replace("rtsp:/", "nosuch:/")),
        ("run", "--visible", "door=" + camera, "--start", f"{camera}=2026-11-20T08:00:00Z"),
        ("publish", camera),
        ("publish", camera, "--modality", "visible", "--bootstrap", f"{login}@kafka:9092"),
        ("publish", camera, "--modality", "visible", "--metrics-port", camera),
        ("topics", "check", "--set", f"kafka.sasl_password:{login}"),
        ("topics", "check", "--set", f"{camera}=1"),
        ("detect", camera, "--modality", "visible"),
        crops,
        ("reembed", "--db", database),
        ("evaluate", "--features", camera, "--protocol", "sysu-all-single-A"),
    ):
        for debug in ("", "1"):
            monkeypatch.setenv("NIGHTREID_DEBUG", debug)
            outcome = command(*words)
            assert outcome.status != 0 and outcome.err, words
            assert seen(login.partition(":")[2], outcome.out, outcome.err) == set(), words


@pytest.mark.slow
@settings(FEW, max_examples=2)
@given(login=logins())
@example(login="joe:QzWordOne?QzWordTwo")
def test_neither_the_console_nor_what_delivers_alerts_repeats_it(login, command, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NIGHTREID_DEBUG", "1")
    camera, database = f"rtsp://{login}@127.0.0.1:1/s", f"postgresql+psycopg://{login}@127.0.0.1:1/x"
    for words in (
        ("serve", "--db", database),
        ("serve", "--set", f"bind.host={camera}", "--set", f"gallery={database}"),
        ("serve", "--set", f"tls.key_password={login}"),
        ("worker", "--set", f"webhooks.desk.url={camera}"),
        (
            "worker",
            "--set",
            f"webhooks.desk.secret={login}",
            "--set",
            "webhooks.desk.url=https://desk.example",
        ),
        ("worker", "--db", database, "--set", f"alert_signing.secret={login}"),
        ("watch", "deliveries", "--db", database),
        ("watch", "retry", "--all", "--db", database),
    ):
        outcome = command(*words)
        assert outcome.status != 0 and outcome.err, words
        assert seen(login.partition(":")[2], outcome.out, outcome.err) == set(), words


@pytest.mark.slow
def test_a_run_of_a_camera_whose_password_is_not_encoded_says_what_to_do(command, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    outcome = command("run", "--visible", "rtsp://admin:Hush#2024@127.0.0.1:1/s", "--json")
    assert outcome.status == 1 and "Hush" not in outcome.out + outcome.err
    assert "rtsp://***@127.0.0.1:1/s does not answer" in outcome.err and "# as %23" in outcome.err
