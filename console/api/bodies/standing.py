"""The state of the gallery and its cameras."""

from console.api.bodies.base import Moment, Shape


class Counts(Shape):
    """How many of each the gallery holds; ``waiting`` tracklets are not admitted yet."""

    identities: int
    tracklets: int
    sightings: int
    links: int
    waiting: int


class SeenModel(Shape):
    """A model whose vectors the gallery holds; ``active`` ones are searched by."""

    id: str
    space: str
    kind: str
    vectors: int
    active: bool


class Policy(Shape):
    """Which actions need a purpose, the reference of a case, a second person."""

    purpose: list[str]
    case: list[str]
    two_persons: list[str]


class Status(Shape):
    """How the console stands.

    Attributes:
        version: of nightreid.
        database: its kind.
        counts: null for whoever may not see everything.
        models: whose vectors the gallery holds; null likewise.
        policy: what is asked of whoever uses it.
        banner: what everybody is to be told, or null.
    """

    version: str
    database: str
    counts: Counts | None
    models: list[SeenModel] | None
    policy: Policy
    banner: str | None


class SeenCamera(Shape):
    """A camera, and what is kept of it within the asker's scope.

    Attributes:
        camera: its id.
        modality: how its images are compared.
        spectrum: the light it records.
        tracklets: how many are kept.
        first: capture time of the first.
        last: capture time at which the last ended.
        seen: up to which capture time its stream has been looked at; null where it has none.
    """

    camera: str
    modality: str
    spectrum: str
    tracklets: int
    first: Moment | None
    last: Moment | None
    seen: Moment | None


class Cameras(Shape):
    """Cameras, by id."""

    cameras: list[SeenCamera]
