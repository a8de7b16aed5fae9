"""One settings object, read from the environment and from `.env`; and the folder that caches live in."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from workbench.errors import InvalidSettings

Provider = Literal["openai", "azure", "embedded"]
CacheMode = Literal["use", "refresh", "off", "replay"]


class Settings(BaseSettings):
    """What the environment says. Arguments of `LLM` go before it; the defaults stand last.

    Every name is read as `WORKBENCH_<NAME>`; where the OpenAI client has a variable of its own, that one too.
    """

    model_config = SettingsConfigDict(
        env_prefix="WORKBENCH_", env_file=".env", env_ignore_empty=True, extra="ignore", populate_by_name=True
    )

    model: str | None = None
    """The model that people think with."""
    provider: Provider | None = None
    """`openai` for any OpenAI-compatible endpoint, `azure`, or `embedded`; found out when not set."""
    api_key: SecretStr | None = None
    """For whatever endpoint is set; the two below are for their own alone, and neither is sent the other's."""
    openai_api_key: SecretStr | None = Field(None, validation_alias="OPENAI_API_KEY")
    azure_api_key: SecretStr | None = Field(None, validation_alias="AZURE_OPENAI_API_KEY")
    base_url: str | None = Field(None, validation_alias=AliasChoices("WORKBENCH_BASE_URL", "OPENAI_BASE_URL"))
    azure_endpoint: str | None = Field(None, validation_alias="AZURE_OPENAI_ENDPOINT")
    azure_api_version: str = Field(
        "2024-10-21", validation_alias=AliasChoices("WORKBENCH_AZURE_API_VERSION", "OPENAI_API_VERSION")
    )
    embedding_model: str | None = None
    """The endpoint's embedding model; the embedded sentence encoder when not set."""
    temperature: float | None = Field(None, ge=0, le=2)
    max_tokens: int = Field(4096, ge=1)
    """The longest answer, in tokens. It also bounds what a call can cost."""
    concurrency: int = Field(32, ge=1)
    timeout: float = Field(60.0, gt=0)
    """Seconds that one request may take."""
    max_tries: int = Field(6, ge=1)
    """How often one request is sent before it counts as failed."""
    max_wait: float = Field(300.0, gt=0)
    """Seconds after which a failing request is not tried again."""
    requests_per_minute: float | None = Field(None, ge=1)
    tokens_per_minute: float | None = Field(None, gt=0)
    cache: str = "use"
    """A mode of the call cache, a folder, or a recording."""
    cache_dir: Path | None = None
    """The folder for caches; the system's own place for them when not set."""
    prices: Path | None = None
    """A JSON file of prices that goes before the one shipped (`workbench/data/prices.json`)."""


def load_settings(**arguments: Any) -> Settings:
    """Read the settings now.

    Args:
        **arguments: settings that are given in code and go before the environment; None is none.

    Raises:
        InvalidSettings: an argument or a variable has a value that cannot be; every such one is named.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        wrong = [f"{_named(str(e['loc'][0]), given)}: {e['msg']}" for e in error.errors(include_input=False)]
        raise InvalidSettings(f"settings cannot be used: {'; '.join(wrong)}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"{Path('.env').absolute()} cannot be read: {error}") from error


def _named(name: str, given: dict[str, Any]) -> str:
    if name in given:
        return f"{name}={given[name]!r}"
    return f"WORKBENCH_{name.upper()}" if name in Settings.model_fields else name


def cache_dir() -> Path:
    """Return the user's folder for caches: `WORKBENCH_CACHE_DIR`, or the system's place for them."""
    import platformdirs

    return load_settings().cache_dir or platformdirs.user_cache_path("persona-workbench", appauthor=False)
