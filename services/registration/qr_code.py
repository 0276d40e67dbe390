"""QR codes of links to the public form."""

from __future__ import annotations

import io
from typing import Final

import segno

# The level M still reads with 15 % of the code damaged, for example on a creased poster.
ERROR_CORRECTION: Final = "m"
BORDER_MODULES: Final = 4
PIXELS_PER_MODULE: Final = 10


def qr_svg(link: str) -> bytes:
    """Return the QR code of a link as an SVG document, with the quiet zone that scanners need."""
    file = io.BytesIO()
    _qr(link).save(file, kind="svg", border=BORDER_MODULES, scale=PIXELS_PER_MODULE, light="#fff")
    return file.getvalue()


def qr_terminal(link: str) -> str:
    """Return the QR code of a link as text for a terminal."""
    text = io.StringIO()
    _qr(link).terminal(out=text, border=BORDER_MODULES, compact=True)
    return text.getvalue()


def _qr(link: str) -> segno.QRCode:
    return segno.make_qr(link, error=ERROR_CORRECTION)
