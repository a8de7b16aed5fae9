"""Pictures that people see: on their way to the model, in the record, and models that take none."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from PIL import Image

from tests.cast import keep_all, llm_at, person, play, talk, turn
from tests.model_server import Fault
from workbench.agents.memory.settings import MemorySettings
from workbench.agents.person import Person
from workbench.errors import NoPictures, StepFailed, UnreadableDocument
from workbench.html import dialogue
from workbench.worlds.world import World


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.jpg"
    exif = Image.Exif()
    exif[0x9286] = "secret comment"
    Image.radial_gradient("L").convert("RGB").save(path, exif=exif)
    return path


def parts_of(request) -> list[dict]:
    return request.body["messages"][1]["content"]


def pictures_of(request) -> list[bytes]:
    urls = [part["image_url"]["url"] for part in parts_of(request) if part["type"] == "image_url"]
    return [base64.b64decode(url.partition(",")[2]) for url in urls]


def eyes(**turns):
    """A script for requests that may have pictures: their text is the last part."""

    def flat(body):
        messages = [
            {**m, "content": m["content"] if isinstance(m["content"], str) else m["content"][-1]["text"]}
            for m in body["messages"]
        ]
        return play(**turns)({**body, "messages": messages})

    return flat


async def test_picture_goes_to_the_model_as_a_data_url_before_the_text(model_server, photo):
    server = model_server(eyes(Ann=turn(talk("Nice."))))
    ann = Person({"name": "Ann"}, llm=llm_at(server)).see(photo, "an ad")
    await ann.act()
    types = [part["type"] for part in parts_of(server.requests[0])]
    assert types == ["text", "image_url", "text"]
    (data,) = pictures_of(server.requests[0])
    assert data.startswith(b"\xff\xd8")
    assert b"secret" not in data
    name = hashlib.sha256(data).hexdigest()[:8]
    assert parts_of(server.requests[0])[0]["text"] == f"picture {name}:"
    assert f'<see to="Ann">[picture {name}] an ad</see>' in parts_of(server.requests[0])[2]["text"]


def test_event_has_hash_and_thumbnail_and_the_picture_is_kept_once(photo, tmp_path):
    world = World("Shop", [person("Ann"), person("Bob")], record=tmp_path / "run.sqlite")
    for name in ("Ann", "Bob"):
        world.person(name).see(photo, "an ad")
    world.close()
    again = World.resume(tmp_path / "run.sqlite")
    seen = [json.loads(event.content) for event in again.events()]
    assert [one["description"] for one in seen] == ["an ad", "an ad"]
    assert seen[0]["thumbnail"].startswith("data:image/")
    assert len({one["picture"] for one in seen}) == 1
    assert again.file._rows("SELECT count(*) FROM blobs") == [(1,)]
    assert hashlib.sha256(again.file.blobs.read(seen[0]["picture"])).hexdigest() == seen[0]["picture"]


async def test_resumed_person_still_sees_the_picture(model_server, photo, tmp_path):
    server = model_server(eyes(Ann=turn(talk("Nice."))))
    World("Shop", [person("Ann").see(photo)], record=tmp_path / "run.sqlite", llm=llm_at(server)).close()
    await World.resume(tmp_path / "run.sqlite", llm=llm_at(server)).run(1, live=False)
    assert len(pictures_of(server.requests[0])) == 1


async def test_picture_is_saved_with_the_person_and_goes_to_the_twin(model_server, photo, tmp_path):
    server = model_server(eyes(Ann=turn(talk("Nice."))))
    ann = Person({"name": "Ann"}, llm=llm_at(server)).see(photo, "an ad")
    photo.unlink()
    again = Person.load(ann.save(tmp_path / "ann.agent.json"), llm=llm_at(server))
    await again.act()
    await ann.twin().act()
    assert pictures_of(server.requests[0]) == pictures_of(server.requests[1]) != []


async def test_picture_leaves_the_prompt_with_its_episode(model_server, photo):
    server = model_server(eyes(Ann=turn(talk("Nice.")), memory=keep_all()))
    ann = Person({"name": "Ann"}, llm=llm_at(server), memory=MemorySettings(window=10, episode=10)).see(photo, "an ad")
    for number in range(12):
        ann.listen(f"Number {number}.")
    await ann.act()
    assert isinstance(server.requests[-1].body["messages"][1]["content"], str)
    assert any("an ad" in item.text for item in ann.memory.semantic)


async def test_model_that_takes_no_pictures_is_named(model_server, photo):
    refusal = {
        "error": {"message": "Invalid content type. image_url is only supported by certain models.", "code": None}
    }
    server = model_server(Fault(400, body=refusal))
    world = World("Shop", [person("Ann").see(photo)], llm=llm_at(server))
    with pytest.raises(StepFailed, match="scripted takes no pictures") as caught:
        await world.run(1, live=False)
    assert isinstance(caught.value.__cause__, NoPictures)


def test_file_that_is_no_picture_says_so(tmp_path):
    (tmp_path / "photo.png").write_text("no picture")
    with pytest.raises(UnreadableDocument, match=r"photo\.png"):
        person("Ann").see(tmp_path / "photo.png")
    with pytest.raises(UnreadableDocument, match=r"missing\.png"):
        person("Ann").see("missing.png", "an ad")


def test_words_are_still_words():
    assert person("Ann").see("a red door").memory.text.endswith('<see to="Ann">a red door</see>\n')


def test_picture_is_shown_small_where_the_conversation_is_read(photo):
    world = World("Shop", [person("Ann")])
    world.person("Ann").see(photo, "an <ad>")
    shown = world.conversation()
    assert "Ann sees: [picture " in str(shown)
    assert '<img alt="the picture, small" src="data:image/jpeg;base64,' in shown._repr_html_()
    assert "an &lt;ad&gt;" in shown._repr_html_()


def test_what_is_no_picture_is_not_shown_as_one():
    assert "<img" not in dialogue([(1, "", "Ann sees", "an ad", False)], {1: 'x" onerror="alert(1)'})
    assert "<img" not in dialogue([(1, "", "Ann sees", "an ad", False)], {1: "https://example.org/pixel.png"})
