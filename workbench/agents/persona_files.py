"""Persona and fragment files: JSON and YAML in the shape of `*.agent.json`, read strictly and written whole."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from workbench.errors import InvalidPersona, UnknownName, replaced_when_whole, storage_errors

LARGEST = 2_000_000
"""Bytes; a persona of this size would be 500,000 tokens, so a larger file without a memory is a mistake."""
LARGEST_WITH_MEMORY = 1_000_000_000
"""Bytes: some 600,000 memories."""

_UNUSUAL = re.compile(r"[^\S \n]")
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def read_file(path: str | Path) -> dict[str, Any]:
    """Read a persona or fragment file as a mapping.

    Raises:
        UnknownName: there is no such file.
        InvalidPersona: it is not what it should be; the message says where.
    """
    path = Path(path)
    if not _is_file(path):
        raise UnknownName(f"there is no file {str(path.absolute())[:300]}")
    with storage_errors(path, "the persona file"):
        size = path.stat().st_size
        most = LARGEST if _is_yaml(path) else LARGEST_WITH_MEMORY
        if size > most:
            raise InvalidPersona(f"{path}: {size:,} bytes are too many for a persona (at most {most:,})")
        raw = path.read_bytes()
    if raw.startswith(_BOMS):
        raise InvalidPersona(f"{path}: begins with a byte-order mark: save it as UTF-8 without BOM")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidPersona(f"{path}: not UTF-8: byte {error.start} is {raw[error.start]:#04x}") from error
    data = _read_yaml(text, path) if _is_yaml(path) else _read_json(text, path)
    if not isinstance(data, dict):
        raise InvalidPersona(f"{path}: a mapping is needed, this is a {type(data).__name__}")
    if size > LARGEST and "memory" not in data:
        raise InvalidPersona(f"{path}: {size:,} bytes are too many for a persona (at most {LARGEST:,})")
    return data


def write_file(path: str | Path, data: Mapping[str, Any]) -> None:
    """Write a mapping as JSON or YAML, replacing the file only when all is written."""
    path = Path(path)
    text = _as_yaml(dict(data)) if _is_yaml(path) else ""
    if len(text) > LARGEST:
        raise InvalidPersona(f"{path}: a memory of this size is too much for YAML: save it as .agent.json")
    with replaced_when_whole(path, "the persona file") as temporary:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            if not text:  # piece by piece: the text of a large memory would be one more copy of it
                json.dump(data, file, ensure_ascii=False, indent=2)
                file.write("\n")


def _is_yaml(path: Path) -> bool:
    return path.suffix in (".yaml", ".yml")


def persona_of(data: Mapping[str, Any], source: str, types: tuple[str, ...]) -> Mapping[str, Any]:
    """Return the persona inside the mapping of a file: under `persona`, or the mapping itself.

    Raises:
        InvalidPersona: it is of another type.
    """
    kind = data.get("type") if "persona" in data else None
    if kind is not None and kind not in types:
        raise InvalidPersona(f"{source}: type: {kind!r} is not one of {', '.join(types)}")
    inner = data.get("persona", data)
    if not isinstance(inner, Mapping):
        raise InvalidPersona(f"{source}: persona: a mapping is needed, this is a {type(inner).__name__}")
    return inner


def find(name: str | Path, kind: str) -> Path:
    """Return the path of a file, or of one of the examples that come with the workbench.

    Args:
        name: a path, or the bare name of an example.
        kind: `persona` or `fragment`.

    Raises:
        UnknownName: neither; the examples there are, are named.
    """
    path = Path(name)
    if _is_file(path) or path.suffix or len(path.parts) != 1:
        return path
    examples = example_files(kind)
    if str(name).lower() not in examples:
        known = ", ".join(examples)
        raise UnknownName(f"there is no file {str(name)[:300]!r} and no example {kind} of that name; there are {known}")
    return examples[str(name).lower()]


def example_files(kind: str) -> dict[str, Path]:
    """Return the examples that come with the workbench, by name. `kind` is `persona` or `fragment`."""
    folder = Path(str(resources.files("workbench") / "data" / f"{kind}s"))
    return {file.name.split(".")[0]: file for file in sorted(folder.glob("*.json"))}


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a whole text where a path is meant: too long for a name
        return False


def _read_json(text: str, path: Path) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            twice = sorted(key for key, n in Counter(key for key, _ in pairs).items() if n > 1)
            raise InvalidPersona(f"{path}: {', '.join(twice)}: the key is there twice, one would be lost")
        return made

    try:
        return json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise InvalidPersona(f"{path}, line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from error
    except InvalidPersona:
        raise
    except ValueError as error:  # a number of thousands of digits
        raise InvalidPersona(f"{path}: cannot be read: {error}") from error
    except RecursionError as error:
        raise InvalidPersona(f"{path}: nested too deeply") from error


def _read_yaml(text: str, path: Path) -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            if twice := sorted(key for key, n in Counter(str(child.value) for child, _ in node.value).items() if n > 1):
                place = f"{path}, line {node.start_mark.line + 1}"
                raise InvalidPersona(f"{place}: {', '.join(twice)}: the key is there twice, one would be lost")
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(text, Loader)  # noqa: S506  # a SafeLoader
    except InvalidPersona:
        raise
    except (yaml.YAMLError, ValueError, TypeError, AttributeError) as error:  # PyYAML lets those of `!!int x` through
        raise InvalidPersona(f"{path}: not YAML: {error}") from error
    except RecursionError as error:
        raise InvalidPersona(f"{path}: nested too deeply") from error


def _as_yaml(data: Any) -> str:
    import yaml

    class Dumper(yaml.SafeDumper):
        """Puts what PyYAML folds or loses (NEL, line and paragraph separators) into escapes."""

    def represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, '"' if _UNUSUAL.search(text) else None)

    Dumper.add_representer(str, represent)
    return yaml.dump(data, Dumper=Dumper, allow_unicode=True, sort_keys=False, width=120)
