"""Text as a cell between tabs, for readers that split lines at tabs and know nothing of quotation marks."""

from __future__ import annotations

import re

_SHORT = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
# Controls, what some readers take for the end of a line, and the mark that opens a quotation for others.
_SPECIAL = re.compile(r'[\\"\x00-\x1f\x7f-\x9f\u2028\u2029]')


def tab_cell(text: str) -> str:
    """Text that neither ends a cell nor a line, and loses nothing: Python's ``unicode_escape`` reads ASCII back.

    >>> print(tab_cell('a\\tb'), tab_cell("c\\\\d"), tab_cell('5" \\x1b[31m'))
    a\\tb c\\\\d 5\\x22 \\x1b[31m
    """
    return _SPECIAL.sub(lambda found: _SHORT.get(found[0]) or _by_number(ord(found[0])), text)


def _by_number(code: int) -> str:
    return f"\\x{code:02x}" if code < 1 << 8 else f"\\u{code:04x}"
