"""Archives: what is in one, that it holds no key, and that a stranger's can do no harm."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from tests.agents.test_seeing import eyes
from tests.cast import happened, keep_all, llm_at, play, talk, turn, world_at
from workbench.agents.checks import Checks
from workbench.agents.memory.settings import MemorySettings
from workbench.agents.person import Person
from workbench.agents.tools.calendar import Calendar
from workbench.errors import DamagedFile, InvalidSettings, NewerFile, RunExists, StorageError, UnknownName
from workbench.html import page, runs_nothing
from workbench.llm.cache import CallCache
from workbench.llm.client import LLM
from workbench.llm.running import sync
from workbench.record.run_file import RunFile
from workbench.worlds.archives import pack, read_manifest, unpack
from workbench.worlds.world import World

HOSTILE = "<script>document.title = 'owned'</script>"
KEY = "sk-live-0123456789abcdefghijklmnop"
SAYS = {"Ann": turn(talk("I would buy it.")), "Bob": turn(talk("I would not buy it.", "Ann"))}
WHOLE = {"README.txt", "manifest.json", "recording.jsonl", "report.html", "run.sqlite"}
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def lived(model_server, tmp_path):
    """A run of two steps, closed; its calls are in `calls`."""
    return live(model_server(play(**SAYS)), tmp_path)


def live(server, folder: Path, *names: str, **options) -> Path:
    llm = options.pop("llm", None) or llm_at(server, cache=folder / "calls")
    world = world_at(server, *(names or SAYS), llm=llm, record=folder / "run.sqlite", **options)
    world.broadcast("Would you buy it?")
    sync(world.run(2, live=False))
    world.close()
    return folder / "run.sqlite"


def members(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


def forged(archive: Path, change=None, **manifest) -> Path:
    """An archive whose files were changed, with a manifest that fits them but for what is given."""
    files = members(archive)
    old = json.loads(files.pop("manifest.json"))
    (change or dict)(files)
    hashes = {n: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for n, data in files.items()}
    files["manifest.json"] = json.dumps(old | {"members": hashes} | manifest).encode()
    path = archive.with_name("forged.zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, data in files.items():
            zipped.writestr(name, data)
    return path


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# What is in an archive


def test_archive_has_the_run_its_answers_its_people_and_a_report(lived):
    archive = pack(lived)
    assert archive == lived.with_name("run.zip")
    assert set(members(archive)) == WHOLE | {"personas/Ann.agent.json", "personas/Bob.agent.json"}
    assert read_manifest(archive).missing == []


def test_manifest_has_the_hash_and_the_size_of_each_file(lived):
    files = members(pack(lived))
    manifest = json.loads(files.pop("manifest.json"))
    assert (manifest["format"], manifest["version"]) == ("workbench-archive", 1)
    assert manifest["members"] == {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for name, data in files.items()
    }


def test_same_run_gives_the_same_bytes(lived, tmp_path):
    assert pack(lived, tmp_path / "a.zip").read_bytes() == pack(lived, tmp_path / "b.zip").read_bytes()


def test_what_was_deleted_from_a_run_is_not_sent_along(server, tmp_path):
    world = world_at(server, record=tmp_path / "run.sqlite").broadcast("My secret. " * 1000)
    world.file._connection.execute("PRAGMA secure_delete = OFF")  # as many builds of SQLite have it
    world.file._connection.execute("DELETE FROM events")
    assert b"My secret." in world.record.read_bytes()
    assert b"My secret." not in members(pack(world))["run.sqlite"]


def test_nothing_is_left_beside_an_archive(lived, tmp_path):
    pack(lived, tmp_path / "out" / "a.zip")
    assert left(tmp_path / "out") == {"a.zip"}


async def test_world_that_is_open_is_packed_as_it_is_now(model_server, tmp_path):
    server = model_server(play(**SAYS))
    world = world_at(server, *SAYS, llm=llm_at(server, cache=tmp_path / "calls"), record=tmp_path / "run.sqlite")
    await world.run(1, live=False)
    folder = unpack(pack(world, tmp_path / "one.zip"))
    await world.run(1, live=False)
    assert (RunFile.open(folder / "run.sqlite").steps, world.steps) == (1, 2)
    world.close()
    assert pack(world).name == "run.zip"


def test_run_in_memory_is_refused(server):
    with pytest.raises(InvalidSettings, match=r"in memory only: give World\(..., record='run.sqlite'\)"):
        pack(world_at(server))


def test_run_that_has_not_begun_can_be_packed(server, tmp_path):
    world_at(server, record=tmp_path / "run.sqlite").close()
    archive = pack(tmp_path / "run.sqlite")
    assert read_manifest(archive).missing == []
    assert "new" in members(archive)["report.html"].decode()


def test_run_whose_tools_are_not_at_hand_is_packed(model_server, tmp_path):
    path = live(model_server(play(**SAYS)), tmp_path, tools=[Calendar("Team")])
    assert "<td" in (report := members(pack(path))["report.html"].decode())
    assert "Team" in report


def test_missing_run_is_named(tmp_path):
    with pytest.raises(UnknownName, match=r"there is no run file at .*gone\.sqlite"):
        pack(tmp_path / "gone.sqlite")


def test_damaged_run_is_named_and_not_packed(lived, tmp_path):
    lived.write_bytes(lived.read_bytes()[:5000])
    with pytest.raises(DamagedFile, match=r"run\.sqlite"):
        pack(lived)
    assert not (tmp_path / "run.zip").exists()


def test_damage_inside_a_run_is_told_of_the_run_and_not_of_the_copy(lived, tmp_path):
    file = RunFile.open(lived)
    file._connection.execute("UPDATE people SET state = '{'")
    file.close()
    with pytest.raises(DamagedFile, match=rf"{lived}: the run file is damaged"):
        pack(lived)
    assert left(tmp_path) == {"run.sqlite", "calls"}


def test_archive_that_is_there_is_replaced_only_when_that_is_said(lived):
    before = pack(lived).read_bytes()
    with pytest.raises(RunExists, match=r"if_exists='replace' \(--force\)"):
        pack(lived)
    assert pack(lived, if_exists="replace").read_bytes() == before
    with pytest.raises(InvalidSettings, match="if_exists='yes'"):
        pack(lived, if_exists="yes")


def test_file_that_is_no_archive_is_never_replaced(lived, tmp_path):
    (tmp_path / "notes.zip").write_text("my notes")
    with pytest.raises(DamagedFile, match=r"notes\.zip is no archive"):
        pack(lived, tmp_path / "notes.zip", if_exists="replace")
    assert (tmp_path / "notes.zip").read_text() == "my notes"


# Its answers


@pytest.mark.parametrize("embedding_model", ["", "embedding-scripted"])
async def test_recording_replays_the_run_with_memories_and_checks(model_server, tmp_path, monkeypatch, embedding_model):
    monkeypatch.setenv("WORKBENCH_EMBEDDING_MODEL", embedding_model)
    script = play(**SAYS, memory=keep_all(), check=lambda body: scores(body))
    server = model_server(script)
    settings = MemorySettings(window=10, episode=10)

    async def lives(llm, record=None):
        people = [Person({"name": name, "age": 28}, memory=settings) for name in SAYS]
        world = World("Kitchen", people, llm=llm, record=record, checks=Checks(threshold=5))
        await world.run(14, live=False)
        return world

    world = await lives(llm_at(server, cache=tmp_path / "calls"), tmp_path / "run.sqlite")
    assert {"RETRIEVED", "ATTEMPT", "MEMORY"} <= {event.type for event in world.events()}
    folder = unpack(pack(world))
    asked = server.n_requests
    again = await lives(LLM(cache=folder / "recording.jsonl"))
    assert happened(again) == happened(world)
    assert server.n_requests == asked


def scores(body):
    properties = body["response_format"]["json_schema"]["schema"]["properties"]
    return {name: {"score": 3, "reason": "It could be better."} for name in properties}


def test_unpacked_run_goes_on(lived, server):
    folder = unpack(pack(lived))
    world = World.resume(folder / "run.sqlite", llm=llm_at(server))
    assert world.steps == 2
    assert len(world.events()) == RunFile.open(lived).n_events


def test_recording_has_the_calls_of_this_run_alone(lived, server, tmp_path):
    calls = CallCache.open(tmp_path / "calls")
    own = calls.keys()
    (tmp_path / "other").mkdir()
    live(server, tmp_path / "other", llm=llm_at(server, cache=tmp_path / "calls"), seed=8)
    assert set(calls.keys()) > set(own)
    assert CallCache.from_recording(unpack(pack(lived)) / "recording.jsonl").keys() == own


@pytest.mark.parametrize("lost", [1, 4])
def test_calls_that_the_cache_lacks_are_told_everywhere(lived, tmp_path, lost, caplog):
    cache = CallCache.open(tmp_path / "calls")
    cache.forget(cache.keys()[:lost])
    archive = pack(lived)
    (told,) = read_manifest(archive).missing
    assert told.startswith(f"recording.jsonl lacks {lost} of the 4 calls that the run names")
    assert told in members(archive)["README.txt"].decode()
    assert told in caplog.text


def test_cache_that_is_gone_leaves_the_recording_empty_and_makes_no_folder(model_server, tmp_path):
    path = live(model_server(play(**SAYS)), tmp_path, llm=llm_at(model_server(play(**SAYS)), cache="off"))
    archive = pack(path, cache=None)
    assert "lacks 4 of the 4 calls" in read_manifest(archive).missing[0]
    assert members(archive)["recording.jsonl"].count(b"\n") == 1
    assert not Path(RunFile.open(path).spec["cache"]).exists()


def test_answers_come_from_the_cache_that_is_given(lived, tmp_path):
    calls = CallCache.open(tmp_path / "calls")
    calls.export(tmp_path / "kept.jsonl")
    calls.forget(calls.keys())
    for number, cache in enumerate((tmp_path / "kept.jsonl", CallCache.from_recording(tmp_path / "kept.jsonl"))):
        assert read_manifest(pack(lived, tmp_path / f"{number}.zip", cache=cache)).missing == []
    with pytest.raises(UnknownName, match="there is no call cache and no recording"):
        pack(lived, tmp_path / "2.zip", cache=tmp_path / "nowhere")


# Its people and pictures


def test_people_are_as_they_were_at_the_end_without_a_memory(model_server, tmp_path):
    server = model_server(play(**SAYS))
    world = world_at(server, *SAYS, record=tmp_path / "run.sqlite")
    world.person("Ann").define("age", 29).listen("Psst.").define("skills", ["piano"])
    folder = unpack(pack(world))
    ann = Person.load(folder / "personas" / "Ann.agent.json")
    assert ann.persona == world.person("Ann").persona
    assert (ann.persona.age, ann.memory.n_events, ann.mind.goals) == (29, 0, ())
    assert Person.load(folder / "personas" / "Bob.agent.json").persona.age == 28


@pytest.mark.parametrize(
    "name",
    ["../../x", "CON", "x" * 300, "名" * 300, "<b>bold</b>", "a:b?", ".", "..", "aux .x", "e\u0301", "\u202etxt"],
)
def test_hostile_names_make_files_that_stay_inside(server, tmp_path, name):
    world_at(server, name, record=tmp_path / "run.sqlite").close()
    folder = unpack(pack(tmp_path / "run.sqlite"))
    (file,) = (folder / "personas").iterdir()
    assert Person.load(file).name == name


def test_pictures_come_along_with_the_right_ending_each_once(model_server, tmp_path):
    Image.radial_gradient("L").convert("RGB").save(tmp_path / "ad.png")
    Image.new("RGBA", (8, 8), (255, 0, 0, 90)).save(tmp_path / "logo.gif.png")
    server = model_server(eyes(**SAYS))
    world = world_at(server, *SAYS, record=tmp_path / "run.sqlite")
    for name in SAYS:
        world.person(name).see(tmp_path / "ad.png", "an ad").see(tmp_path / "logo.gif.png")
    files = members(pack(world))
    pictures = {name: data for name, data in files.items() if name.startswith("pictures/")}
    hashes = {f"pictures/{hashlib.sha256(data).hexdigest()[:8]}" for data in pictures.values()}
    assert {name.partition("-")[0] for name in pictures} == hashes
    assert {name.partition("-")[2] for name in pictures} == {"ad.jpg", "logo.gif.png"}
    assert files["report.html"].count(b'<img alt="the picture, small" src="data:image/') == 4


@pytest.mark.parametrize("data", [None, b"<svg onload='alert(1)'>"])
def test_picture_that_is_not_there_or_is_none_is_told(server, tmp_path, data):
    Image.radial_gradient("L").convert("RGB").save(tmp_path / "ad.png")
    world = world_at(server, "Ann", record=tmp_path / "run.sqlite")
    world.person("Ann").see(tmp_path / "ad.png")
    world.file._connection.execute(
        "UPDATE blobs SET data = ?" if data else "DELETE FROM blobs", (data,) if data else ()
    )
    archive = pack(world)
    assert not any(name.startswith("pictures/") for name in members(archive))
    assert "is missing: the run file has no JPEG or PNG of that name" in read_manifest(archive).missing[0]


# Its report


def test_report_says_how_the_run_was_made(lived):
    report = members(pack(lived))["report.html"].decode()
    spec = RunFile.open(lived).spec
    for fact in ("complete", "2, simultaneous", "scripted, at http", "4 calls", spec["run"], spec["prompts"]):
        assert fact in report
    assert "means nothing about people" not in report


def test_report_of_a_run_that_was_stopped_says_so(model_server, tmp_path):
    path = live(model_server(play(**SAYS)), tmp_path)
    file = RunFile.open(path)
    file.note(planned=5, lineage=[{"run": "abc", "step": 2, "edited": {"3": "Hm."}}])
    file.close()
    report = members(pack(path))["report.html"].decode()
    for fact in ("incomplete", "2 of 5, simultaneous", "from step 2 of the run abc, 1 event changed"):
        assert fact in report


def test_report_of_the_embedded_model_says_what_it_is_worth(lived):
    file = RunFile.open(lived)
    file.note(provider="embedded", model="gemma-3-270m", endpoint="embedded")
    file.close()
    assert "means nothing about people" in members(pack(lived))["report.html"].decode()


def test_report_escapes_all_that_others_wrote(model_server, tmp_path):
    server = model_server(play(**{HOSTILE: turn(talk(HOSTILE))}))
    path = live(server, tmp_path, HOSTILE, description=HOSTILE)
    report = members(pack(path))["report.html"].decode()
    assert "<script" not in report
    assert report.count("&lt;script&gt;") >= 4
    assert runs_nothing(report)


# Secrets


def test_no_key_is_in_any_file(model_server, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server = model_server(play(**SAYS))
    path = live(server, tmp_path, llm=LLM("scripted", server.base_url, cache=tmp_path / "calls"))
    archive = pack(path)
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert not any(KEY.encode() in data for data in [*members(archive).values(), archive.read_bytes()])


@pytest.mark.parametrize("around", ["", "x" * 4000])
def test_run_in_which_a_key_was_said_is_refused(server, tmp_path, monkeypatch, around):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    world = world_at(server, record=tmp_path / "run.sqlite").broadcast(f"{around}{KEY}{around}")
    with pytest.raises(InvalidSettings, match="would hold an API key of your settings") as caught:
        pack(world)
    assert KEY not in str(caught.value)
    assert left(tmp_path) == {"run.sqlite"}


# Unpacking: whole, or not at all


def test_unpacked_are_the_files_of_the_archive(lived):
    archive = pack(lived)
    lived.unlink()
    folder = unpack(archive)
    assert folder == archive.with_suffix("")
    written = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert written == members(archive)
    assert os.name == "nt" or stat.S_IMODE((folder / "run.sqlite").stat().st_mode) & 0o111 == 0


def test_folder_that_is_not_empty_is_left_alone(lived, tmp_path):
    archive = pack(lived)
    (tmp_path / "run").mkdir()
    unpack(archive)  # an empty one serves
    with pytest.raises(RunExists, match=r"run is not empty: give another out="):
        unpack(archive)
    with pytest.raises(RunExists, match=r"there is a file at"):
        unpack(archive, lived)


def test_archive_that_is_missing_is_named(tmp_path):
    with pytest.raises(UnknownName, match=r"there is no archive at .*gone\.zip"):
        unpack(tmp_path / "gone.zip")


@pytest.mark.parametrize(
    "name",
    [
        "../evil.txt",
        "/etc/evil",
        "C:\\evil.txt",
        "personas/../../evil.agent.json",
        "personas/a/b.agent.json",
        "personas\\x.agent.json",
        "personas/CON.agent.json",
        "personas/e\u0301.agent.json",
        "personas/x.py",
        "pictures/x.svg",
        "pictures/",
        "sitecustomize.py",
        "run.sqlite-journal",
    ],
)
def test_file_that_does_not_belong_is_refused(lived, tmp_path, name):
    archive = forged(pack(lived), lambda files: files.update({name: b"evil"}))
    before = left(tmp_path)
    with pytest.raises(DamagedFile, match="does not belong in an archive"):
        unpack(archive)
    assert left(tmp_path) == before
    assert not list(tmp_path.parent.glob("evil*"))


def test_two_files_of_one_name_are_refused(lived):
    archive = forged(pack(lived), lambda files: files.update({"personas/ANN.agent.json": b"{}"}))
    with pytest.raises(DamagedFile, match="two files of one name"):
        unpack(archive)


def test_link_is_refused(lived, tmp_path):
    archive = pack(lived)
    with zipfile.ZipFile(tmp_path / "links.zip", "w") as zipped:
        for name, data in members(archive).items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK if name == "report.html" else stat.S_IFREG) << 16
            zipped.writestr(info, data)
    with pytest.raises(DamagedFile, match=r"'report\.html' is a link, encrypted"):
        unpack(tmp_path / "links.zip")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compression_is_refused(lived, tmp_path, method):
    with zipfile.ZipFile(tmp_path / "other.zip", "w", method) as zipped:
        for name, data in members(pack(lived)).items():
            zipped.writestr(name, data)
    with pytest.raises(DamagedFile, match="compressed in another way"):
        unpack(tmp_path / "other.zip")


def test_bomb_is_refused_before_anything_is_written(lived, tmp_path):
    archive = forged(pack(lived), lambda files: files.update({"pictures/x.png": PNG + bytes(30_000_000)}))
    assert archive.stat().st_size < 1_000_000
    with pytest.raises(StorageError, match=r"would take 30,\d+,\d+ bytes unpacked, more than 1,000,000.*largest=30"):
        unpack(archive, largest=1_000_000)
    assert not (tmp_path / "forged").exists()
    assert unpack(archive).is_dir()


def test_bomb_that_lies_about_its_size_is_refused(lived):
    archive = pack(lived)
    size = json.loads(members(archive)["manifest.json"])["members"]["run.sqlite"]["bytes"]
    archive.write_bytes(archive.read_bytes().replace(size.to_bytes(4, "little"), (9).to_bytes(4, "little")))
    with pytest.raises(DamagedFile):
        unpack(archive)


def test_manifest_that_is_too_large_is_refused(lived, tmp_path):
    archive = forged(pack(lived), missing=["x" * 60_000_000])
    with pytest.raises(DamagedFile, match=r"its manifest has 60,\d+,\d+ bytes"):
        unpack(archive)


def test_later_version_is_named_whatever_it_has(lived):
    archive = forged(pack(lived), lambda files: files.update({"audio/x.wav": b"new"}), version=2, members=["other"])
    with pytest.raises(NewerFile, match="archive version 2, this one reads 1"):
        unpack(archive)


@pytest.mark.parametrize(
    "manifest",
    [
        {"format": "other"},
        {"version": 0},
        {"version": "1"},
        {"members": {"run.sqlite": {"sha256": "0" * 64, "bytes": -1}}},
        {"members": {"run.sqlite": {"sha256": "0", "bytes": 1}}},
        {"members": []},
        {"missing": ["\x1b[2J"]},
    ],
)
def test_manifest_that_is_none_is_damage(lived, manifest):
    with pytest.raises(DamagedFile, match=r"manifest\.json cannot be read"):
        unpack(forged(pack(lived), **manifest))


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 100_000])
def test_manifest_that_is_no_json_is_damage(lived, tmp_path, text):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as zipped:
        zipped.writestr("manifest.json", text)
    with pytest.raises(DamagedFile, match=r"manifest\.json cannot be read"):
        unpack(tmp_path / "x.zip")


def test_file_that_is_not_of_its_hash_is_refused(lived, tmp_path):
    archive = pack(lived)
    real = json.loads(members(archive)["manifest.json"])["members"]
    changed = members(archive)["README.txt"].replace(b"run", b"ruN")
    with pytest.raises(DamagedFile, match=r"'README\.txt' is not what the manifest says"):
        unpack(forged(archive, lambda files: files.update({"README.txt": changed}), members=real))
    assert not (tmp_path / "forged").exists()


@pytest.mark.parametrize("name", ["run.sqlite", "report.html"])
def test_file_that_is_missing_is_named(lived, name):
    with pytest.raises(DamagedFile, match=f"'{name}' is not there"):
        unpack(forged(pack(lived), lambda files: files.pop(name)))


def test_file_of_which_the_manifest_does_not_know_is_refused(lived):
    archive = pack(lived)
    with zipfile.ZipFile(archive, "a") as zipped:
        zipped.writestr("pictures/x.png", PNG)
    with pytest.raises(DamagedFile, match=r"'pictures/x\.png' is only in one of the archive and its manifest"):
        unpack(archive)


@pytest.mark.parametrize(
    "report",
    [
        "<script>alert(1)</script>",
        page("x", "").replace("default-src 'none'", "default-src *"),
        "<script>alert(1)</script>" + page("x", ""),
        page("x", '<meta http-equiv="refresh" content="0;url=https://example.org">'),
        page("x", "<form action='https://example.org'><input name=key></form>"),
    ],
)
def test_report_that_could_run_code_is_refused(lived, tmp_path, report):
    archive = forged(pack(lived), lambda files: files.update({"report.html": report.encode()}))
    with pytest.raises(DamagedFile, match=r"report\.html is not as the workbench writes it"):
        unpack(archive)
    assert not (tmp_path / "forged").exists()


def test_archive_that_is_cut_off_or_garbled_is_unpacked_as_it_was_or_not_at_all(lived, tmp_path):
    archive = pack(lived)
    whole, files, path = archive.read_bytes(), members(archive), tmp_path / "bad.zip"
    garbled = [whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :] for at in range(0, len(whole), 97)]
    for data in [*garbled, *(whole[:at] for at in range(0, len(whole), 997))]:
        path.write_bytes(data)
        try:
            folder = unpack(path)  # a byte of no consequence, such as one of a date
        except DamagedFile:
            continue
        assert {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()} == files
        shutil.rmtree(folder)
    assert left(tmp_path) == {"run.sqlite", "run.zip", "bad.zip", "calls"}
