"""A head learned from a gallery's evidence, in steps that a killed run goes on from.

It begins in closed form: in the directions in which vectors vary most, the spread of a tracklet's own vectors
is divided out (within-class covariance normalisation, Hatch and Stolcke, ICASSP 2006), for a tracklet is one
person. Then vectors are drawn to the mean of their tracklet and away from those of other tracklets of their
camera, who are nearly all other people. In further rounds tracklets are grouped over cameras, and vectors are
drawn to their group and away from other groups (cluster contrast, Dai et al., ACCV 2022).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reid_core.errors import UsageError
from reid_core.heads import Head
from reid_core.types import Ints, Modality
from training.adapting.evidence import Evidence
from training.adapting.grouping import grouped, means_of
from training.adapting.progress import Progress, ProgressFile
from training.adapting.settings import AdaptSettings
from training.seeding import generator

Doubles = NDArray[np.float64]
Told = Callable[[int, int], None]

# Of Adam (Kingma and Ba, ICLR 2015).
_BETA, _BETA2, _SMALL = 0.9, 0.999, 1e-8
# Steps between two looks at where the means of the groups are by now.
_MEANS_EVERY = 20


@dataclass(frozen=True, slots=True)
class LearnedHead:
    """A head, and what it was learned from.

    Attributes:
        head: behind standardised vectors.
        groups: of tracklets over cameras.
        grouped: tracklets in them.
    """

    head: Head
    groups: int
    grouped: int


class Learner:
    """Learns a head.

    Args:
        evidence: what the footage says.
        chosen: ``(T,)`` which tracklets may be learned from.
        settings: how.
        seed: of the batches.
    """

    def __init__(
        self, evidence: Evidence, chosen: NDArray[np.bool_], settings: AdaptSettings, seed: int
    ) -> None:
        self._settings, self._seed = settings, seed
        inside = chosen[evidence.rows]
        # Places among the chosen.
        self._rows: Ints = (np.cumsum(chosen) - 1)[evidence.rows[inside]]
        places = np.flatnonzero(chosen).tolist()
        self._visible = np.array([evidence.modalities[place] is Modality.VISIBLE for place in places])
        self._stays = [evidence.stays[place] for place in places]
        self._cameras = np.unique([stay.camera for stay in self._stays], return_inverse=True)[1]
        number = {evidence.names[place]: at for at, place in enumerate(places)}
        self._same, self._apart = (
            [
                (number[one], number[other])
                for one, other in sorted(pairs)
                if one in number and other in number
            ]
            for pairs in (evidence.words.same, evidence.words.apart)
        )
        raw = evidence.vectors[inside].astype(np.float64)
        self._basis = _directions(raw, settings.directions)
        self._vectors = _of_length_one(raw @ self._basis)
        self._start = _whitening(self._spread(), settings.shrinkage)

    def learn(self, file: ProgressFile, told: Told | None = None) -> LearnedHead:
        """Learn, or go on.

        Args:
            file: of the state.
            told: called with steps done and their number.

        Raises:
            UsageError: too little can be grouped over cameras.
            StorageError: the state cannot be written.
        """
        wanted = self._settings
        zero = np.zeros_like(self._start)
        state = file.read() or Progress(0, 0, self._start, zero, zero, np.empty(0, np.int64))
        while state.round < wanted.rounds:
            if not len(state.groups):
                groups = self._groups(state.matrix) if state.round else self._people()
                state = replace(state, step=0, first=zero, second=zero, groups=groups)
            rivals = self._rivals(state)
            centres = np.empty(0)
            while state.step < wanted.steps:
                if state.step % wanted.state_every == 0:
                    file.write(state)
                    centres = np.empty(0)
                if state.step % _MEANS_EVERY == 0 or not len(centres):
                    centres = self._centres(state)
                state = self._stepped(state, centres, rivals)
                if told is not None:
                    told(state.round * wanted.steps + state.step, wanted.rounds * wanted.steps)
            state = replace(state, round=state.round + 1, step=0, groups=np.empty(0, np.int64))
        file.write(state)
        groups = self._groups(state.matrix)
        head = Head.of(self._basis @ state.matrix @ self._basis.T)
        return LearnedHead(head, int(groups.max()) + 1, int((groups >= 0).sum()))

    def _people(self) -> Ints:
        """``(T,)`` each tracklet by itself; those together of which people said that they are one person."""
        found = np.arange(len(self._stays))
        for one, other in self._same:
            found[found == found[max(one, other)]] = found[min(one, other)]
        return np.asarray(np.unique(found, return_inverse=True)[1], np.int64)

    def _rivals(self, state: Progress) -> NDArray[np.bool_]:
        """``(C, G)`` which groups are told from a vector of each camera."""
        count = int(state.groups.max()) + 1
        if state.round:
            return np.ones((int(self._cameras.max()) + 1, count), np.bool_)
        found = np.zeros((int(self._cameras.max()) + 1, count), np.bool_)
        found[self._cameras, state.groups] = True
        return found

    def _groups(self, matrix: Doubles) -> Ints:
        """``(T,)`` groups of the visible tracklets, -1 for others."""
        means = means_of(_of_length_one(self._vectors @ matrix), self._rows)
        places = np.flatnonzero(self._visible)
        number = {place: at for at, place in enumerate(places.tolist())}
        same, apart = (
            [(number[one], number[other]) for one, other in pairs if one in number and other in number]
            for pairs in (self._same, self._apart)
        )
        stays = [self._stays[place] for place in places]
        found = np.full(len(means), -1, np.int64)
        wanted = self._settings
        found[places] = grouped(means[places], stays, same, apart, wanted.far, wanted.nearest)
        # Whom people found in the dark belongs to the group of who it is.
        for one, other in self._same:
            day, night = (one, other) if self._visible[one] else (other, one)
            if self._visible[day] and not self._visible[night]:
                found[night] = found[day]
        count = int(found.max(initial=-1)) + 1
        if count < wanted.groups:
            raise UsageError(
                f"Only {count} groups of tracklets over cameras were found, and {wanted.groups} different "
                "people teach something; what is seen in one camera alone, as posters are, does not."
            )
        return found

    def _centres(self, state: Progress) -> Doubles:
        """``(G, R)`` of length one: mean of each group's vectors, as they are turned by now."""
        of = state.groups[self._rows]
        turned = _of_length_one(self._vectors[of >= 0] @ state.matrix)
        sums = np.zeros((int(state.groups.max()) + 1, turned.shape[1]))
        np.add.at(sums, of[of >= 0], turned)
        return _of_length_one(sums)

    def _stepped(self, state: Progress, centres: Doubles, rivals: NDArray[np.bool_]) -> Progress:
        """One step of Adam on the contrast of a batch with the groups' means."""
        wanted = self._settings
        of = state.groups[self._rows]
        usable = np.flatnonzero(of >= 0)
        draw = generator(self._seed, "round", state.round, "step", state.step)
        batch = usable[draw.integers(len(usable), size=wanted.batch)]
        vectors = self._vectors[batch]
        turned = vectors @ state.matrix
        lengths = np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-9)
        turned /= lengths
        told = rivals[self._cameras[self._rows[batch]]]
        logits = np.where(told, turned @ centres.T / wanted.temperature, -np.inf)
        logits -= logits.max(axis=1, keepdims=True)
        shares = np.exp(logits)
        shares /= shares.sum(axis=1, keepdims=True)
        shares[np.arange(len(batch)), of[batch]] -= 1
        pull = shares @ centres / (wanted.temperature * len(batch))
        pull -= turned * (turned * pull).sum(axis=1, keepdims=True)
        gradient = vectors.T @ (pull / lengths) + 2 * wanted.keep * (state.matrix - self._start)
        first = _BETA * state.first + (1 - _BETA) * gradient
        second = _BETA2 * state.second + (1 - _BETA2) * gradient**2
        times = state.step + 1
        move = first / (1 - _BETA**times) / (np.sqrt(second / (1 - _BETA2**times)) + _SMALL)
        matrix = state.matrix - wanted.rate * move
        return replace(state, step=times, matrix=matrix, first=first, second=second)

    def _spread(self) -> Doubles:
        """``(R, R)`` covariance of vectors about their tracklet's mean; each modality counts the same."""
        found = []
        sizes = np.bincount(self._rows)
        starts = np.cumsum([0, *sizes[:-1]])
        means = np.add.reduceat(self._vectors, starts, axis=0) / sizes[:, None]
        apart = self._vectors - means[self._rows]
        for chosen in (self._visible, ~self._visible):
            some = apart[chosen[self._rows]]
            freedom = len(some) - int(chosen.sum())
            if freedom > 0:
                found.append(some.T @ some / freedom)
        if not found:
            raise UsageError("No tracklet has two pictures, which would show how one person looks different.")
        return np.asarray(np.mean(found, axis=0))


def _directions(vectors: Doubles, count: int) -> Doubles:
    """``(D, R)`` orthonormal: in which vectors vary most, about the origin."""
    _, axes = np.linalg.eigh(vectors.T @ vectors)
    return np.ascontiguousarray(axes[:, ::-1][:, :count])


def _whitening(spread: Doubles, shrinkage: float) -> Doubles:
    """``(S / mean + shrinkage I) ** -1/2``, ``S`` the spread and its mean over directions."""
    values, axes = np.linalg.eigh(spread)
    values = np.maximum(values, 0)
    found: Doubles = (axes * (values / max(values.mean(), 1e-12) + shrinkage) ** -0.5) @ axes.T
    return found


def _of_length_one(vectors: Doubles) -> Doubles:
    found: Doubles = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return found
