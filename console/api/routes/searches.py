"""Searches for a person."""

from console.api.bodies.searches import SearchAnswer, SearchAsked
from console.api.metrics import Metrics
from console.api.permitted import PermittedRouter
from console.api.searching import Searcher, search
from console.api.use import CurrentUse
from reid_core.access import Permission

router = PermittedRouter("/searches", tags=["search"])
_BYTES = 512 << 10


@router.post("", permission=Permission.SEARCH, max_body_size=_BYTES)
async def make(asked: SearchAsked, use: CurrentUse) -> SearchAnswer:
    """Look for a person by words, a tracklet, a picture, or words with either; one page of the answer.

    Nobody who fits is an answer too: `unknown` is the probability of it. The next page is asked for with the
    same body and `cursor` set to `next`.
    """
    searcher = use.context.shared(Searcher)
    answer = await searcher.pool.run(lambda: search(use, asked, searcher.models))
    use.context.shared(Metrics).searches.labels(str(answer.form)).inc()
    return answer
