"""Pictures as events: an event has what is needed to show it small, the picture itself is kept once."""

from __future__ import annotations

import json
from collections.abc import Iterable

from workbench.agents.pictures import Picture, data_url
from workbench.record.blobs import Blobs
from workbench.record.events import Event, Happening


def picture_happening(picture: Picture, file: str, description: str, name: str) -> Happening:
    """Return that somebody sees a picture."""
    content = {
        "description": description,
        "picture": picture.sha256,
        "media_type": picture.media_type,
        "file": file,
        "width": picture.width,
        "height": picture.height,
        "thumbnail": picture.thumbnail,
    }
    return Happening("stimulus", "IMAGE", json.dumps(content, ensure_ascii=False), target=name, heard_by=(name,))


def pictures_in(events: Iterable[Event], blobs: Blobs) -> tuple[tuple[str, str], ...]:
    """Return the pictures of events, each once: what it is called in the text, and its data URL."""
    found: dict[str, str] = {}
    for event in events:
        if event.type == "IMAGE":
            seen = json.loads(event.content)
            found[seen["picture"][:8]] = data_url(blobs.read(seen["picture"]), seen["media_type"])
    return tuple(found.items())
