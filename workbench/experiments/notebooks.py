"""Running a notebook with parameters, by papermill: it is saved as far as it got, whatever happens."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from workbench.errors import InvalidSettings, NotebookFailed, UnknownName, storage_errors


def run_notebook(
    notebook: str | Path, out: str | Path, parameters: Mapping[str, Any] | None = None, *, quiet: bool = False
) -> Path:
    """Run a notebook and save it, with its outputs, in a folder.

    A notebook that declares the parameter `out` is given the folder.

    Args:
        notebook: its path, or the name of a template that comes with the workbench.
        out: the folder for the executed notebook and all that it writes; made when missing.
        parameters: values for the notebook's parameters.
        quiet: show neither progress nor what the notebook prints.

    Returns:
        the path of the executed notebook.

    Raises:
        UnknownName: there is no such notebook.
        InvalidSettings: it has no cell tagged `parameters`, or not all of these parameters; both are named.
        NotebookFailed: a cell failed; the executed notebook is kept and named.
    """
    import papermill
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient.exceptions import DeadKernelError

    source, folder = find_notebook(notebook), Path(out).absolute()
    declared = declared_parameters(source)
    values = dict(parameters or {})
    if unknown := sorted(values.keys() - declared.keys()):
        raise InvalidSettings(
            f"{source.name} has no parameter {', '.join(unknown)}; it has {', '.join(declared) or 'none'}"
        )
    if "out" in declared:
        values.setdefault("out", str(folder))
    with storage_errors(folder, "the output folder"):
        folder.mkdir(parents=True, exist_ok=True)
    target = folder / source.name
    if target.resolve() == source.resolve():
        raise InvalidSettings(f"{source} would be overwritten by its own run: give another folder with -o")
    shown = {} if quiet else {"stdout_file": sys.stdout, "stderr_file": sys.stderr}
    try:
        papermill.execute_notebook(
            str(source), str(target), values, progress_bar=False, config=_kernel_config(), **shown
        )
    except (DeadKernelError, NoSuchKernel) as error:
        told = f"{source.name}: its kernel did not live to the end: {error}. What it did is kept in {target}."
        raise NotebookFailed(told, path=target, cell=None) from error
    except papermill.PapermillExecutionError as error:
        raise NotebookFailed(
            f"{source.name}, cell {error.exec_count}: {error.ename}: {error.evalue}. What it did is kept in {target}.",
            path=target,
            cell=error.exec_count,
        ) from error
    return target


def _kernel_config() -> Any:
    """Encrypt the kernel's sockets where that can be done: others on the machine could read a run otherwise."""
    import zmq
    from jupyter_client.manager import KernelManager
    from traitlets.config import Config

    can = zmq.has("curve") and hasattr(KernelManager, "transport_encryption")
    return Config({"KernelManager": {"transport_encryption": "auto"}}) if can else Config()


def find_notebook(notebook: str | Path) -> Path:
    """Return the path of a notebook, or of a template that comes with the workbench.

    Raises:
        UnknownName: neither; the templates there are, are named.
    """
    path = Path(notebook)
    if path.is_file():
        return path
    templates = {file.stem: file for file in _templates()}
    if path.stem not in templates or str(path.parent) not in (".", "templates"):
        known = ", ".join(templates)
        raise UnknownName(f"there is no notebook {path.absolute()} and no template {path.stem!r}; there are {known}")
    return templates[path.stem]


def _templates() -> Iterable[Path]:
    package = Path(str(resources.files("workbench")))
    installed, beside = package / "templates", package.parent / "templates"
    return sorted((installed if installed.is_dir() else beside).glob("*.ipynb"))


def declared_parameters(notebook: Path) -> dict[str, str]:
    """Return the parameters that a notebook declares, each with its default as source text.

    Raises:
        InvalidSettings: it is no notebook, or no cell is tagged `parameters`.
    """
    import papermill

    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidSettings(f"{notebook} is not a notebook: {error!r}") from error
    if not any("parameters" in cell.get("metadata", {}).get("tags", ()) for cell in cells):
        raise InvalidSettings(f"{notebook} has no cell tagged 'parameters': tag the one that sets them")
    return {name: found["default"] for name, found in papermill.inspect_notebook(str(notebook)).items()}


def parse_parameter(text: str) -> Any:
    """Read a parameter's value from the command line: JSON where it is JSON, else the text as it stands.

    >>> parse_parameter("3"), parse_parameter('["lisa", "oscar"]'), parse_parameter("Would you buy it?")
    (3, ['lisa', 'oscar'], 'Would you buy it?')
    """
    words: dict[str, Any] = {"True": True, "False": False, "None": None}
    if text in words:
        return words[text]
    try:
        return json.loads(text)
    except ValueError:
        return text
