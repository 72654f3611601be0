"""A small OpenID Connect provider on this machine: it signs its tokens, and checks what a real one checks."""

import base64
import json
import secrets
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

CLIENT, SECRET = "nightreid", "a secret: with % and +"


@dataclass
class IdentityProvider:
    """What it says, and how.

    Attributes:
        issuer: its address.
        console: address of the console that is registered.
        key: by which it signs.
        keys: that it publishes.
        claims: of whoever signs in, beside what every token has; these win.
        algorithm: of signatures.
        forge: makes the ID token of its claims in another way, where it is given.
        described: what its description says differently.
        served: by path, another answer than its own: status, headers, bytes.
        refuses: whether whoever signs in there says no.
        asked: paths of the requests that came.
        posted: forms that came to the token endpoint, with their head.
    """

    issuer: str
    console: str
    key: RSAKey | ECKey
    keys: list
    claims: dict = field(default_factory=lambda: {"sub": "ada-4711"})
    algorithm: str = "RS256"
    forge: object = None
    described: dict = field(default_factory=dict)
    served: dict = field(default_factory=dict)
    refuses: bool = False
    asked: list = field(default_factory=list)
    posted: list = field(default_factory=list)
    _codes: dict = field(default_factory=dict)

    def settings(self, **changes):
        """Settings of a console that is registered here."""
        said = {
            "issuer": self.issuer,
            "address": self.console,
            "client_id": CLIENT,
            "client_secret": SECRET,
        }
        return said | changes

    def description(self):
        """Of its endpoints."""
        places = {
            "authorization_endpoint": f"{self.issuer}/authorize?prompt=login",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        return {"issuer": self.issuer, **places, **self.described}

    def authorize(self, asked):
        """Where a browser is sent back to; nobody has to type anything."""
        assert asked["redirect_uri"] == f"{self.console}/api/v1/session/oidc/callback"
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT)
        assert "openid" in asked["scope"].split()
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self._codes[code] = asked
        answer = {"error": "access_denied"} if self.refuses else {"code": code}
        return f"{asked['redirect_uri']}?{urlencode({**answer, 'state': asked['state']})}"

    def token(self, form, authorization):
        """Status and what is given for a code, once."""
        kind, _, given = authorization.partition(" ")
        name, _, secret = base64.b64decode(given).decode().partition(":")
        if (kind, unquote_plus(name), unquote_plus(secret)) != ("Basic", CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        asked = self._codes.pop(form["code"], None)
        if (
            asked is None
            or form["redirect_uri"] != asked["redirect_uri"]
            or create_s256_code_challenge(form["code_verifier"]) != asked["code_challenge"]
        ):
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        own = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims = {name: value for name, value in {**own, **self.claims}.items() if value is not None}
        sign = self.forge or self.signed
        return 200, {"access_token": "opaque", "token_type": "Bearer", "id_token": sign(claims)}

    def signed(self, claims, key=None):
        """An ID token."""
        key = key or self.key
        return jwt.encode({"alg": self.algorithm, "kid": key.kid}, claims, key, algorithms=[self.algorithm])


@contextmanager
def identity_provider(console="https://console.test", host="127.0.0.1"):
    """The provider behind a real socket."""
    key = RSAKey.generate_key(2048, auto_kid=True)

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            provider.asked.append(parts.path)
            if parts.path in provider.served:
                self.give(*provider.served[parts.path])
            elif parts.path == "/.well-known/openid-configuration":
                self.json(200, provider.description())
            elif parts.path == "/keys":
                self.json(200, KeySet(provider.keys).as_dict())
            elif parts.path == "/authorize":
                asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self.give(302, {"Location": provider.authorize(asked)}, b"")
            else:
                self.give(404, {}, b"")

        def do_POST(self):
            provider.asked.append(self.path)
            sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(sent).items()}
            provider.posted.append(form)
            if self.path in provider.served:
                self.give(*provider.served[self.path])
            else:
                self.json(*provider.token(form, self.headers.get("Authorization", "")))

        def json(self, status, said):
            self.give(status, {"Content-Type": "application/json"}, json.dumps(said).encode())

        def give(self, status, headers, content):
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    provider = IdentityProvider(f"http://{host}:{server.server_port}", console, key, [key])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
