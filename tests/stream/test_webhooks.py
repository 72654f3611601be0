"""Webhooks: every alert reaches every receiver, signed, whatever the receiver and the worker do."""

import ssl
import threading
import time

import httpx
import pytest

from reid_core.errors import ConfigError
from reid_core.gallery import Gallery
from reid_core.gallery.outbox import ALERT_RAISED, Outbox
from reid_core.watching.deliveries import DeliveryState, deliveries, retry
from stream.followers.announcements import KINDS
from stream.followers.announcing import Announcer
from stream.followers.surroundings import Surroundings
from stream.followers.told_before import digest
from stream.followers.webhooks import WebhookFollower, webhooks
from stream.kafka.settings import KafkaSettings
from stream.service.telemetry import Telemetry
from stream.webhooks.settings import WebhookSettings
from stream.webhooks.signing import TOLERANCE_SECONDS
from stream.worker.config import WorkerSettings
from tests.conftest import ROOT
from tests.support.following import Post
from tests.support.receiver import SECRET, Hands, Letter, receiver
from tests.support.watched import Square

QUICK = {"secret": SECRET, "timeout_seconds": 0.4}


class Site:
    """A square with watches, and a worker that delivers its alerts, a step at a time."""

    def __init__(self, gallery, webhooks, holder="one", clock=None):
        self.square = Square(gallery)
        self.database = gallery.database
        self.clock = clock or Hands()
        self.stop = threading.Event()
        hooks = {name: WebhookSettings.model_validate(QUICK | one) for name, one in webhooks.items()}
        around = Surroundings(
            gallery, Telemetry(), KafkaSettings(), "", "night", 1 << 20, self.stop, webhooks=hooks
        )
        self.follower = WebhookFollower(around, self.clock)
        self.post = Post(gallery.database, self.follower, holder)
        self.telemetry = around.telemetry

    def sees(self, *people, camera="lobby"):
        """Somebody comes, and the watches look; numbers of the alerts."""
        before = {one.number for one in self.square.alerts()}
        self.square.comes(camera, *people)
        self.square.looks().catch_up()
        return [one.number for one in self.square.alerts() if one.number not in before]

    def delivers(self, after=0.0):
        """The follower's turn, and one of each sender."""
        self.clock.go(after)
        self.post.turn()
        for sender in self.follower.senders:
            sender.turn()

    @property
    def states(self):
        with self.database.read() as session:
            return [(one.webhook, str(one.state), one.attempts, one.error) for one in deliveries(session)]

    def count(self, webhook, outcome):
        labels = {"webhook": webhook, "outcome": outcome}
        name = "nightreid_worker_webhook_deliveries_total"
        return self.telemetry.registry.get_sample_value(name, labels) or 0


@pytest.fixture
def opened(books):
    with Gallery.open(books) as gallery:
        yield gallery


@pytest.fixture
def gallery(tmp_path):
    with Gallery.open(f"sqlite:///{tmp_path / 'x.db'}") as gallery:
        yield gallery


# Taken


def test_an_alert_is_posted_once_signed_and_as_kafka_has_it(opened):
    with receiver() as server:
        site = Site(opened, {"desk": {"url": server.url}})
        site.square.watch("a red coat", name="Monday")
        [alert] = site.sees(0)
        site.delivers()
        site.delivers(3600)
    [letter] = server.letters
    [event] = Outbox(opened.database).after(0, {ALERT_RAISED}, 9)
    assert letter.is_from(SECRET) and letter.id == letter.said["id"] == digest(event)
    assert letter.said["data"] == Outbox(opened.database).alert(alert)
    assert (letter.said["type"], letter.said["schema"]) == ("alert.raised", "nightreid.alert/1.0")
    assert abs(int(letter.headers["webhook-timestamp"]) - time.time()) < 60
    assert letter.headers["content-type"] == "application/json"
    assert site.states == [("desk", "delivered", 1, "")]
    assert site.count("desk", "delivered") == 1


def test_what_is_changed_or_signed_by_others_is_not_from_here(gallery):
    with receiver() as server:
        site = Site(gallery, {"desk": {"url": server.url}})
        site.square.watch("a red coat")
        site.sees(0)
        site.delivers()
    [letter] = server.letters
    assert not letter.is_from("whsec_" + "A" * 32)
    letter.body = letter.body.replace(b'"lobby"', b'"gate"')
    assert not letter.is_from(SECRET)


def test_every_line_of_a_file_signs_so_that_secrets_can_be_changed(gallery, tmp_path):
    other = "whsec_" + "b" * 40
    (tmp_path / "secret").write_text(f"{other}\n{SECRET}\n")
    with receiver() as server:
        site = Site(
            gallery, {"desk": {"url": server.url, "secret": None, "secret_file": tmp_path / "secret"}}
        )
        site.square.watch("a red coat")
        site.sees(0)
        site.delivers()
    assert server.letters[0].is_from(SECRET) and server.letters[0].is_from(other)


def test_each_receiver_hears_of_its_cameras_from_when_it_is_known(gallery):
    with receiver() as desk, receiver() as guard:
        site = Site(gallery, {"desk": {"url": desk.url}})
        site.square.watch("a red coat")
        site.sees(0)
        site.delivers()
        hooks = {"desk": {"url": desk.url}, "guard": {"url": guard.url, "cameras": ["gate"]}}
        next_one = Site(gallery, hooks, "two", site.clock)
        next_one.post.takes_over()
        next_one.square.frame = site.square.frame
        next_one.sees(0)
        next_one.sees(0, camera="gate")
        next_one.delivers()
    assert [one.said["data"]["camera"] for one in desk.letters] == ["lobby", "lobby", "gate"]
    assert [one.said["data"]["camera"] for one in guard.letters] == ["gate"]


def test_without_webhooks_there_is_no_follower(gallery):
    assert webhooks(Surroundings(gallery, Telemetry(), KafkaSettings(), "", "night", 1 << 20)) is None


# Not taken


def test_what_fails_is_tried_again_after_longer_and_longer_under_one_id(opened):
    with receiver(500, 500, 500, 204) as server:
        site = Site(opened, {"desk": {"url": server.url, "first_retry_seconds": 10}})
        site.square.watch("a red coat")
        site.sees(0)
        site.delivers()
        assert site.states == [("desk", "waiting", 1, "It answered 500.")]
        site.delivers(8.9)
        assert len(server.letters) == 1, "not before its time"
        site.delivers(1.2)
        site.delivers(10)
        assert len(server.letters) == 2
        site.delivers(10.1)
        site.delivers(41)
        assert site.states == [("desk", "delivered", 4, "")]
    assert len({one.id for one in server.letters}) == 1 and all(one.is_from() for one in server.letters)
    times = [int(one.headers["webhook-timestamp"]) for one in server.letters]
    assert times == sorted(set(times)), "a signature is of the time of its attempt"
    assert (site.count("desk", "failed"), site.count("desk", "delivered")) == (3, 1)


def test_delays_grow_to_the_longest():
    hook = WebhookSettings(url="http://localhost", secret=SECRET, longest_retry_seconds=60)
    with Gallery.open("sqlite://") as gallery:
        around = Surroundings(
            gallery, Telemetry(), KafkaSettings(), "", "night", 1 << 20, webhooks={"desk": hook}
        )
        [sender] = WebhookFollower(around).senders
    for attempts, seconds in ((1, 5), (2, 10), (3, 20), (4, 40), (5, 60), (9999, 60)):
        assert 0.9 * seconds <= sender.delay(attempts) <= seconds


def test_who_is_away_is_tried_until_they_come_back(gallery):
    with receiver() as server:
        port, url = server.server_port, server.url
    site = Site(gallery, {"desk": {"url": url}})
    site.square.watch("a red coat")
    sent = [*site.sees(0), *site.sees(0, camera="gate")]
    for _ in range(3):
        site.delivers(1000)
    assert {error for *_, error in site.states} == {"It cannot be reached: Connection refused."}
    with receiver(port=port) as server:
        site.delivers(1000)
    assert sorted(one.said["data"]["alert"] for one in server.letters) == sent
    assert {state for _, state, *_ in site.states} == {"delivered"}


SLOW = {"stalls": "It did not answer within 0.4 s.", "drips": "It did not answer within 0.4 s."}


@pytest.mark.parametrize("does", SLOW)
def test_an_attempt_takes_no_longer_than_it_may(gallery, does):
    with receiver(does) as server:
        site = Site(gallery, {"desk": {"url": server.url}})
        site.square.watch("a red coat")
        site.sees(0)
        begun = time.monotonic()
        site.delivers()
        assert time.monotonic() - begun < 3
        assert site.states == [("desk", "waiting", 1, SLOW[does])]


def test_of_an_answer_only_the_status_is_read(gallery):
    with receiver("floods") as server:
        site = Site(gallery, {"desk": {"url": server.url}})
        site.square.watch("a red coat")
        site.sees(0)
        site.delivers()
        assert site.states == [("desk", "delivered", 1, "")]
        time.sleep(0.1)
        read = server.flooded
        time.sleep(0.1)
        assert server.flooded == read < 8 << 20


def test_a_name_that_nobody_knows(gallery):
    site = Site(gallery, {"desk": {"url": "https://desk.invalid/"}})
    site.square.watch("a red coat")
    site.sees(0)
    site.delivers()
    assert site.states[0][3] in ("It cannot be reached: its name is not known.", SLOW["stalls"])


def test_a_redirect_is_not_followed(gallery):
    with receiver() as elsewhere, receiver(302) as server:
        server.answers["Location"] = elsewhere.url
        site = Site(gallery, {"desk": {"url": server.url}})
        site.square.watch("a red coat")
        site.sees(0)
        site.delivers()
        assert elsewhere.letters == [] and len(server.letters) == 1
    assert site.states[0][3] == "It answered 302, a redirect, which is not followed."


def test_no_proxy_of_the_environment_is_used(gallery, monkeypatch):
    with receiver() as proxy, receiver() as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.server_port}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        site = Site(gallery, {"desk": {"url": server.url}})
        site.square.watch("a red coat")
        site.sees(0)
        site.delivers()
    assert proxy.letters == [] and len(server.letters) == 1


def test_one_that_stalls_holds_up_neither_others_nor_the_follower(gallery):
    with receiver("stalls") as slow, receiver() as quick:
        hooks = {"slow": {"url": slow.url, "timeout_seconds": 5}, "quick": {"url": quick.url}}
        site = Site(gallery, hooks)
        site.square.watch("a red coat")
        site.follower.start()
        sent = []
        for camera in ("lobby", "gate", "lobby"):
            sent += site.sees(0, camera=camera)
            site.post.turn()
        _within(3, lambda: len(quick.letters) == 3)
        assert [one.said["data"]["alert"] for one in quick.letters] == sent and len(slow.letters) == 1
        assert site.post.metric("lag_events") == 0
        site.stop.set()


def test_what_is_not_taken_in_time_is_given_up_and_can_be_begun_anew(opened):
    with receiver(503, 503, 204) as server:
        site = Site(opened, {"desk": {"url": server.url, "give_up_hours": 1}})
        site.square.watch("a red coat")
        site.sees(0)
        site.delivers()
        site.delivers(3599)
        assert site.states == [("desk", "given up", 2, "It answered 503.")]
        site.delivers(7200)
        assert len(server.letters) == 2 and site.count("desk", "given_up") == 1
        with opened.database.write() as session:
            [begun] = retry(session, None, site.clock.now)
        assert (begun.state, begun.attempts) == (DeliveryState.WAITING, 0)
        site.delivers()
    assert site.states == [("desk", "delivered", 1, "")]
    assert server.letters[2].id == server.letters[0].id


def test_an_alert_that_was_taken_out_is_not_told(gallery):
    with receiver(500, 204) as server:
        site = Site(gallery, {"desk": {"url": server.url}})
        site.square.watch("a red coat")
        [alert] = site.sees(0)
        site.delivers()
        with gallery.database.write() as session:
            from reid_core.gallery.watch_rows import AlertRow

            session.delete(session.get(AlertRow, alert))
        site.delivers(60)
    assert len(server.letters) == 1 and site.states[0][1] == "gone"


# Killed


class Killed(BaseException):
    """What ends a process."""


def test_a_follower_killed_before_it_has_queued_loses_nothing(opened, monkeypatch):
    with receiver() as server:
        site = Site(opened, {"desk": {"url": server.url}})
        site.square.watch("a red coat")
        sent = [*site.sees(0), *site.sees(0, camera="gate")]

        def die(*_):
            raise Killed

        site.follower.commit = die
        with pytest.raises(Killed):
            site.post.turn()
        assert site.states == []
        next_one = Site(opened, {"desk": {"url": server.url}}, "two", site.clock)
        assert next_one.post.takes_over()
        next_one.delivers()
    assert [one.said["data"]["alert"] for one in server.letters] == sent


def test_a_sender_killed_once_the_receiver_has_it_sends_it_again_under_the_same_id(opened, monkeypatch):
    with receiver() as server:
        site = Site(opened, {"desk": {"url": server.url}})
        site.square.watch("a red coat")
        site.sees(0)

        def die(*_):
            raise Killed

        [sender] = site.follower.senders
        monkeypatch.setattr(sender, "_settle", die)
        with pytest.raises(Killed):
            site.delivers()
        next_one = Site(opened, {"desk": {"url": server.url}}, "two", site.clock)
        next_one.delivers()
        assert len(server.letters) == 1, "whoever tries it may still be at it"
        next_one.delivers(1)
    first, again = server.letters
    assert first.id == again.id and next_one.states == [("desk", "delivered", 2, "")]


def test_two_workers_deliver_each_alert_once(opened):
    with receiver() as server:
        hooks = {"desk": {"url": server.url, "timeout_seconds": 20}}
        one, two = Site(opened, hooks), Site(opened, hooks, "two")
        one.square.watch("a red coat")
        for camera in ("lobby", "gate") * 3:
            one.sees(0, camera=camera)
        one.post.turn()
        two.clock.now = one.clock.now
        both = [site.follower.senders[0] for site in (one, two)]
        threads = [threading.Thread(target=sender.turn) for sender in both]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert sorted(letter.said["data"]["alert"] for letter in server.letters) == list(range(1, 7))


# TLS, and what is refused


@pytest.fixture(scope="module")
def certificate(module_tmp):
    """A certificate for 127.0.0.1 that is its own authority, with its key, in one file."""
    import subprocess

    file = module_tmp("tls") / "own.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-nodes", "-days", "2", "-subj", "/CN=receiver", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", file, "-out", file.with_suffix(".crt")),
        ],
        check=True,
        capture_output=True,
    )
    file.write_text(file.read_text() + file.with_suffix(".crt").read_text())
    return file


def test_a_certificate_is_checked_against_the_authorities(gallery, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with receiver(tls=context) as server:
        hooks = {"known": {"url": server.url, "ca": certificate}, "strange": {"url": server.url}}
        site = Site(gallery, hooks)
        site.square.watch("a red coat")
        site.sees(0)
        site.delivers()
    known, strange = site.states
    assert known[1] == "delivered" and len(server.letters) == 1
    assert strange[1] == "waiting" and "its certificate does not hold (self-signed" in strange[3]


REFUSED = {
    "no secret": ({"secret": None}, "needs a secret"),
    "two secrets": ({"secret_file": "/x"}, "one of them is enough"),
    "no address": ({"url": "desk"}, "https://host/path"),
    "another scheme": ({"url": "file:///etc/Qzhush7Qzhush"}, "https://host/path"),
    "a login": ({"url": "https://joe:Qzhush7Qzhush@desk.example/"}, "takes no login"),
    "in the clear": ({"url": "http://desk.example/Qzhush7Qzhush"}, "plain_http"),
    "a metadata service": ({"url": "http://169.254.169.254/latest"}, "plain_http"),
    "no time": ({"timeout_seconds": 0}, "greater than 0"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_in_a_sentence_without_its_secrets(case):
    from reid_core.config import load_config

    changed, said = REFUSED[case]
    values = {"url": "https://desk.example/Qzhush7Qzhush", "secret": SECRET} | changed
    overrides = [
        f"webhooks.desk.{key}={value if value is not None else 'null'}" for key, value in values.items()
    ]
    with pytest.raises(ConfigError) as refused:
        load_config(WorkerSettings, None, overrides)
    assert said in refused.value.message and "webhooks.desk" in refused.value.message
    assert "Qzhush" not in str(refused.value) and SECRET not in str(refused.value)


@pytest.mark.parametrize("name", ["Desk", "a/b", "", "x" * 65])
def test_names_are_such_as_a_variable_can_hold(name):
    with pytest.raises(ValueError, match="pattern"):
        WorkerSettings(webhooks={name: {"url": "https://desk.example", "secret": SECRET}})


def test_plain_http_leads_elsewhere_only_if_it_is_said():
    hook = WebhookSettings(url="http://desk.example/", secret=SECRET, plain_http=True)
    assert httpx.URL(hook.url.get_secret_value()).host == "desk.example"


BAD_SECRETS = {
    "Qzhush7Qzhush": "followed by base64",
    "whsec_Qzhush7Q": "fewer than 24 bytes",
    "whsec_*": "base64",
}


@pytest.mark.parametrize("secret", BAD_SECRETS)
def test_a_secret_that_is_none_is_told_of_without_it(secret, tmp_path):
    (tmp_path / "secret").write_text(secret)
    for how in ({"secret": secret}, {"secret_file": tmp_path / "secret"}):
        hook = WebhookSettings(url="https://desk.example", **how)
        with pytest.raises(ConfigError, match=BAD_SECRETS[secret]) as refused:
            hook.keys("webhooks.desk")
        assert secret not in str(refused.value) and "openssl rand" in refused.value.hint
    (tmp_path / "secret").write_text("\n")
    with pytest.raises(ConfigError, match="is empty"):
        hook.keys("webhooks.desk")
    (tmp_path / "secret").unlink()
    with pytest.raises(ConfigError, match="No such file"):
        hook.keys("webhooks.desk")


def test_nothing_that_is_written_or_told_holds_a_secret(gallery, tmp_path, caplog):
    caplog.set_level("DEBUG")
    with receiver(500, "breaks off", 302, 204) as server:
        site = Site(gallery, {"desk": {"url": server.url}})
        site.square.watch("a red coat")
        site.sees(0)
        for _ in range(4):
            site.delivers(400)
        assert len(server.letters) == 4
    settings = WorkerSettings(webhooks={"desk": {"url": server.url, "secret": SECRET}})
    database = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    outputs = [caplog.text, repr(settings), str(settings), settings.model_dump_json(), repr(site.states)]
    for secret in ("Qzhush", SECRET, SECRET.removeprefix("whsec_")):
        assert not any(secret in output for output in outputs), secret
        assert secret.encode() not in database
    assert "desk" in caplog.text, "else nothing is shown here"


def _within(seconds, told):
    deadline = time.monotonic() + seconds
    while not told():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# What the page says


def test_the_page_checks_signatures_rightly_and_names_every_setting(gallery):
    import re

    import yaml

    page = (ROOT / "docs/watches.md").read_text(encoding="utf-8").partition("## By webhook")[2]
    [code] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    checks = {}
    exec(code, checks)
    with receiver() as server:
        site = Site(gallery, {"desk": {"url": server.url}})
        site.square.watch("a red coat")
        site.sees(0)
        site.delivers()
    [letter] = server.letters
    genuine = checks["is_genuine"]
    assert genuine(letter.headers, letter.body, SECRET)
    assert not genuine(letter.headers, letter.body + b" ", SECRET)
    assert not genuine(letter.headers, letter.body, "whsec_" + "A" * 40)
    late = letter.headers | {"webhook-timestamp": str(int(time.time()) - TOLERANCE_SECONDS - 5)}
    assert not genuine(late, letter.body, SECRET)
    [block] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    [said] = yaml.safe_load(block)["webhooks"].values()
    hook = WebhookSettings.model_validate(said)
    assert set(said) == set(WebhookSettings.model_fields) - {"secret", "plain_http"}
    own = {"url", "secret_file", "cameras", "ca"}
    assert hook.model_dump(exclude=own) == WebhookSettings(url=said["url"], secret=SECRET).model_dump(
        exclude=own
    ) | {"secret": None}


def test_a_record_of_an_alert_is_signed_as_a_delivery_is(gallery):
    square = Square(gallery)
    square.watch("a red coat")
    square.comes("lobby", 0)
    square.looks().catch_up()
    keys = WorkerSettings(alert_signing={"secret": SECRET}).alert_signing.keys("alert_signing")
    around = [
        Surroundings(gallery, Telemetry(), KafkaSettings(), "", "night", 1 << 20, alert_keys=each)
        for each in (keys, ())
    ]
    events = Outbox(gallery.database).after(0, KINDS, 99)
    signed, plain = (Announcer(each).prepare(events).records for each in around)
    [alert] = [record for record in signed if record.topic == "alerts"]
    headers = {name: value.decode() for name, value in alert.headers}
    assert Letter("", headers, alert.value).is_from(SECRET) and headers["webhook-id"] == headers["event"]
    others = [name for one in (*signed, *plain) if one is not alert for name, _ in one.headers]
    assert others and not any(name.startswith("webhook-") for name in others)
