"""Pictures as people see them: read from files, of a bounded size, encoded anew so that nothing else comes along."""

from __future__ import annotations

import base64
import hashlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from workbench.errors import UnreadableDocument, WorkbenchError

if TYPE_CHECKING:
    from PIL.Image import Image

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
LARGEST_FILE = 20_000_000
"""Bytes."""
MOST_PIXELS = 50_000_000
"""As the file has them; a small file can unpack to more than the memory of the machine."""
LONGEST_SIDE = 2048
"""Pixels, as it is kept: models scale larger ones down themselves."""
THUMBNAIL_SIDE = 96

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
_ORIENTATION = 0x0112
_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""What sets a picture upright, by its EXIF orientation; 1 is upright."""


@dataclass(frozen=True)
class Picture:
    """A picture, upright and without metadata."""

    data: bytes = field(repr=False)
    """The file."""
    media_type: Literal["image/jpeg", "image/png"]
    width: int
    """Pixels."""
    height: int
    thumbnail: str = field(repr=False)
    """A data URL of a few kB, at most 96 pixels a side, for pages and panels."""

    @cached_property
    def sha256(self) -> str:
        """The hash of the data, in hex: the picture's name in recordings."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def data_url(self) -> str:
        """The picture as models take it."""
        return data_url(self.data, self.media_type)


def read_picture(path: str | Path) -> Picture:
    """Read a picture: upright, at most 2048 pixels on the longer side, and encoded anew.

    Nothing of the file but its pixels is kept: no EXIF, GPS, XMP, colour profile, comment or text. What is partly
    transparent becomes a PNG, all else a JPEG of quality 90. An animation is its first frame, a document its first
    page. The same file always gives the same bytes.

    Args:
        path: a PNG, JPEG, WebP, GIF, BMP or TIFF file, told by its content.

    Raises:
        UnreadableDocument: it is missing, too large, damaged or no picture; the message says what to do.
    """
    path = Path(path)
    image = _upright(_decode(_read(path), path))
    data, media_type = _encode(image)
    return Picture(data, media_type, *image.size, _thumbnail(image))


def _read(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise _refused(path, "this is a folder: give one of the pictures in it")
        if not path.is_file():
            raise _refused(path, "there is no such file: check the path")
        if (size := path.stat().st_size) > LARGEST_FILE:
            limit = f"at most {LARGEST_FILE // 10**6} MB"
            raise _refused(path, f"{size / 10**6:.1f} MB are too many ({limit}): save it smaller or as a JPEG")
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        if isinstance(error, WorkbenchError):
            raise
        raise _refused(path, f"the file cannot be read: {error}") from error


def _decode(raw: bytes, path: Path) -> Image:
    """Return the first frame, with what its EXIF says of its orientation still to be done."""
    from PIL import Image, UnidentifiedImageError

    try:
        with _quiet():
            image = Image.open(io.BytesIO(raw), formats=_FORMATS)  # reads the header only
            _check_pixels(image, path)
            image.load()
            return image
    except WorkbenchError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise _too_many_pixels(path, "this number of") from error
    except UnidentifiedImageError as error:
        known = ", ".join(_FORMATS)
        raise _refused(path, f"this is no picture that can be read ({known}): save it as PNG or JPEG") from error
    except Exception as error:  # what is in a damaged file makes decoders raise anything
        raise _refused(path, f"the picture is damaged or cut off ({error}): get it again or save it anew") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Say nothing of flaws that Pillow can live with, and stop at what would fill the memory."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _upright(image: Image) -> Image:
    """Return the pixels, RGB or RGBA, turned and scaled, in a picture that never had metadata."""
    from PIL import Image

    turn = _TURNS.get(_orientation(image))
    with _quiet():
        pixels = _eight_bit(image).convert("RGBA" if image.has_transparency_data else "RGB")
    if pixels.mode == "RGBA" and pixels.getchannel("A").getextrema()[0] == 255:  # screenshots: opaque all the same
        pixels = pixels.convert("RGB")
    pixels.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    if turn:
        pixels = pixels.transpose(Image.Transpose[turn])
    clean = Image.new(pixels.mode, pixels.size)
    clean.paste(pixels)
    return clean


def _orientation(image: Image) -> int:
    try:
        with _quiet():
            return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001  # metadata that nobody can read is no reason to refuse the picture
        return 1


def _eight_bit(image: Image) -> Image:
    """Bring deep greys down to 256 steps: Pillow would cut off all above 255, which leaves them white."""
    if not image.mode.startswith(("I", "F")):
        return image
    import numpy as np
    from PIL import Image

    grey = np.nan_to_num(np.asarray(image, dtype=np.float64))
    white = max(float(grey.max()), 1e-9) if image.mode == "F" else 65535.0
    return Image.fromarray(np.clip(grey / white * 255, 0, 255).astype(np.uint8))


def _encode(image: Image) -> tuple[bytes, Literal["image/jpeg", "image/png"]]:
    buffer = io.BytesIO()
    if image.mode == "RGBA":
        image.save(buffer, "PNG")
        return buffer.getvalue(), "image/png"
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue(), "image/jpeg"


def _thumbnail(image: Image) -> str:
    from PIL import Image

    small = image.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    flat = Image.new("RGB", small.size, "white")
    flat.paste(small, mask=small.getchannel("A") if small.mode == "RGBA" else None)
    data, media_type = _encode(flat)
    return data_url(data, media_type)


def data_url(data: bytes, media_type: str) -> str:
    """Return a picture as models and pages take it."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def _check_pixels(image: Image, path: Path) -> None:
    if image.width * image.height > MOST_PIXELS:
        raise _too_many_pixels(path, f"{image.width:,} x {image.height:,}")


def _too_many_pixels(path: Path, size: str) -> UnreadableDocument:
    limit = f"at most {MOST_PIXELS // 10**6} million"
    return _refused(path, f"{size} pixels are too many ({limit}): save it smaller")


def _refused(path: Path, why: str) -> UnreadableDocument:
    return UnreadableDocument(f"{str(path)[:300]}: {why}", path=path)
