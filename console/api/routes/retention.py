"""For how long what is kept, and the report that proves it.

What a single camera does not say counts for it as for every camera, so it is not answered as ``null``.
"""

from dataclasses import replace

from console.api.bodies.retention import RetentionKept, RetentionReported
from console.api.permitted import PermittedRouter
from console.api.use import CurrentUse
from reid_core.access import EVERYTHING, Permission
from reid_core.access.errors import NotPermittedError
from reid_core.retention.enforcing import CHANGED
from reid_core.retention.reporting import report as made_report
from reid_core.retention.rules import RetentionRules, keep_rules, kept_rules, rules_json

router = PermittedRouter("/retention", tags=["retention"])


@router.get("", permission=Permission.RETENTION_READ, response_model_exclude_unset=True)
def retention(use: CurrentUse) -> RetentionKept:
    """The rules that the gallery keeps, in days, with those of the own cameras; ``null`` is for ever."""
    with use.gallery.database.read() as session:
        kept = kept_rules(session)
    own = {name: rule for name, rule in kept.cameras.items() if use.principal.scope.has_camera(name)}
    return _whole(kept.model_copy(update={"cameras": own}))


@router.put("", permission=Permission.RETENTION_MANAGE, response_model_exclude_unset=True)
def put_retention(asked: RetentionKept, use: CurrentUse) -> RetentionKept:
    """Keep other rules from now on; workers enforce them whose settings name none of their own.

    They are of the whole gallery, and so for those who may see all of it.
    """
    if use.principal.scope != EVERYTHING:
        raise NotPermittedError("Rules of the whole gallery are for those who may see all of it.")
    with use.gallery.database.write() as session:
        if keep_rules(session, asked.rules):
            use.record(CHANGED, subject={"rules": rules_json(asked.rules)}, session=session)
    return _whole(asked.rules)


@router.get("/report", permission=Permission.RETENTION_READ)
def report(use: CurrentUse) -> RetentionReported:
    """By camera and class: the rule, the oldest that is left, what went, when and by which rule."""
    use.record("retention.report")
    made = made_report(use.gallery.database, use.context.trail)
    own = [one for one in made.lines if one.camera is None or use.principal.scope.has_camera(one.camera)]
    return RetentionReported.of(replace(made, lines=tuple(own)))


def _whole(rules: RetentionRules) -> RetentionKept:
    """Rules with everything said that counts for every camera."""
    return RetentionKept(rules=RetentionRules.model_validate(rules_json(rules)))
