"""Logins as people have them, and whether anything of one can be read somewhere."""

import string
from urllib.parse import quote, quote_plus, unquote

from hypothesis import strategies as st

SPECIAL = "#/?@:%&=;+!$*,. "
_WORDS = st.text(alphabet=string.ascii_letters + string.digits, min_size=6, max_size=9)


@st.composite
def passwords(draw, special=SPECIAL):
    """Words with one special character or more between them: long enough not to stand anywhere by chance."""
    words = draw(st.lists(_WORDS.map("Qz{}".format), min_size=1, max_size=3))
    between = st.text(alphabet=special, min_size=1, max_size=2)
    return "".join(word + draw(between) for word in words) + draw(_WORDS.map("Qz{}".format))


def logins(special=SPECIAL):
    """``user:password``, also without a user."""
    return st.builds("{}:{}".format, st.sampled_from(["admin", "joe", ""]), passwords(special))


def parts(secret):
    """What may be seen of a secret nowhere: the whole, as it is and encoded, and each of its words."""
    forms = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), unquote(secret)}
    words = "".join(each if each.isalnum() else " " for each in unquote(secret)).split()
    return {each for each in (*forms, *words) if len(each) >= 6}


def seen(secret, *outputs):
    """The parts of a secret that stand in any of some outputs, text or bytes."""
    texts = [each.decode("latin-1") if isinstance(each, bytes) else each for each in outputs]
    return {part for part in parts(secret) for text in texts if part.lower() in text.lower()}
