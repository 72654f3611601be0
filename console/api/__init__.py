"""The HTTP API: a thin face of the services below.

How a subject is added: a file ``routes/<subject>.py`` with a ``router`` and a line in ``routes/__init__.py``.

    router = PermittedRouter("/links", tags=["links"])

    @router.get("", permission=Permission.VIEW)
    def links(use: CurrentUse, state: LinkState = LinkState.UNCERTAIN) -> LinkPage:
        found = ...use.narrowed(SearchFilter())...
        use.record("view", subject={"tracklets": [one.id for one in found]})
        return LinkPage(...)

* Every route declares ``permission=``; without it the module cannot be imported (`permitted`).
* `use.Use` says who asks, why, and what they may see; nothing is answered before `Use.record` has written it
  down, and what is out of scope is raised as `NotFoundError` (`Use.must_see` does).
* Errors are raised as `NightreidError`; `problems.STATUSES` says with which status each class is answered.
* Bodies and answers are `bodies.base.Shape`; times are `bodies.base.Moment` outside, nanoseconds inside.
* What is made once and shared by all requests (models, a hub of live events) is made by
  `Context.shared(Kind)`: a class with ``__init__(context)``, and ``close()`` where something is to be let go.
"""
