from __future__ import annotations

import logging
import pickle
import traceback
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from tests.llm.doubles import KEY, Opinion, ask, llm_at
from tests.model_server import Capabilities, Drop, Fault, Reply, openai_error
from workbench.errors import CacheMiss, WorkbenchError, WrongKey
from workbench.llm.client import LLM
from workbench.llm.meter import Budget
from workbench.settings import load_settings

AZURE_KEY = "0123456789abcdef0123456789abcdef"

ECHO = [
    "Incorrect API key provided: {key}. You can find your API key in the console.",
    "Invalid header 'Authorization: Bearer {key}'",
    "api-key={key} is not known; key {key}!",
    '{{"detail": "no account of {key}"}}',
]


def shown(error: BaseException) -> str:
    """All that anyone gets to see of an error: a notebook shows the whole traceback."""
    facts = [repr(fact) for fact in vars(error).values()]
    return "\n".join([str(error), repr(error), *facts, *traceback.format_exception(error)])


def written(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


async def failure(llm: LLM, **options: Any) -> WorkbenchError:
    with pytest.raises(WorkbenchError) as caught:
        await ask(llm, **options)
    return caught.value


# Errors


@pytest.mark.parametrize("key", [KEY, AZURE_KEY], ids=["sk", "hex"])
@pytest.mark.parametrize("words", ECHO)
async def test_key_that_the_server_shows_is_not_shown_on(model_server, words, key):
    server = model_server(Fault(401, body=openai_error(words.format(key=key), code="invalid_api_key")))
    error = await failure(llm_at(server, api_key=key))
    assert isinstance(error, WrongKey)
    assert key not in shown(error)
    assert key not in shown(pickle.loads(pickle.dumps(error)))


async def test_words_about_keys_are_kept(model_server):
    server = model_server(Fault(401, body=openai_error(ECHO[0].format(key=KEY))))
    error = await failure(llm_at(server, api_key=KEY))
    assert error.provider_text == "Incorrect API key provided: [key]. You can find your API key in the console."


async def test_short_placeholder_of_a_key_spoils_no_words(model_server):
    """Servers that need no key get `x` or `none`, which are in any text."""
    words = "none of the next examples exist"
    error = await failure(llm_at(model_server(Fault(400, body=openai_error(words))), api_key="x"))
    assert error.provider_text == words


@pytest.mark.parametrize("status", [400, 403, 404, 418, 429, 500])
async def test_key_is_in_no_error_of_any_status(model_server, status):
    server = model_server(Fault(status, body=openai_error(ECHO[1].format(key=KEY))))
    assert KEY not in shown(await failure(llm_at(server, api_key=KEY, max_tries=2)))


@pytest.mark.parametrize("dialect", ["openai", "azure", "vllm", "llama.cpp"])
async def test_key_is_in_no_error_of_any_dialect(model_server, dialect):
    server = model_server(capabilities=Capabilities(api_key="sk-right", dialect=dialect))
    assert KEY not in shown(await failure(llm_at(server, api_key=KEY)))


@pytest.mark.parametrize("said", [Drop(), Reply(refusal="No."), Fault(503)], ids=["drop", "refusal", "503"])
async def test_key_is_in_no_error_of_ours(model_server, said):
    error = await failure(llm_at(model_server(said), api_key=KEY, max_tries=1))
    assert KEY not in shown(error)


# Values


def test_key_is_in_no_repr(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    llm = LLM(cache="off", budget=Budget(calls=1))
    values = [llm, llm.endpoint, llm.cache, llm.meter, llm.metered(), llm.endpoint.limits, load_settings(), vars(llm)]
    texts = [f"{value!r} {value!s}" for value in values] + [load_settings().model_dump_json(), llm.meter._repr_html_()]
    assert not any(KEY in text for text in texts)
    assert llm.endpoint.api_key.get_secret_value() == KEY


async def test_key_is_in_no_client_that_shows_itself(server):
    llm = llm_at(server, api_key=KEY)
    await ask(llm)
    (lane,) = llm.endpoint._lanes.values()
    assert KEY not in repr(lane) + repr(llm.endpoint)


async def test_password_in_an_address_is_not_shown(model_server, tmp_path):
    server = model_server(["Yes.", Fault(400)])
    llm = llm_at(server.base_url.replace("//", f"//me:{KEY}@"), cache=tmp_path)
    await ask(llm)
    assert server.requests[0].headers["authorization"] == f"Basic {b64encode(f'me:{KEY}'.encode()).decode()}"
    assert llm.endpoint.name == server.base_url
    assert KEY not in shown(await failure(llm, text="Why?")) + repr(llm) + repr(llm.endpoint)
    assert KEY.encode() not in written(tmp_path)


# Files and logs


async def test_key_is_in_no_file_and_no_log(model_server, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    capabilities = Capabilities(refuses=["seed", "json_schema"], api_key=KEY)
    server = model_server(["no", Fault(503), Drop()], capabilities=capabilities)
    llm = LLM("scripted", server.base_url, cache=tmp_path / "calls", backoff=0.001)
    with caplog.at_level(logging.DEBUG):
        await ask(llm, schema=Opinion, seed=1)
        await failure(llm_at(server, api_key=f"{KEY}-wrong"))
        llm.cache.export(tmp_path / "study.jsonl")
        with pytest.raises(CacheMiss) as caught:
            await ask(LLM("scripted", server.base_url, cache=tmp_path / "study.jsonl"), "Why?")
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert "does not take seed" in caplog.text
    assert KEY not in caplog.text + shown(caught.value)
    assert KEY.encode() not in written(tmp_path)
    assert b"scripted" in written(tmp_path)


async def test_key_of_azure_is_in_no_log(model_server, caplog):
    server = model_server(capabilities=Capabilities(api_key=AZURE_KEY))
    with caplog.at_level(logging.DEBUG):
        await ask(llm_at(server.url, provider="azure", api_key=AZURE_KEY))
    assert AZURE_KEY not in caplog.text
    assert caplog.text


def test_key_in_a_wrong_setting_is_not_shown(monkeypatch):
    monkeypatch.setenv("WORKBENCH_PROVIDER", KEY)
    with pytest.raises(WorkbenchError) as caught:
        LLM("m")
    assert KEY not in shown(caught.value)
