from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tests.llm.doubles import HELLO, Opinion, ask, llm_at
from tests.model_server import Capabilities
from workbench.errors import CacheMiss, InvalidSettings, UnknownModel, WrongKey
from workbench.llm.cache import CallCache
from workbench.llm.client import LLM
from workbench.settings import Settings, cache_dir, load_settings


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No `.env` but that of the test."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set variables of the environment."""
    return lambda **variables: [monkeypatch.setenv(name, value) for name, value in variables.items()]


def made(**arguments: Any) -> LLM:
    return LLM(**({"cache": "off"} | arguments))


def key_of(llm: LLM) -> str:
    return llm.endpoint.api_key.get_secret_value()


# Where a setting comes from


def test_settings_have_defaults():
    assert load_settings() == Settings()
    assert (load_settings().model, load_settings().concurrency, load_settings().cache) == (None, 32, "use")


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("MODEL", "m", "m"),
        ("PROVIDER", "azure", "azure"),
        ("BASE_URL", "http://here/v1", "http://here/v1"),
        ("EMBEDDING_MODEL", "e", "e"),
        ("TEMPERATURE", "0.3", 0.3),
        ("MAX_TOKENS", "99", 99),
        ("CONCURRENCY", "4", 4),
        ("TIMEOUT", "7.5", 7.5),
        ("MAX_TRIES", "2", 2),
        ("MAX_WAIT", "20", 20.0),
        ("REQUESTS_PER_MINUTE", "60", 60.0),
        ("TOKENS_PER_MINUTE", "1000", 1000.0),
        ("CACHE", "replay", "replay"),
        ("PRICES", "p.json", Path("p.json")),
        ("AZURE_API_VERSION", "2099-01-01", "2099-01-01"),
    ],
)
def test_setting_is_read_from_the_environment(setting, name, value, read):
    setting(**{f"WORKBENCH_{name}": value})
    assert getattr(load_settings(), name.lower()) == read


def test_setting_is_used(setting, server):
    setting(
        WORKBENCH_MODEL="m", WORKBENCH_BASE_URL=server.base_url, WORKBENCH_CONCURRENCY="3", WORKBENCH_TEMPERATURE="0.3"
    )
    setting(WORKBENCH_CACHE="refresh", WORKBENCH_MAX_TRIES="2", WORKBENCH_TIMEOUT="9", WORKBENCH_MAX_WAIT="8")
    llm = LLM()
    limits = llm.endpoint.limits
    assert (llm.model, llm.endpoint.name, llm.cache.mode, llm.temperature) == ("m", server.base_url, "refresh", 0.3)
    assert (limits.concurrency, limits.max_tries, limits.timeout, limits.max_wait) == (3, 2, 9, 8)


async def test_variables_of_the_openai_client_are_read(setting, model_server):
    server = model_server(capabilities=Capabilities(api_key="sk-openai"))
    setting(OPENAI_API_KEY="sk-openai", OPENAI_BASE_URL=server.base_url)
    assert (await ask(made(model="m"))).text


def test_own_variables_go_before_those_of_the_openai_client(setting):
    setting(OPENAI_API_KEY="sk-theirs", OPENAI_BASE_URL="http://theirs/v1")
    setting(WORKBENCH_API_KEY="sk-ours", WORKBENCH_BASE_URL="http://ours/v1")
    assert (made(model="m").endpoint.name, key_of(made(model="m"))) == ("http://ours/v1", "sk-ours")


def test_arguments_go_before_the_environment(setting):
    setting(WORKBENCH_MODEL="m", WORKBENCH_API_KEY="sk-env", WORKBENCH_TEMPERATURE="1", WORKBENCH_CACHE="replay")
    setting(WORKBENCH_BASE_URL="http://env/v1", WORKBENCH_CONCURRENCY="3")
    llm = LLM("mine", "http://mine/v1", SecretStr("sk-mine"), temperature=0, cache="off", concurrency=1)
    assert (llm.model, llm.endpoint.name, key_of(llm)) == ("mine", "http://mine/v1", "sk-mine")
    assert (llm.temperature, llm.cache.mode, llm.endpoint.limits.concurrency) == (0, "off", 1)


def test_env_file_is_read(tmp_path):
    (tmp_path / ".env").write_text('WORKBENCH_MODEL="from file"\nOPENAI_API_KEY=sk-file  # mine\nOTHER=1\n')
    assert (made().model, key_of(made())) == ("from file", "sk-file")


def test_environment_goes_before_the_env_file(tmp_path, setting):
    (tmp_path / ".env").write_text("WORKBENCH_MODEL=file\nOPENAI_API_KEY=sk-file\n")
    setting(WORKBENCH_MODEL="environment", OPENAI_API_KEY="sk-environment")
    assert (made().model, key_of(made())) == ("environment", "sk-environment")


def test_env_file_may_have_a_mark_at_its_start(tmp_path):
    (tmp_path / ".env").write_bytes("\ufeffWORKBENCH_MODEL=m\nWORKBENCH_API_KEY=sk-é\n".encode())
    assert (load_settings().model, load_settings().api_key.get_secret_value()) == ("m", "sk-é")


def test_env_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / ".env").write_bytes(b"WORKBENCH_MODEL=\xff\xfe\n")
    with pytest.raises(InvalidSettings, match=r"\.env"):
        load_settings()


def test_empty_variable_is_none(setting):
    setting(WORKBENCH_TEMPERATURE="", WORKBENCH_API_KEY="", OPENAI_API_KEY="sk-x", WORKBENCH_MODEL="")
    assert (load_settings().temperature, load_settings().model) == (None, None)
    assert load_settings().openai_api_key.get_secret_value() == "sk-x"


def test_cache_folder_is_a_setting(setting, tmp_path):
    setting(WORKBENCH_CACHE_DIR=str(tmp_path / "mine"))
    assert cache_dir() == tmp_path / "mine"


# What cannot be


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PROVIDER", "other"),
        ("TEMPERATURE", "hot"),
        ("TEMPERATURE", "2.1"),
        ("TEMPERATURE", "nan"),
        ("MAX_TOKENS", "0"),
        ("CONCURRENCY", "0"),
        ("CONCURRENCY", "2.5"),
        ("TIMEOUT", "-1"),
        ("TIMEOUT", "nan"),
        ("MAX_TRIES", "0"),
        ("MAX_WAIT", "0"),
        ("REQUESTS_PER_MINUTE", "0.5"),
        ("TOKENS_PER_MINUTE", "0"),
    ],
)
def test_variable_that_cannot_be_is_named(setting, name, value):
    setting(**{f"WORKBENCH_{name}": value})
    with pytest.raises(InvalidSettings, match=f"WORKBENCH_{name}: .*(should|must)"):
        load_settings()


def test_all_variables_that_cannot_be_are_named_and_none_is_shown(setting):
    setting(WORKBENCH_TEMPERATURE="sk-pasted-into-the-wrong-line", WORKBENCH_CONCURRENCY="0")
    with pytest.raises(InvalidSettings, match=r"WORKBENCH_TEMPERATURE.*WORKBENCH_CONCURRENCY") as caught:
        load_settings()
    assert "sk-pasted" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 2.1),
        ("temperature", -0.1),
        ("max_tokens", 0),
        ("max_tokens", -5),
        ("concurrency", 0),
        ("concurrency", -1),
        ("timeout", 0),
        ("timeout", float("nan")),
        ("max_tries", 0),
        ("max_wait", -1),
        ("backoff", 0),
        ("requests_per_minute", 0),
        ("tokens_per_minute", -1),
        ("cache", "sometimes"),
    ],
)
def test_argument_that_cannot_be_is_named(name, value):
    with pytest.raises(InvalidSettings, match=f"{name}="):
        made(model="m", base_url="http://here/v1", **{name: value})


@pytest.mark.parametrize("address", ["localhost:8000/v1", "here", "ftp://here/v1", " http://here", "http://"])
def test_address_that_cannot_be_is_named(address):
    with pytest.raises(InvalidSettings, match="base_url"):
        made(model="m", base_url=address)


def test_cache_that_cannot_be_is_named(setting):
    setting(WORKBENCH_CACHE="sometimes")
    with pytest.raises(InvalidSettings, match=r"cache='sometimes' is no mode \(use, refresh, off, replay\)"):
        LLM("m", "http://here/v1")


async def test_azure_takes_the_key_of_the_workbench_and_none_of_openai(model_server, setting):
    server = model_server(capabilities=Capabilities(api_key="ours"))
    setting(AZURE_OPENAI_ENDPOINT=server.url, OPENAI_API_KEY="sk-openai")
    assert made(provider="azure", model="talker").endpoint.api_key is None
    setting(WORKBENCH_API_KEY="ours")
    assert (await ask(made(provider="azure", model="talker"))).text


# Which provider


@pytest.mark.parametrize(
    ("variables", "provider", "name", "model"),
    [
        ({}, "embedded", "embedded", "gemma-3-270m"),
        ({"OPENAI_API_KEY": "sk-x"}, "openai", "https://api.openai.com/v1", "gpt-4.1-mini"),
        ({"WORKBENCH_BASE_URL": "http://a/v1", "WORKBENCH_MODEL": "m"}, "openai", "http://a/v1", "m"),
        ({"WORKBENCH_PROVIDER": "embedded", "OPENAI_API_KEY": "sk-x"}, "embedded", "embedded", "gemma-3-270m"),
        (
            {"AZURE_OPENAI_ENDPOINT": "http://a", "AZURE_OPENAI_API_KEY": "k", "WORKBENCH_MODEL": "m"},
            "azure",
            "http://a",
            "m",
        ),
    ],
)
def test_provider_is_found_out(setting, variables, provider, name, model):
    setting(**variables)
    endpoint = made().endpoint
    assert (endpoint.provider, endpoint.name, endpoint.model) == (provider, name, model)


def test_provider_that_is_not_there_is_named():
    with pytest.raises(InvalidSettings, match="'other'; there are openai, azure, embedded"):
        made(provider="other")


def test_endpoint_needs_a_model(setting):
    setting(OPENAI_BASE_URL="http://a/v1")
    with pytest.raises(InvalidSettings, match=r"which model at http://a/v1.*WORKBENCH_MODEL"):
        made()


async def test_server_without_keys_gets_none_of_ours(server):
    await ask(llm_at(server, api_key=None))
    assert server.requests[0].headers["authorization"] == "Bearer no-key-needed"


async def test_model_in_the_process_keeps_to_the_token_limit_that_was_chosen(tmp_path):
    llm = LLM(provider="embedded", max_tokens=100, cache=CallCache.open(tmp_path, "replay"))
    with pytest.raises(CacheMiss) as caught:
        await llm.complete(HELLO, purpose="test")
    assert json.loads(caught.value.request)["sampling"]["max_tokens"] == 100


# Azure


AZURE = Capabilities(api_key="azure-key", models=["talker"], refuses=["seed"])


def azure_at(server: Any, **options: Any) -> LLM:
    return LLM(
        **(
            {
                "model": "talker",
                "base_url": server.url,
                "provider": "azure",
                "api_key": "azure-key",
                "cache": "off",
                "backoff": 0.001,
            }
            | options
        )
    )


async def test_azure_is_asked_in_its_own_way(model_server):
    server = model_server(capabilities=AZURE)
    llm = azure_at(server)
    assert (await ask(llm, schema=Opinion, seed=3)).value.text
    assert (await ask(llm, "Why?", schema=Opinion, seed=3)).value.text
    assert server.answered[0].path == "/openai/deployments/talker/chat/completions?api-version=2024-10-21"
    assert server.answered[0].headers["api-key"] == "azure-key"
    assert server.stats()["statuses"] == {200: 2, 400: 1}


async def test_azure_is_found_in_its_own_variables(model_server, setting):
    server = model_server(capabilities=AZURE)
    setting(AZURE_OPENAI_ENDPOINT=server.url, AZURE_OPENAI_API_KEY="azure-key", OPENAI_API_VERSION="2099-01-01")
    assert (await ask(made(model="talker"))).text
    assert server.answered[0].path.endswith("?api-version=2099-01-01")


async def test_azure_and_openai_are_not_mixed_up(model_server, setting):
    """Many have both accounts: neither may get the other's key."""
    azure, other = model_server(capabilities=AZURE), model_server(capabilities=Capabilities(api_key="sk-openai"))
    setting(AZURE_OPENAI_ENDPOINT=azure.url, AZURE_OPENAI_API_KEY="azure-key")
    setting(OPENAI_BASE_URL=other.base_url, OPENAI_API_KEY="sk-openai", WORKBENCH_MODEL="talker")
    assert (await ask(made(provider="azure"))).text
    assert (await ask(made(provider="openai"))).text
    assert (await ask(made())).text
    assert ([len(one.answered) for one in (azure, other)]) == [1, 2]


def test_key_of_openai_alone_is_not_sent_to_azure(setting):
    setting(AZURE_OPENAI_ENDPOINT="http://azure", OPENAI_API_KEY="sk-openai")
    assert made().endpoint.name == "https://api.openai.com/v1"


async def test_azure_has_its_own_errors(model_server):
    server = model_server(capabilities=AZURE)
    with pytest.raises(UnknownModel, match="API deployment for this resource does not exist"):
        await ask(azure_at(server, model="other"))
    with pytest.raises(WrongKey, match="invalid subscription key"):
        await ask(azure_at(server, api_key="wrong"))


async def test_azure_embeds(model_server, setting):
    server = model_server(capabilities=Capabilities(api_key="azure-key"))
    setting(WORKBENCH_EMBEDDING_MODEL="embedder")
    assert (await azure_at(server).embed(["soup"])).shape == (1, 64)
    assert server.answered[0].path.startswith("/openai/deployments/embedder/embeddings?")


@pytest.mark.parametrize("given", [{}, {"model": "talker"}, {"base_url": "http://a"}])
def test_azure_needs_its_address_and_deployment(given):
    with pytest.raises(InvalidSettings, match=r"AZURE_OPENAI_ENDPOINT.*WORKBENCH_MODEL"):
        made(provider="azure", api_key="k", **given)
