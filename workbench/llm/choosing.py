"""Which model and which call cache are meant: what is given, and what the settings say where nothing is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast, get_args

from pydantic import SecretStr

from workbench.errors import InvalidSettings
from workbench.llm.cache import CallCache
from workbench.llm.endpoint import Endpoint
from workbench.llm.meter import Budget
from workbench.llm.weights import DEFAULT as EMBEDDED_DEFAULT
from workbench.settings import CacheMode, Provider, Settings

DEFAULT_MODEL = "gpt-4.1-mini"


def chosen_endpoint(
    settings: Settings,
    model: str | None,
    base_url: str | None,
    api_key: str | SecretStr | None,
    provider: Provider | None,
) -> Endpoint:
    """Return the endpoint that arguments and settings choose; arguments go first.

    Raises:
        InvalidSettings: they contradict each other, or say too little.
    """
    given = SecretStr(api_key) if isinstance(api_key, str) else api_key
    key, url = given or settings.api_key or settings.openai_api_key, base_url or settings.base_url
    model = model or settings.model
    if not (provider := provider or settings.provider):
        provider = "openai" if key or url else "azure" if settings.azure_endpoint else "embedded"
    if provider not in get_args(Provider):
        raise InvalidSettings(f"no provider {provider!r}; there are {', '.join(get_args(Provider))}")
    if provider == "azure":
        key, url = given or settings.api_key or settings.azure_api_key, base_url or settings.azure_endpoint or url
    if url and provider != "embedded" and not re.match(r"https?://[^/\s]", url):
        raise InvalidSettings("base_url is no address: one starts with http:// or https:// and a host")  # perhaps a key
    if provider == "embedded":
        model = model or EMBEDDED_DEFAULT
        url = None
    elif provider == "azure" and not (url and model):
        raise InvalidSettings("Azure needs the endpoint (AZURE_OPENAI_ENDPOINT) and the deployment (WORKBENCH_MODEL)")
    elif url and not model:
        raise InvalidSettings(f"which model at {url}? Set WORKBENCH_MODEL, or give LLM(model=...)")
    return Endpoint(provider, model or DEFAULT_MODEL, url, key, settings.azure_api_version)


def checked_budgets(given: Budget | None) -> tuple[Budget, ...]:
    """Return what may be spent as a tuple of none or one.

    Raises:
        InvalidSettings: it is no budget.
    """
    if given is not None and not isinstance(given, Budget):
        raise InvalidSettings(f"budget={given!r}: a Budget is needed, such as Budget(usd=2)")
    return (given,) if given is not None else ()


def opened_cache(cache: CallCache | str | Path) -> CallCache:
    """Return the call cache that is meant by a mode, a folder or a recording.

    Raises:
        InvalidSettings: it is none of them.
        StorageError: it cannot be used.
    """
    if isinstance(cache, CallCache):
        return cache
    if isinstance(cache, str) and cache in get_args(CacheMode):
        return CallCache.open(mode=cast("CacheMode", cache))
    if str(cache).endswith(".jsonl"):
        return CallCache.from_recording(cache)
    if isinstance(cache, str) and Path(cache).name == cache and not Path(cache).is_dir():
        modes = ", ".join(get_args(CacheMode))
        raise InvalidSettings(f"cache={cache!r} is no mode ({modes}); for a folder of that name give ./{cache}")
    return CallCache.open(cache)
