"""One HTML page that needs nothing else: no network, no fonts, no script. Sections in, text out.

Bodies of sections are HTML that is trusted; every text from data goes through :func:`escaped` on its way into one.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from divtool.reports.pagestyle import STYLE
from divtool.reports.safetext import safe
from divtool.reports.wording import number


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its text, what is shown where a pointer rests on it, and its class in the style sheet.
    ``trusted``: the text is HTML already, such as a chart."""

    text: str
    title: str = ""
    style: str = ""
    trusted: bool = False


def exact(value: float | None, digits: int, style: str = "") -> Cell:
    """A number to so many digits, all of them where a pointer rests on it.

    >>> exact(0.1 + 0.2, 3)
    Cell(text='0.3', title='0.30000000000000004', style='', trusted=False)
    """
    return Cell("", style=style) if value is None else Cell(number(value, digits), repr(value), style)


def escaped(text: str, width: int = 400) -> str:
    """Text from data as a page can hold it: harmless, cut to a width, no markup.

    >>> escaped('<b> & "q" \\x1b[31m')
    '&lt;b&gt; &amp; &quot;q&quot; \\\\x1b[31m'
    """
    return html.escape(safe(text, width))


def page(title: str, sections: Sequence[tuple[str, str]], *, lead: str = "", broad: bool = False) -> str:
    """A whole page: its title, what stands under it (``lead``, trusted HTML), and sections of (heading, trusted HTML).

    A section without a heading is one without a line of its own. The title and the headings are escaped here.
    ``broad``: it is as wide as the window, for tables of many columns.

    >>> page("A <page>", [("Numbers", "<p>1</p>")]).splitlines()[0]
    '<!DOCTYPE html>'
    """
    said = escaped(title)
    body = "".join(_section(heading, inner) for heading, inner in sections if inner)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="light dark">\n<title>{said}</title>\n<style>\n{STYLE}</style>\n</head>\n'
        f"<body>\n<main{_class('broad' if broad else '')}>\n<header>\n<h1>{said}</h1>\n{lead}</header>\n"
        f"{body}</main>\n</body>\n</html>\n"
    )


def _section(heading: str, inner: str) -> str:
    head = f"<h2>{escaped(heading)}</h2>\n" if heading else ""
    return f"<section>\n{head}{inner}</section>\n"


def table_html(
    head: Sequence[str], rows: Sequence[Sequence[str | Cell]], numeric: Sequence[int] = (), *, caption: str = "",
    sticky: bool = False, small: bool = False,
) -> str:  # fmt: skip
    """A table with a caption; ``numeric`` are the positions of the columns that stand at the right. Everything is
    escaped, but for cells that are trusted. Without rows there is no table. One that is wider than the page scrolls by
    itself; ``sticky``: its first column stays. ``small``: in smaller type, closer together.

    >>> print(table_html(["name", "n"], [["a<b", "3"]], [1]), end="")
    <div class="wide"><table>
    <thead><tr><th scope="col">name</th><th scope="col" class="n">n</th></tr></thead>
    <tbody>
    <tr><td>a&lt;b</td><td class="n">3</td></tr>
    </tbody></table></div>
    """
    if not rows:
        return ""
    right = frozenset(numeric)
    said = f"<caption>{escaped(caption)}</caption>\n" if caption else ""
    heads = "".join(f'<th scope="col"{_class("n" if i in right else "")}>{escaped(e)}</th>' for i, e in enumerate(head))
    lines = ["".join(_cell(each, i in right) for i, each in enumerate(row)) for row in rows]
    body = "".join(f"<tr>{line}</tr>\n" for line in lines)
    style = _class(" ".join(filter(None, ("sticky" if sticky else "", "small" if small else ""))))
    table = f"<table{style}>\n{said}<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}</tbody></table>"
    return f'<div class="wide">{table}</div>\n'


def _cell(each: str | Cell, right: bool) -> str:
    cell = each if isinstance(each, Cell) else Cell(each)
    style = " ".join(filter(None, ("n" if right else "", cell.style)))
    title = f' title="{escaped(cell.title)}"' if cell.title else ""
    return f"<td{_class(style)}{title}>{cell.text if cell.trusted else escaped(cell.text)}</td>"


def _class(style: str) -> str:
    return f' class="{style}"' if style else ""


def listed(lines: Sequence[str], style: str = "") -> str:
    """Sentences as a list; nothing without any."""
    if not lines:
        return ""
    return f"<ul{_class(style)}>\n" + "".join(f"<li>{escaped(line, 600)}</li>\n" for line in lines) + "</ul>\n"


def paragraph(text: str, style: str = "") -> str:
    """A sentence or more from data or of our own; nothing without text."""
    return f"<p{_class(style)}>{escaped(text, 1000)}</p>\n" if text else ""


def figure(picture: str, caption: str) -> str:
    """A picture (trusted) with what it shows; nothing without one. On a narrow screen it scrolls: its words stay."""
    if not picture:
        return ""
    said = f"<figcaption>{escaped(caption, 1000)}</figcaption>"
    return f'<figure>\n<div class="wide">\n{picture}</div>\n{said}\n</figure>\n'
