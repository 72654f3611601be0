"""Signing in by OpenID Connect, at a provider on this machine: who comes in, and who does not."""

import base64
import json
import sys
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from console.api.oidc import fetching
from console.api.oidc.attempts import SECONDS
from console.api.settings import ServeSettings
from reid_core.access import Role
from reid_core.access.passwords import hashed
from reid_core.access.users import add_user, authenticate, change_user, the_user, users
from reid_core.access.vouched import vouch_for
from reid_core.errors import MissingDependencyError
from tests.support.identity_provider import CLIENT, SECRET, identity_provider
from tests.support.serving import COOKIE, SERVED, audited, serve

START, BACK, ATTEMPT = "/api/v1/session/oidc", "/api/v1/session/oidc/callback", "__Host-nightreid-oidc"
ROLES = {"role_claim": "groups", "roles": {"night-review": "reviewer", "night": "investigator"}}
REFUSED, AWAY = "/#/?sign-in=refused", "/#/?sign-in=away"


@pytest.fixture(scope="module")
def _provider():
    with identity_provider() as provider:
        yield provider


@pytest.fixture
def provider(_provider):
    """The provider, as it is at first."""
    kept = dict(vars(_provider))
    for name in ("described", "served"):
        setattr(_provider, name, {})
    _provider.claims, _provider.asked, _provider.posted = {"sub": "ada-4711"}, [], []
    yield _provider
    for name, value in kept.items():
        setattr(_provider, name, value)


@pytest.fixture
def console(empty_gallery, provider):
    """``console(add_users=True, …)``: a console that is registered there, and who may sign in: Ada."""

    def make(clock=None, limits=None, **changes):
        said = {"oidc": provider.settings(**changes), "bind": {"proxies": ["127.0.0.1"]}}
        made = serve(
            empty_gallery,
            ServeSettings.model_validate({**said, "limits": limits or {}}),
            **({"clock": clock} if clock else {}),
        )
        if not any(one.name == "ada" for one in listed(made)):
            with empty_gallery.database.write() as session:
                add_user(session, "ada", Role.VIEWER, None, 1)
                vouch_for(session, "ada", provider.issuer, "ada-4711")
        return made

    return make


def listed(served):
    with served.gallery.database.read() as session:
        return users(session)


def sent(client):
    """A browser goes to the provider and is sent back: the address of the callback."""
    answer = client.get(START, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    back = httpx.get(answer.headers["Location"], trust_env=False)
    assert back.status_code == 302
    return back.headers["Location"]


def signed_in(client, back=None):
    """Where the whole way leads."""
    answer = client.get(back or sent(client), follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def refusal(served, client, reason):
    """Make sure that somebody was refused: no cookie, and the log says why."""
    assert COOKIE not in client.cookies
    assert ATTEMPT not in client.cookies, "one attempt, one try"
    assert client.get("/api/v1/session").status_code == 401
    last = audited(served)[-1]
    assert (last.action, last.actor) == ("sign-in.failed", "user:?")
    assert reason in last.details["reason"]
    assert last.details["address"] == "testclient"
    assert not [one for one in audited(served) if one.action == "sign-in"]


def test_somebody_signs_in_and_states_what_for_afterwards(console, provider):
    served = console()
    client = served.client()
    answer = client.get(START, follow_redirects=False)
    asked = {name: one for name, (one,) in parse_qs(urlsplit(answer.headers["Location"]).query).items()}
    assert answer.headers["Location"].startswith(f"{provider.issuer}/authorize?prompt=login&")
    assert set(asked["scope"].split()) == {"openid", "profile", "email"}
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("secure", "httponly", "samesite=lax", f"max-age={SECONDS}"))
    back = client.get(
        httpx.get(answer.headers["Location"], trust_env=False).headers["Location"], follow_redirects=False
    )
    assert (back.status_code, back.headers["Location"]) == (303, "/")
    session_cookie = next(one for one in back.headers.get_list("set-cookie") if one.startswith(COOKIE + "="))
    assert all(word in session_cookie.lower() for word in ("secure", "httponly", "samesite=strict", "path=/"))
    said = client.get("/api/v1/session").json()
    assert (said["name"], said["role"], said["purpose"]) == ("ada", "viewer", None)
    stated = client.put(
        "/api/v1/session/purpose", json={"purpose": "a theft"}, headers={"Nightreid-Csrf": said["csrf"]}
    )
    assert stated.json()["purpose"] == "a theft"
    entry = next(one for one in audited(served) if one.action == "sign-in")
    assert entry.details == {"address": "testclient", "issuer": provider.issuer, "subject": "ada-4711"}
    assert entry.actor == "user:ada"
    assert provider.posted[0]["code_verifier"] not in str(provider.asked)


def test_where_nothing_is_configured_nothing_is_there(bare):
    for path in (START, BACK):
        answer = bare.client().get(path, follow_redirects=False)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert bare.client().get("/api/v1/session").json()["sign_in"] == ["password"]


def test_whoever_is_not_signed_in_is_told_the_ways(console):
    served = console()
    assert served.client().get("/api/v1/session").json()["sign_in"] == ["password", "oidc"]
    assert "sign_in" not in served.client(Role.VIEWER).get("/api/v1/users").json()


def none_signed(provider, claims):
    parts = [json.dumps(one).encode() for one in ({"alg": "none", "typ": "JWT"}, claims)]
    return ".".join([*(base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in parts), ""])


def signed_by_the_public_key(provider, claims):
    """HS256, with what everybody can fetch as the secret."""
    pem = provider.key.as_pem(private=False)
    key = OctKey.import_key(base64.urlsafe_b64encode(pem).decode(), {"kid": provider.key.kid})
    header = {"alg": "HS256", "kid": provider.key.kid}
    return jws.serialize_compact(header, json.dumps(claims).encode(), key, algorithms=["HS256"])


def signed_by_another(provider, claims):
    other = RSAKey.generate_key(2048, {"kid": provider.key.kid})
    return provider.signed(claims, other)


def changed_afterwards(provider, claims):
    head, _, signature = provider.signed(claims).split(".")
    changed = base64.urlsafe_b64encode(json.dumps({**claims, "sub": "root"}).encode()).rstrip(b"=").decode()
    return f"{head}.{changed}.{signature}"


FORGED = {
    "unsigned": (none_signed, "unsupported_algorithm"),
    "a public secret": (signed_by_the_public_key, "unsupported_algorithm"),
    "another key": (signed_by_another, "bad_signature"),
    "changed": (changed_afterwards, "bad_signature"),
    "no token": (lambda provider, claims: "x.y", "does not hold"),
    "no string": (lambda provider, claims: None, "no ID token"),
    "not JSON": (
        lambda provider, claims: jws.serialize_compact({"alg": "RS256"}, b"[1]", provider.key),
        "does not hold",
    ),
}


@pytest.mark.parametrize("how", FORGED)
def test_a_token_that_is_not_the_providers_is_refused(console, provider, how):
    served = console()
    forge, reason = FORGED[how]
    provider.forge = lambda claims: forge(provider, claims)
    client = served.client()
    assert signed_in(client) == REFUSED
    refusal(served, client, reason)


CLAIMS = {
    "another issuer": ({"iss": "https://evil.test"}, "iss"),
    "no issuer": ({"iss": None}, "iss"),
    "for another console": ({"aud": "another"}, "aud"),
    "for nobody": ({"aud": None}, "aud"),
    "for another party": ({"aud": [CLIENT, "another"], "azp": "another"}, "azp"),
    "for two without a party": ({"aud": [CLIENT, "another"]}, "azp"),
    "over": ({"exp": 1_700_000_000}, "expired"),
    "for good": ({"exp": None}, "exp"),
    "for good in words": ({"exp": "never"}, "exp"),
    "from the future": ({"iat": 33_000_000_000}, "iat"),
    "not yet": ({"nbf": 33_000_000_000}, "nbf"),
    "another nonce": ({"nonce": "another"}, "nonce"),
    "no nonce": ({"nonce": None}, "nonce"),
    "another access token": ({"at_hash": "AAAA"}, "at_hash"),
    "nobody": ({"sub": None}, "sub"),
    "nobody at all": ({"sub": ""}, "no subject"),
    "a number": ({"sub": 4711}, "sub"),
}


@pytest.mark.parametrize("how", CLAIMS)
def test_a_token_that_says_something_else_is_refused(console, provider, how):
    served = console()
    claims, reason = CLAIMS[how]
    provider.claims = {"sub": "ada-4711", **claims}
    client = served.client()
    assert signed_in(client) == REFUSED
    refusal(served, client, reason)


def test_other_keys_and_algorithms_are_taken(console, provider):
    served = console()
    key = ECKey.generate_key("P-256", auto_kid=True)
    other = RSAKey.generate_key(2048, {"kid": "for something else"})
    odd = RSAKey.import_key({**other.as_dict(private=False), "use": "enc"})
    provider.keys, provider.key, provider.algorithm = [odd, provider.key, key], key, "ES256"
    assert signed_in(served.client()) == "/"
    provider.key, provider.algorithm = provider.keys[1], "PS256"
    assert signed_in(served.client()) == "/"
    provider.key = other
    client = served.client()
    assert signed_in(client) == REFUSED


def test_a_token_that_names_no_key_is_by_the_only_one_that_signs(console, provider):
    served = console()
    other = RSAKey.generate_key(2048, {"kid": "for something else"})
    odd = RSAKey.import_key({**other.as_dict(private=False), "use": "enc"})
    provider.keys = [odd, provider.key]
    provider.forge = lambda claims: jwt.encode({"alg": "RS256"}, claims, provider.key)
    for _ in range(4):
        assert signed_in(served.client()) == "/"


def test_a_key_that_is_taken_back_is_not_believed(console, provider):
    served = console()
    assert signed_in(served.client()) == "/"
    provider.keys = [RSAKey.generate_key(2048, auto_kid=True)]
    assert signed_in(served.client()) == REFUSED


def other_cookie(client, value):
    client.cookies.clear()
    client.cookies.set(ATTEMPT, value, domain="console.test", path="/")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda back, client: back.replace("state=", "state=x"), "state"),
        (lambda back, client: back.partition("&state")[0], "state"),
        (lambda back, client: client.cookies.clear() or back, "no attempt"),
        (lambda back, client: other_cookie(client, "e30.x") or back, "no attempt"),
        (lambda back, client: back.replace("code=", "code=x"), "invalid_grant"),
        (lambda back, client: back.replace("code=", "cod="), "the provider says"),
        (lambda back, client: back + "&iss=https://evil.test", "another issuer"),
    ],
)
def test_what_does_not_come_from_the_attempt_is_refused(console, change, reason):
    served = console()
    client = served.client()
    back = change(sent(client), client)
    assert signed_in(client, back) == REFUSED
    refusal(served, client, reason)


def test_another_browsers_answer_is_refused(console):
    served = console()
    mine, theirs = served.client(), served.client()
    client_back = sent(theirs)
    sent(mine)
    assert signed_in(mine, client_back) == REFUSED
    refusal(served, mine, "state")


def test_an_answer_counts_once(console):
    served = console()
    client = served.client()
    back = sent(client)
    cookie = client.cookies[ATTEMPT]
    assert signed_in(client, back) == "/"
    again = served.client()
    again.cookies.set(ATTEMPT, cookie)
    assert signed_in(again, back) == REFUSED
    assert audited(served)[-1].details["reason"].endswith("invalid_grant")


def test_an_attempt_ends(console):
    late = [0]
    import time

    served = console(clock=lambda: time.time_ns() + late[0])
    client = served.client()
    back = sent(client)
    late[0] = (SECONDS + 1) * 10**9
    assert signed_in(client, back) == REFUSED
    refusal(served, client, "over")


def test_whoever_says_no_there_is_not_signed_in(console, provider):
    served = console()
    provider.refuses = True
    client = served.client()
    assert signed_in(client) == REFUSED
    refusal(served, client, "access_denied")


def test_a_wrong_secret_is_refused_and_told_nowhere(console, provider):
    served = console(client_secret="Qzhush7Qzhush")
    client = served.client()
    assert signed_in(client) == REFUSED
    refusal(served, client, "invalid_client")
    shown = f"{served.context.settings!r} {served.context.settings}"
    assert "Qzhush" not in shown + str(audited(served))


def test_nobody_who_is_unknown_or_disabled_comes_in(console, provider):
    served = console()
    with served.gallery.database.write() as session:
        change_user(session, "ada", disabled=True)
    client = served.client()
    assert signed_in(client) == REFUSED
    refusal(served, client, "disabled")
    provider.claims = {"sub": "eve", "preferred_username": "ada"}
    client = served.client()
    assert signed_in(client) == REFUSED
    refusal(served, client, "nobody is known")
    assert audited(served)[-1].details["subject"] == "eve", "so that she can be let in"
    assert len(listed(served)) == 1


def test_the_role_follows_the_claim_at_each_sign_in(console, provider):
    served = console(**ROLES)
    client = served.client()
    for groups, role in (("night", "investigator"), (["staff", "night", "night-review"], "reviewer")):
        provider.claims = {"sub": "ada-4711", "groups": groups}
        assert signed_in(served.client() if client is None else client) == "/"
        assert client.get("/api/v1/session").json()["role"] == role
    changed = [one for one in audited(served) if one.action == "user.change"]
    assert [one.details["role"] for one in changed] == ["investigator", "reviewer"]
    for groups in (["staff"], None, {"night": 1}, 7):
        provider.claims = {"sub": "ada-4711", "groups": groups}
        assert signed_in(served.client()) == REFUSED
        assert "no role" in audited(served)[-1].details["reason"]
    assert listed(served)[0].role == "reviewer"


def test_somebody_unknown_is_added_where_that_is_set(console, provider):
    served = console(add_users=True, **ROLES)
    provider.claims = {"sub": "eve-1", "groups": ["night"], "preferred_username": "Eve"}
    client = served.client()
    assert signed_in(client) == "/"
    assert client.get("/api/v1/session").json()["name"] == "eve"
    assert [one.name for one in listed(served)] == ["ada", "eve"]
    assert signed_in(served.client()) == "/"
    assert len(listed(served)) == 2
    assert [one.action for one in audited(served)] == ["user.add", "sign-in", "sign-in"]


@pytest.mark.parametrize("name", ["ADA", "", "<b>", None, ["eve"]])
def test_a_name_takes_over_nobody(console, provider, name):
    served = console(add_users=True, **ROLES)
    provider.claims = {"sub": "eve-1", "groups": ["night"], "preferred_username": name}
    client = served.client()
    assert signed_in(client) == REFUSED
    refusal(served, client, "name")
    assert [(one.name, one.role) for one in listed(served)] == [("ada", "viewer")]


@pytest.mark.parametrize(
    ("claims", "where"),
    [
        ({"email": "ada@Police.example", "email_verified": True}, "/"),
        ({"email": "ada@police.example", "email_verified": False}, REFUSED),
        ({"email": "ada@police.example", "email_verified": "true"}, REFUSED),
        ({"email": "ada@police.example"}, REFUSED),
        ({"email": "ada@police.example@evil.test", "email_verified": True}, REFUSED),
        ({"email": "ada@sub.police.example", "email_verified": True}, REFUSED),
        ({"email": "police.example", "email_verified": True}, REFUSED),
        ({"email_verified": True}, REFUSED),
    ],
)
def test_only_verified_addresses_of_the_domains_come_in(console, provider, claims, where):
    served = console(domains=["police.example"])
    provider.claims = {"sub": "ada-4711", **claims}
    assert signed_in(served.client()) == where
    if where == REFUSED:
        assert "domain" in audited(served)[-1].details["reason"]


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": "https://evil.test"},
        {"jwks_uri": "https://evil.test/keys"},
        {"token_endpoint": "http://192.0.2.1/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": None},
    ],
)
def test_a_provider_that_names_what_is_elsewhere_is_not_asked(console, provider, described):
    served = console()
    provider.described = described
    answer = served.client().get(START, follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, AWAY)
    assert provider.asked == ["/.well-known/openid-configuration"]


def test_other_hosts_are_asked_where_they_are_set(console, provider):
    served = console(hosts=["login.police.example"])
    provider.described = {"authorization_endpoint": "https://login.police.example/authorize"}
    answer = served.client().get(START, follow_redirects=False)
    assert answer.headers["Location"].startswith("https://login.police.example/authorize?")


HUGE = b'{"keys": [], "x": "' + b"x" * fetching.MOST_BYTES + b'"}'


@pytest.mark.parametrize(
    "answer",
    [
        (200, {}, HUGE),
        (200, {"Content-Encoding": "gzip"}, b"{}"),
        (302, {"Location": "/elsewhere"}, b""),
        (500, {}, b"{}"),
        (200, {}, b"[" * 100_000),
        (200, {}, b"<html>"),
    ],
)
def test_what_is_no_answer_of_a_provider_signs_nobody_in(console, provider, answer):
    served = console()
    for path in ("/token", "/keys"):
        provider.served = {path: answer}
        client = served.client()
        assert signed_in(client) == AWAY
        refusal(served, client, "does not answer")
    assert "/elsewhere" not in provider.asked


def test_a_provider_that_hangs_is_waited_for_so_long_only(console, provider, monkeypatch):
    monkeypatch.setattr(fetching, "STEP_SECONDS", 0.1)
    served = console()
    # More is announced than ever comes.
    provider.served = {"/.well-known/openid-configuration": (200, {"Content-Length": "9"}, b"{")}
    client = served.client()
    assert client.get(START, follow_redirects=False).headers["Location"] == AWAY
    asked = len(provider.asked)
    assert client.get(START, follow_redirects=False).headers["Location"] == AWAY
    assert len(provider.asked) == asked, "it is left alone for a while"


def test_tries_are_counted_by_address(console):
    served = console(limits={"sign_ins_a_minute": 2})
    answers = [served.client().get(BACK, follow_redirects=False).status_code for _ in range(3)]
    assert answers == [303, 303, 429]


def test_it_leads_to_the_own_page_whatever_a_request_says(console):
    served = console()
    client = served.client(Host="evil.test")
    answer = client.get(
        START + "?next=https://evil.test&redirect_uri=https://evil.test", follow_redirects=False
    )
    assert "evil" not in answer.headers["Location"]
    back = httpx.get(answer.headers["Location"], trust_env=False).headers["Location"]
    client = served.client()
    client.cookies.set(ATTEMPT, answer.cookies[ATTEMPT])
    assert signed_in(client, back + "&next=https://evil.test") == "/"


@pytest.mark.usefixtures("quick_passwords")
def test_somebody_vouched_for_has_no_password_any_more(empty_gallery):
    with empty_gallery.database.write() as session:
        add_user(session, "ines", Role.VIEWER, hashed("correct horse battery"), 1)
        assert vouch_for(session, "ines", "https://id.example", "4711").issuer == "https://id.example"
    with pytest.raises(Exception, match="do not fit"):
        authenticate(empty_gallery.database, "ines", "correct horse battery")
    with empty_gallery.database.write() as session:
        add_user(session, "bob", Role.VIEWER, None, 1)
        with pytest.raises(Exception, match="the user ines signs in"):
            vouch_for(session, "bob", "https://id.example", "4711")
        assert the_user(session, "bob").issuer is None


def test_without_the_extra_it_is_said_what_to_install(empty_gallery, provider, monkeypatch):
    monkeypatch.setitem(sys.modules, "authlib", None)
    settings = ServeSettings.model_validate({"oidc": provider.settings()})
    with pytest.raises(MissingDependencyError, match="authlib") as caught:
        serve(empty_gallery, settings)
    assert "nightreid[oidc]" in caught.value.hint
    serve(empty_gallery, SERVED)


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "http://id.example"},
        {"issuer": "https://id.example/?x=1"},
        {"issuer": "https://joe:pass@id.example"},
        {"address": "http://console.example"},
        {"address": "https://console.example/night"},
        {"address": None},
        {"client_id": None},
        {"scopes": ["profile"]},
        {"role_claim": "groups"},
        {"roles": {"night": "reviewer"}},
        {"role_claim": "groups", "roles": {"night": "root"}},
        {"add_users": True},
    ],
)
def test_settings_that_do_not_fit_are_refused(change):
    fits = {"issuer": "https://id.example", "address": "https://console.example", "client_id": CLIENT}
    ServeSettings.model_validate({"oidc": fits})
    with pytest.raises(ValueError, match="oidc"):
        ServeSettings.model_validate({"oidc": fits | change})


def test_the_secret_comes_from_a_file(tmp_path):
    from reid_core.config import load_config

    (tmp_path / "secret").write_text(f"{SECRET}\n")
    environment = {"NIGHTREID_OIDC__CLIENT_SECRET__FILE": str(tmp_path / "secret")}
    settings = load_config(ServeSettings, None, (), environment)
    assert settings.oidc.client_secret.get_secret_value() == SECRET
