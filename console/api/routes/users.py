"""Users: who may use the console, as what."""

from console.api.bodies.accounts import NewUser, SeenUser, UserChange, Users
from console.api.permitted import PermittedRouter
from console.api.use import CurrentUse, not_found
from reid_core.access import Permission, Role
from reid_core.access.passwords import hashed
from reid_core.access.users import User, add_user, change_user, find_user, users
from reid_core.errors import UsageError

router = PermittedRouter("/users", tags=["users"])


@router.get("", permission=Permission.USERS_READ)
def list_users(use: CurrentUse) -> Users:
    """All users, by name."""
    with use.gallery.database.read() as session:
        found = users(session)
    use.record("user.list")
    return Users(users=[SeenUser.of(one) for one in found])


@router.post("", permission=Permission.USERS_MANAGE, status_code=201)
def post_user(asked: NewUser, use: CurrentUse) -> SeenUser:
    """Add a user."""
    password = hashed(asked.password.get_secret_value())
    with use.gallery.database.write() as session:
        added = add_user(
            session, asked.name, asked.role, password, use.context.clock(), asked.scope.unpacked()
        )
        details = {"name": added.name, "role": added.role.value, "scope": added.scope.packed()}
        use.record("user.add", subject={"user": added.id}, details=details, session=session)
    return SeenUser.of(added)


@router.patch("/{name}", permission=Permission.USERS_MANAGE)
def patch_user(name: str, asked: UserChange, use: CurrentUse) -> SeenUser:
    """Change a user: role and scope hold from the next request on; a new password signs out everywhere."""
    password = hashed(asked.password.get_secret_value()) if asked.password is not None else None
    with use.gallery.database.write() as session:
        before = find_user(session, name)
        if before is None:
            raise not_found()
        _check_not_oneself(use.principal.id, before, asked)
        after = change_user(
            session,
            before.name,
            role=asked.role,
            scope=asked.scope.unpacked() if asked.scope is not None else None,
            disabled=asked.disabled,
            password=password,
        )
        details = {
            "name": after.name,
            "role": after.role.value,
            "scope": after.scope.packed(),
            "disabled": after.disabled,
            "password": password is not None,
        }
        use.record("user.change", subject={"user": after.id}, details=details, session=session)
    return SeenUser.of(after)


def _check_not_oneself(asking: str, user: User, asked: UserChange) -> None:
    # Or the last administrator might leave nobody behind who can let anybody in.
    if user.id == asking and (asked.disabled or asked.role not in (None, Role.ADMIN)):
        raise UsageError("Nobody takes their own administration away.", "Another administrator can.")
