"""Text that comes from outside: made safe to store and to print, and otherwise left as it came."""

import re
import unicodedata

_PICTURES = {code: 0x2400 + code for code in range(0x20) if code not in (0x09, 0x0A)} | {0x7F: 0x2421}
_PICTURE_OF = {code: chr(picture) for code, picture in _PICTURES.items()}

# C1 controls, surrogates (in a str they are always unpaired) and noncharacters: most of them may not stand in XML or
# UTF-8, so one of them in a comment would make the whole digest unreadable.
_UNUSABLE = re.compile(
    "[\x80-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr((plane << 16) | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
    + "]"
)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")

# The CJK blocks of Unicode 16, with 〇 and the compatibility ideographs.
_HAN = re.compile(
    "[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0002a6df\U0002a700-\U0002ebe0\U0002ebf0-\U0002ee5d\U0002f800-\U0002fa1f\U00030000-\U000323af]"
)

_MASK = "**"
ANONYMOUS = "网友"


def clean(text: str) -> str:
    """Make *text* storable: nothing is lost silently, and cleaning twice changes nothing.

    CRLF becomes LF; other C0 controls but LF and TAB become their control pictures (NUL → ␀, DEL → ␡); C1 controls,
    unpaired surrogates and noncharacters become U+FFFD; outer whitespace goes. Bidirectional marks, zero-width joiners,
    emoji and rare characters stay. The result can always be encoded as UTF-8 and written as XML 1.0.
    """
    text = text.replace("\r\n", "\n")
    text = _CONTROL.sub(lambda match: _PICTURE_OF[ord(match[0])], text)
    return _UNUSABLE.sub("\ufffd", text).strip()


def is_blank(text: str) -> bool:
    """Whether a reader would see nothing: only whitespace and what has no glyph (joiners, marks, selectors)."""
    return all(
        char.isspace()
        or unicodedata.category(char) in ("Cf", "Cc")
        or unicodedata.combining(char)
        or _is_selector(char)
        for char in text
    )


def has_han(text: str) -> bool:
    """Whether *text* holds a Han character of any block, extension B and later included."""
    return _HAN.search(text) is not None


def count_han(text: str) -> int:
    """The number of Han characters in *text*."""
    return len(_HAN.findall(text))


def mask_name(nickname: str) -> str:
    """The form in which a name is published: its first character and two asterisks, “朱**”, whatever its length.

    A name that shows nothing becomes “网友”, which names nobody and stays. The first character is what a reader takes
    for one: an emoji keeps its skin tone and joined parts, a letter its accents.
    """
    name = clean(nickname)
    if is_blank(name) or name == ANONYMOUS:
        return ANONYMOUS
    start = next(index for index, char in enumerate(name) if not is_blank(char))
    end = start + 1
    while end < len(name) and (_extends(name[end]) or name[end - 1] == "\u200d"):
        end += 1
    return name[start:end] + _MASK


def _is_selector(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"


def _extends(char: str) -> bool:
    """Whether *char* belongs to the character before it (the parts of UAX #29 that names and emoji need)."""
    return (
        char == "\u200d"
        or _is_selector(char)
        or unicodedata.category(char) in ("Mn", "Me", "Mc")
        or "\U0001f3fb" <= char <= "\U0001f3ff"
    )
