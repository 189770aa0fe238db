"""Pictures: their size, and the preview that browsers are shown instead of bytes from outside.

The preview is decoded and encoded anew: upright, without the camera's notes and places, at most 1280 pixels on a side.
"""

from __future__ import annotations

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor

import msgspec

MOST_PIXELS = 50_000_000
PREVIEW_PIXELS = 1280
_QUALITY = 80
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "AVIF")

# One at a time: a picture of fifty million pixels takes 200 MB while it is open.
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pictures")


class TooManyPixels(Exception):
    """Opened, it would fill the memory, whatever the file weighs."""


class NotAPicture(Exception):
    """It begins like a picture and cannot be decoded."""


class Picture(msgspec.Struct, frozen=True):
    """Width and height in pixels, the right way up, and the preview as WebP."""

    width: int
    height: int
    preview: bytes


async def read_picture(value: bytes) -> Picture:
    """Decode a picture and draw its preview, in a thread. Raises TooManyPixels or NotAPicture."""
    return await asyncio.get_running_loop().run_in_executor(_thread, _read, value)


def _read(value: bytes) -> Picture:
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        with Image.open(io.BytesIO(value), formats=_FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise TooManyPixels
            turned = image.getexif().get(0x0112, 1) in {5, 6, 7, 8}
            width, height = (image.height, image.width) if turned else image.size
            # JPEG alone can be decoded at an eighth, a quarter or half of its size.
            image.draft("RGB", (PREVIEW_PIXELS, PREVIEW_PIXELS))
            image.load()
            upright = ImageOps.exif_transpose(image)
        has_alpha = upright.mode in {"RGBA", "LA", "PA"} or "transparency" in upright.info
        small = upright.convert("RGBA" if has_alpha else "RGB")
        small.thumbnail((PREVIEW_PIXELS, PREVIEW_PIXELS))
        drawn = io.BytesIO()
        # Said outright, because Pillow would otherwise copy what the original's `info` carries.
        small.save(drawn, "WEBP", quality=_QUALITY, method=4, exif=b"", icc_profile=b"", xmp=b"")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooManyPixels from error
    except TooManyPixels:
        raise
    except MemoryError as error:
        raise TooManyPixels from error
    except Exception as error:  # decoders of hostile bytes raise anything; all of it means: not a picture
        raise NotAPicture from error
    return Picture(width, height, drawn.getvalue())
