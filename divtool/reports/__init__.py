"""From a result to text: every form that a result can be printed in."""

from __future__ import annotations

from divtool.reports.rendering import render

__all__ = ["render"]
