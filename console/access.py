"""The logic of ``nightreid user`` and ``nightreid token``; what they change stands in the audit log."""

import getpass
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from console.access_lines import token_json, token_line, user_json, user_line
from console.api.settings import ServeSettings
from console.local_use import local_actor, note_checkpoint
from console.when import time_range
from reid_core.access import Role, Scope
from reid_core.access.passwords import hashed
from reid_core.access.tokens import add_token, revoke_token, tokens
from reid_core.access.users import User, add_user, change_user, the_user, users
from reid_core.access.vouched import vouch_for
from reid_core.audit.event import AuditEvent
from reid_core.audit.trail import Trail
from reid_core.config import load_config
from reid_core.errors import UsageError
from reid_core.gallery import Gallery


def add_user_command(
    database: str | None,
    config: Path | None,
    name: str,
    role: str,
    scope: Scope,
    password_file: Path | None,
    as_json: bool,
) -> int:
    """Add a user and print them; a gallery that is not there yet is made.

    Returns:
        0.

    Raises:
        UsageError: the name or the password cannot be one, or the name is taken.
    """
    password = hashed(read_password(password_file))
    with _gallery(database, config) as (gallery, trail), gallery.database.write() as session:
        added = add_user(session, name, Role(role), password, time.time_ns(), scope)
        trail.append(_event("user.add", {"user": added.id}, user_json(added)), session)
    return _print_user(added, as_json)


def link_user_command(
    database: str | None, config: Path | None, name: str, subject: str, role: str | None, as_json: bool
) -> int:
    """Let a user sign in at the provider of the settings, and not by password any more; print them.

    Args:
        database: of the gallery; by default the one of the settings.
        config: settings of `nightreid serve`, or ``None`` for the defaults and the environment.
        name: of the user.
        subject: as whom the provider knows them.
        role: with it, the user is added first.
        as_json: whether to print an object.

    Returns:
        0.

    Raises:
        UsageError: no provider is set, there is no such user, or the subject is somebody else's.
    """
    issuer = load_config(ServeSettings, config, (), os.environ).oidc.issuer
    if issuer is None:
        raise UsageError("No identity provider is set.", "Set oidc.issuer (docs/console.md).")
    with _gallery(database, config) as (gallery, trail), gallery.database.write() as session:
        if role is not None:
            add_user(session, name, Role(role), None, time.time_ns())
        linked = vouch_for(session, name, issuer, subject)
        action = "user.change" if role is None else "user.add"
        trail.append(_event(action, {"user": linked.id}, {**user_json(linked), "subject": subject}), session)
    return _print_user(linked, as_json)


def list_users_command(database: str | None, config: Path | None, as_json: bool) -> int:
    """Print all users.

    Returns:
        0.
    """
    with _gallery(database, config) as (gallery, _trail), gallery.database.read() as session:
        found = users(session)
    if as_json:
        print(json.dumps({"users": [user_json(one) for one in found]}, indent=2))
        return 0
    for one in found:
        print(user_line(one))
    return 0


def change_user_command(
    database: str | None,
    config: Path | None,
    name: str,
    as_json: bool,
    *,
    role: str | None = None,
    scope: Scope | None = None,
    disabled: bool | None = None,
    password: str | None = None,
) -> int:
    """Change what is given about a user, and print them.

    Returns:
        0.

    Raises:
        UsageError: there is no such user, or the password cannot be one.
    """
    kept = hashed(password) if password is not None else None
    with _gallery(database, config) as (gallery, trail), gallery.database.write() as session:
        changed = change_user(
            session,
            name,
            role=Role(role) if role is not None else None,
            scope=scope,
            disabled=disabled,
            password=kept,
        )
        details = {**user_json(changed), "password": password is not None}
        trail.append(_event("user.change", {"user": changed.id}, details), session)
    return _print_user(changed, as_json)


def add_token_command(
    database: str | None,
    config: Path | None,
    name: str,
    user: str,
    role: str | None,
    scope: Scope,
    expires: str | None,
    as_json: bool,
) -> int:
    """Make a token and print it: standard output has nothing but what opens the console.

    Returns:
        0.

    Raises:
        UsageError: there is no such user, or the name cannot be one or is taken.
    """
    ends = time_range(expires, None)[0] if expires is not None else None
    with _gallery(database, config) as (gallery, trail), gallery.database.write() as session:
        secret, made = add_token(
            session,
            the_user(session, user),
            name,
            time.time_ns(),
            role=Role(role) if role is not None else None,
            scope=scope,
            expires_ns=ends,
        )
        trail.append(_event("token.add", {"token": made.id, "user": made.user.id}, token_json(made)), session)
    if as_json:
        print(json.dumps({**token_json(made), "secret": secret}, indent=2))
        return 0
    print(f"{token_line(made)}\nIt is shown this once:", file=sys.stderr)
    print(secret)
    return 0


def list_tokens_command(database: str | None, config: Path | None, user: str | None, as_json: bool) -> int:
    """Print tokens.

    Returns:
        0.

    Raises:
        UsageError: there is no such user.
    """
    with _gallery(database, config) as (gallery, _trail), gallery.database.read() as session:
        found = tokens(session, the_user(session, user).id if user is not None else None)
    if as_json:
        print(json.dumps({"tokens": [token_json(one) for one in found]}, indent=2))
        return 0
    for one in found:
        print(token_line(one))
    return 0


def revoke_token_command(database: str | None, config: Path | None, id_: str) -> int:
    """End a token.

    Returns:
        0.

    Raises:
        UsageError: there is none of this id, or several begin with it.
    """
    with _gallery(database, config) as (gallery, trail), gallery.database.write() as session:
        found = [one for one in tokens(session) if one.id.startswith(id_) and not one.revoked]
        if len(found) != 1:
            said = "several tokens" if found else "no token that is not revoked"
            raise UsageError(f"There is {said} with an id that begins with {id_[:40]!r}.")
        revoke_token(session, found[0].id)
        trail.append(_event("token.revoke", {"token": found[0].id}, {}), session)
    print(f"revoked: {token_line(found[0])}")
    return 0


def asked_scope(cameras: Sequence[str] | None, since: str | None, until: str | None) -> Scope:
    """What options say may be seen.

    Raises:
        UsageError: one is no time, or a time of day.
    """
    first, last, hours = time_range(since, until)
    if hours is not None:
        raise UsageError("What may be seen is bounded by times with a date.")
    return Scope(frozenset(cameras) if cameras else None, first, last)


def read_password(file: Path | None) -> str:
    """A password: of a file, of standard input, or as somebody types it twice.

    Raises:
        UsageError: it is not there, or typed in two ways.
    """
    if file is not None:
        try:
            text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise UsageError(f"The password file {file} cannot be read.") from None
        return text.rstrip("\r\n")
    if not sys.stdin.isatty():
        raise UsageError("Nobody is here to type a password.", "Give --password-file FILE, or - .")
    first, second = getpass.getpass("Password: "), getpass.getpass("Again: ")
    if first != second:
        raise UsageError("The two passwords differ.")
    return first


@contextmanager
def _gallery(database: str | None, config: Path | None) -> Iterator[tuple[Gallery, Trail]]:
    settings = load_config(ServeSettings, config, (), os.environ)
    with Gallery.open(database or settings.database()) as gallery:
        yield gallery, Trail.of(gallery.database, settings.audit.key_file)
        note_checkpoint(gallery.database, settings.audit)


def _event(action: str, subject: Mapping[str, object], details: Mapping[str, object]) -> AuditEvent:
    return AuditEvent(action, local_actor(), subject=subject, details=details)


def _print_user(user: User, as_json: bool) -> int:
    print(json.dumps(user_json(user), indent=2) if as_json else user_line(user))
    return 0
