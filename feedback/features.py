"""What a trained sentiment model sees of a text: pieces of it, nothing left out as a stop word.

Characters and runs of two and three, signs ([表情], emoji) whole, and pairs marked where a negation stands before them:
“没有问题” and “问题” differ. Linear in the text, which is cut where a comment cannot be longer.
"""

import itertools
import re
import unicodedata

LONGEST = 1000
"""Characters that are looked at; a comment has at most 500."""

_TOKEN = re.compile(r"https?://\S+|@[^\s@:：，。]{1,20}|\[[^\[\]\s]{1,8}\]|\d+|[a-z]+|\s+|.", re.DOTALL)
_NEGATION = re.compile(r"不是|并非|没有|没|不|未|别|勿|无|非")
_CLAUSE_END = frozenset("，。！？；,.!?; ")
_SHORT = 6
"""Tokens up to which a text is a feature as a whole."""
_REACH = 4
"""Tokens behind a negation that it may turn round, within its clause."""


def tokens(text: str) -> list[str]:
    """The smallest pieces of *text*: characters, Latin words, signs; what names somebody or something is made alike."""
    lowered = unicodedata.normalize("NFKC", text[:LONGEST]).lower()
    found = []
    for piece in _TOKEN.findall(lowered):
        if piece[0] == "@" and len(piece) > 1:
            found.append("@")
        elif piece.startswith("http") and len(piece) > 7:
            found.append("↗")
        elif piece[0].isdigit():
            found.append("0")
        elif piece.isspace():
            found.append(" ")
        else:
            found.append(piece)
    return found


def features(text: str) -> set[str]:
    """The features of *text*, each once: a word said ten times is no ten opinions. Empty for an empty text."""
    pieces = tokens(text)
    found = set(pieces)
    found.update("".join(pair) for pair in itertools.pairwise(pieces))
    found.update("".join(three) for three in zip(pieces, pieces[1:], pieces[2:], strict=False))
    if 0 < len(pieces) <= _SHORT:  # “谢谢” alone is not the politeness at the end of a request
        found.add(f"⊢{''.join(piece for piece in pieces if piece.isalnum())}⊣")
    left = 0
    for index, piece in enumerate(pieces):
        if piece in _CLAUSE_END:
            left = 0
        elif left:
            left -= 1
            found.add("¬" + piece)
            if index + 1 < len(pieces):
                found.add("¬" + piece + pieces[index + 1])
        if _NEGATION.fullmatch(piece):
            left = _REACH
    found.discard(" ")
    return found
