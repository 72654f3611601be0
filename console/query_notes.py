"""What whoever asks should know of an answer, in sentences: on a terminal and over HTTP alike."""

from console.report_words import NOT_FOR_THESE, count, share
from reid_core.querying.query import Answer
from reid_core.querying.trust import Trust


def answer_notes(answer: Answer, trust: Trust) -> list[str]:
    """How far an answer can be trusted, and with how many identities was compared."""
    lines = []
    if not answer.identities:
        lines.append("nobody was seen there and then" if not answer.searched else "no more identities")
    if trust.calibration is None:
        lines.append(f"no probabilities: {trust.why}")
    elif answer.unknown is not None:
        lines.append(f"nobody of them: probability {share(answer.unknown)}")
    elif answer.identities:
        lines.append("each probability is of that pair alone: the calibration knows no sizes of galleries")
    if trust.own_cameras is False and answer.identities:
        lines.append(f"probabilities are {NOT_FOR_THESE}")
    searched = count(answer.searched, "identity", "identities") + " compared"
    if answer.captioned is not None:
        searched += (
            f", {answer.captioned:,} of them by captions too"
            if answer.captioned
            else ("; no captions are stored, so by pictures alone")
        )
    if answer.kept is not None:
        searched += f", {answer.kept:,} of them kept by the words"
    lines.append(searched)
    return lines
