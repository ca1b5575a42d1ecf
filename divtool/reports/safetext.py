"""Text from data made harmless: nothing that stands in a file can move the cursor, colour, link or spoof."""

from __future__ import annotations

import re

# Controls of ASCII and of Latin-1, then what reorders, hides or joins: bidi marks, zero-width and tag characters.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]")
_UNSEEN = re.compile(
    "[\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
WIDTH = 200


def safe(text: str, width: int = WIDTH) -> str:
    """``text`` with controls as ``\\xNN``, unseen characters as ``\\uNNNN``, cut in the middle to a width.

    >>> safe("a\\x1b[31mb"), safe("x" * 30, width=11)
    ('a\\\\x1b[31mb', 'xxxx...xxxx')
    """
    shown = _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
    shown = _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", shown)
    if len(shown) <= width:
        return shown
    tail = (width - 3) // 2
    return shown[: width - 3 - tail] + "..." + shown[len(shown) - tail :]
