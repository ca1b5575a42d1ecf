"""Which measures other tools compute otherwise, so that ``--like`` can give their digits."""

from __future__ import annotations

LIKES: dict[str, tuple[str, ...]] = {
    "ce": ("torch", "keras", "sklearn", "kaggle"),
    "nll": ("torch",),
    "bce": ("torch", "keras", "sklearn"),
    "kl": ("torch", "keras", "scipy", "kaggle"),
    "js": ("scipy",),
    "entropy": ("scipy",),
}
