"""API tokens: programs that act for a user."""

from console.api.bodies.accounts import MadeToken, NewToken, SeenToken, Tokens
from console.api.bodies.base import nanoseconds
from console.api.permitted import PermittedRouter
from console.api.use import CurrentUse, not_found
from reid_core.access import Permission
from reid_core.access.errors import NotPermittedError
from reid_core.access.tokens import add_token, revoke_token, tokens
from reid_core.access.users import user_by_id

router = PermittedRouter("/tokens", tags=["tokens"])


@router.get("", permission=Permission.TOKENS)
def list_tokens(use: CurrentUse, everybody: bool = False) -> Tokens:
    """The own tokens; everybody's for those who may read about users."""
    if everybody and not use.principal.may(Permission.USERS_READ):
        raise not_found()
    with use.gallery.database.read() as session:
        found = tokens(session, None if everybody else use.principal.id)
    if everybody:
        use.record("token.list")
    return Tokens(tokens=[SeenToken.of(one) for one in found])


@router.post("", permission=Permission.TOKENS, status_code=201)
def post_token(asked: NewToken, use: CurrentUse) -> MadeToken:
    """Make a token for oneself; it may never do or see more than its user."""
    if use.session is None:
        # One that could make others would outlive its own end.
        raise NotPermittedError("Tokens are made by users who are signed in.")
    with use.gallery.database.write() as session:
        user = user_by_id(session, use.principal.id)
        assert user is not None
        secret, made = add_token(
            session,
            user,
            asked.name,
            use.context.clock(),
            role=asked.role,
            scope=asked.scope.unpacked(),
            expires_ns=nanoseconds(asked.expires),
        )
        details = {"name": made.name, "role": made.role.value, "scope": made.scope.packed()}
        use.record("token.add", subject={"token": made.id}, details=details, session=session)
    return MadeToken(token=SeenToken.of(made), secret=secret)


@router.delete("/{id}", permission=Permission.TOKENS, status_code=204)
def delete_token(id: str, use: CurrentUse) -> None:
    """Revoke a token: an own one, or anybody's for those who manage users."""
    with use.gallery.database.write() as session:
        mine = None if use.principal.may(Permission.USERS_MANAGE) else use.principal.id
        if not revoke_token(session, id, mine):
            raise not_found()
        use.record("token.revoke", subject={"token": id}, session=session)
