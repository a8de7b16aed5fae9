"""A picture is its pixels, upright; what else is in a file does not come along, and what is no picture is refused."""

from __future__ import annotations

import base64
import hashlib
import io
import math
import random
import struct
import warnings
import zlib
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, PngImagePlugin

from workbench.agents import pictures
from workbench.agents.pictures import PICTURE_SUFFIXES, Picture, read_picture
from workbench.errors import UnreadableDocument

SECRET = b"S3CRET"
RED, BLUE, GREEN, WHITE = (255, 0, 0), (0, 0, 255), (0, 255, 0), (255, 255, 255)
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">S3CRET</x:xmpmeta>'


def corners(width: int = 60, height: int = 40) -> Image.Image:
    """Red, blue, green and white quarters: no turn or flip leaves it as it is."""
    image = Image.new("RGB", (width, height), WHITE)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width // 2 - 1, height // 2 - 1), fill=RED)
    draw.rectangle((width // 2, 0, width, height // 2 - 1), fill=BLUE)
    draw.rectangle((0, height // 2, width // 2 - 1, height), fill=GREEN)
    return image


def exif(orientation: int = 1) -> Image.Exif:
    """A camera's, with the place where the picture was taken."""
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x010F] = tags[0x010E] = SECRET.decode()
    gps = tags.get_ifd(0x8825)
    gps |= {1: "N", 2: (45.0, 45.0, 50.0), 29: SECRET.decode()}
    return tags


def seen(picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.data))


def colours(picture: Picture) -> list[tuple[int, ...]]:
    """The four corners, a little inside, each as the nearest of the four colours."""
    image = seen(picture).convert("RGB")
    x, y = image.width // 4, image.height // 4
    found = [image.getpixel(at) for at in ((x, y), (-x + image.width, y), (x, -y + image.height), (3 * x, 3 * y))]
    return [min((RED, BLUE, GREEN, WHITE), key=lambda colour: math.dist(colour, pixel)) for pixel in found]


def fake_png(width: int, height: int) -> bytes:
    """A header that promises pixels which are not there."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def refused(path: Path | str, match: str) -> UnreadableDocument:
    with pytest.raises(UnreadableDocument, match=match) as caught:
        read_picture(path)
    assert str(path)[:300] in str(caught.value)
    return caught.value


# What is read


def test_photo_becomes_a_jpeg(tmp_path):
    corners().save(tmp_path / "a.jpg")
    picture = read_picture(str(tmp_path / "a.jpg"))
    assert (picture.media_type, picture.width, picture.height) == ("image/jpeg", 60, 40)
    assert seen(picture).format == "JPEG"
    assert colours(picture) == [RED, BLUE, GREEN, WHITE]


@pytest.mark.parametrize("suffix", PICTURE_SUFFIXES)
def test_every_suffix_can_be_read(tmp_path, suffix):
    corners().save(tmp_path / f"a{suffix}")
    assert colours(read_picture(tmp_path / f"a{suffix}")) == [RED, BLUE, GREEN, WHITE]


def test_content_counts_and_not_the_name(tmp_path):
    corners().save(tmp_path / "a.jpg", "PNG")
    assert read_picture(tmp_path / "a.jpg").width == 60


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_kept_in_a_png(tmp_path, mode):
    Image.new(mode, (8, 8)).save(tmp_path / "a.png")
    picture = read_picture(tmp_path / "a.png")
    assert (picture.media_type, seen(picture).format, seen(picture).mode) == ("image/png", "PNG", "RGBA")
    assert seen(picture).getpixel((0, 0))[3] == 0


def test_transparency_of_a_palette_is_kept(tmp_path):
    Image.new("P", (8, 8), 3).save(tmp_path / "a.gif", transparency=3)
    assert seen(read_picture(tmp_path / "a.gif")).getpixel((0, 0))[3] == 0


def test_opaque_screenshot_is_a_jpeg(tmp_path):
    corners().convert("RGBA").save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png").media_type == "image/jpeg"


@pytest.mark.parametrize(
    ("mode", "suffix"), [("1", "png"), ("L", "png"), ("P", "png"), ("CMYK", "jpg"), ("CMYK", "tif")]
)
def test_every_kind_of_pixel_can_be_read(tmp_path, mode, suffix):
    Image.new("RGB", (8, 8), "white").convert(mode).save(tmp_path / f"a.{suffix}")
    assert min(seen(read_picture(tmp_path / f"a.{suffix}")).getpixel((4, 4))) > 240


@pytest.mark.parametrize(
    ("mode", "suffix", "grey"), [("I;16", "png", 32768), ("I;16", "tif", 32768), ("I", "tif", 32768)]
)
def test_deep_grey_is_no_white(tmp_path, mode, suffix, grey):
    Image.new(mode, (8, 8), grey).save(tmp_path / f"a.{suffix}")
    assert seen(read_picture(tmp_path / f"a.{suffix}")).getpixel((4, 4))[0] == pytest.approx(128, abs=2)


def test_grey_of_fractions_can_be_read(tmp_path):
    image = Image.new("F", (8, 8), 1.0)
    image.paste(0.5, (0, 0, 8, 4))
    image.save(tmp_path / "a.tif")
    assert seen(read_picture(tmp_path / "a.tif")).getpixel((4, 1))[0] == pytest.approx(127, abs=12)


@pytest.mark.parametrize(("suffix", "first"), [("gif", BLUE), ("webp", BLUE), ("png", BLUE), ("tif", BLUE)])
def test_animation_is_its_first_frame(tmp_path, suffix, first):
    frames = [Image.new("RGB", (8, 8), colour) for colour in (BLUE, RED, GREEN)]
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:])
    picture = read_picture(tmp_path / f"a.{suffix}")
    assert colours(picture) == [first] * 4
    assert getattr(seen(picture), "n_frames", 1) == 1


def test_large_picture_is_scaled_down(tmp_path):
    corners(3000, 1500).save(tmp_path / "a.png")
    picture = read_picture(tmp_path / "a.png")
    assert (picture.width, picture.height) == seen(picture).size == (2048, 1024)


def test_thin_picture_keeps_a_pixel(tmp_path):
    Image.new("RGB", (9000, 1)).save(tmp_path / "a.png")
    assert seen(read_picture(tmp_path / "a.png")).size == (2048, 1)


# Upright, and without what else was in the file


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(tmp_path, orientation, suffix):
    file = tmp_path / f"a.{suffix}"
    corners(64, 32).save(file, exif=exif(orientation))
    upright = {
        1: [RED, BLUE, GREEN, WHITE],
        2: [BLUE, RED, WHITE, GREEN],
        3: [WHITE, GREEN, BLUE, RED],
        4: [GREEN, WHITE, RED, BLUE],
        5: [RED, GREEN, BLUE, WHITE],
        6: [GREEN, RED, WHITE, BLUE],
        7: [WHITE, BLUE, GREEN, RED],
        8: [BLUE, WHITE, RED, GREEN],
    }
    picture = read_picture(file)
    assert colours(picture) == upright[orientation]
    assert (picture.width, picture.height) == ((64, 32) if orientation < 5 else (32, 64)) == seen(picture).size


@pytest.mark.parametrize("orientation", [0, 9, 700])
def test_orientation_that_cannot_be_is_none(tmp_path, orientation):
    corners().save(tmp_path / "a.jpg", exif=exif(orientation))
    assert colours(read_picture(tmp_path / "a.jpg")) == [RED, BLUE, GREEN, WHITE]


def test_exif_that_cannot_be_read_does_no_harm(tmp_path):
    corners().save(tmp_path / "a.jpg", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xffgarbage")
    assert colours(read_picture(tmp_path / "a.jpg")) == [RED, BLUE, GREEN, WHITE]


def png_with_texts() -> dict[str, object]:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Comment", SECRET.decode())
    texts.add_text("Zipped", SECRET.decode(), zip=True)
    texts.add_itxt("XML:com.adobe.xmp", XMP.decode())
    return {"pnginfo": texts}


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize(
    ("suffix", "more"),
    [("jpg", {"xmp": XMP, "comment": SECRET}), ("png", png_with_texts()), ("webp", {"xmp": XMP}), ("tif", {})],
)
def test_metadata_do_not_survive(tmp_path, suffix, more, mode):
    file = tmp_path / f"a.{suffix}"
    image = corners() if mode == "RGB" or suffix == "jpg" else Image.new("RGBA", (60, 40))
    image.save(file, exif=exif(6), icc_profile=SECRET * 30, dpi=(71, 71), **more)
    picture = read_picture(file)
    again = seen(picture)
    assert SECRET in file.read_bytes()
    for trace in (SECRET, b"Exif", b"http://", b"adobe", b"xmp", b"ICC", b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"pHYs"):
        assert trace not in picture.data + base64.b64decode(picture.thumbnail.partition(",")[2])
    assert not again.getexif()
    assert not set(again.info) - {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_comment_of_a_gif_does_not_survive(tmp_path):
    corners().save(tmp_path / "a.gif", comment=SECRET)
    assert SECRET in (tmp_path / "a.gif").read_bytes()
    assert SECRET not in read_picture(tmp_path / "a.gif").data


def test_what_follows_the_picture_does_not_survive(tmp_path):
    corners().save(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").write_bytes((tmp_path / "a.jpg").read_bytes() + SECRET)
    assert SECRET not in read_picture(tmp_path / "a.jpg").data


def test_photo_of_a_telephone_with_two_pictures_can_be_read(tmp_path):
    corners().save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[Image.new("RGB", (60, 40))])
    assert colours(read_picture(tmp_path / "a.jpg")) == [RED, BLUE, GREEN, WHITE]


# The value


def test_same_file_is_the_same_picture(tmp_path):
    corners().save(tmp_path / "a.jpg", exif=exif(3))
    first, second = read_picture(tmp_path / "a.jpg"), read_picture(tmp_path / "a.jpg")
    assert first == second
    assert first.sha256 == second.sha256 == hashlib.sha256(first.data).hexdigest()


def test_data_url_has_the_data(tmp_path):
    corners().save(tmp_path / "a.jpg")
    picture = read_picture(tmp_path / "a.jpg")
    kind, _, data = picture.data_url.partition(",")
    assert (kind, base64.b64decode(data)) == ("data:image/jpeg;base64", picture.data)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_thumbnail_is_small(tmp_path, mode):
    noise = random.Random(1).randbytes(500 * 400 * len(mode))
    Image.frombytes(mode, (500, 400), noise).save(tmp_path / "a.png")
    url = read_picture(tmp_path / "a.png").thumbnail
    assert Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).size == (96, 77)
    assert len(url) < 12_000


def test_picture_shows_no_data(tmp_path):
    corners().save(tmp_path / "a.jpg")
    assert repr(read_picture(tmp_path / "a.jpg")) == "Picture(media_type='image/jpeg', width=60, height=40)"


# What is refused


def test_missing_file_is_refused(tmp_path):
    assert refused(tmp_path / "a.jpg", "no such file").path == tmp_path / "a.jpg"


@pytest.mark.parametrize("path", ["a\0.jpg", "x" * 5000], ids=["nul", "long"])
def test_path_that_cannot_be_is_refused(path):
    refused(path, "no such file|cannot be read")


def test_folder_is_refused(tmp_path):
    refused(tmp_path, "a folder")


@pytest.mark.parametrize("content", [b"", b"hello", b"%PDF-1.7", b"%!PS-Adobe-3.0 EPSF-3.0\n"])
def test_what_is_no_picture_is_refused(tmp_path, content):
    (tmp_path / "a.jpg").write_bytes(content)
    refused(tmp_path / "a.jpg", "no picture.* PNG or JPEG")


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif", "bmp"])
def test_truncated_picture_is_refused(tmp_path, suffix):
    file = tmp_path / f"a.{suffix}"
    noise = random.Random(1).randbytes(100 * 100 * 3)
    Image.frombytes("RGB", (100, 100), noise).save(file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    refused(file, "damaged|no picture")


def test_large_file_is_refused_unread(tmp_path):
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(20_000_001)
    refused(tmp_path / "a.png", r"20\.0 MB are too many \(at most 20 MB\)")


@pytest.mark.parametrize(("width", "height"), [(8_000, 6_251), (12_000, 12_000), (60_000, 60_000), (2**31 - 1,) * 2])
def test_bomb_is_refused_before_it_is_decoded(tmp_path, monkeypatch, width, height):
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("decoded"))
    (tmp_path / "a.png").write_bytes(fake_png(width, height))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        refused(tmp_path / "a.png", "pixels are too many .at most 50 million")


def test_most_pixels_that_are_allowed_are(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "MOST_PIXELS", 60 * 40)
    corners().save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png").width == 60


def test_header_without_pixels_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(fake_png(1000, 1000))
    refused(tmp_path / "a.png", "damaged")


def test_damage_anywhere_is_refused_or_read(tmp_path):
    corners().save(tmp_path / "a.png", exif=exif(6))
    whole, chance = (tmp_path / "a.png").read_bytes(), random.Random(1)
    for _ in range(100):
        broken = bytearray(whole)
        for _ in range(3):
            broken[chance.randrange(8, len(broken))] = chance.randrange(256)
        (tmp_path / "a.png").write_bytes(broken)
        try:
            read_picture(tmp_path / "a.png")
        except UnreadableDocument:
            continue
