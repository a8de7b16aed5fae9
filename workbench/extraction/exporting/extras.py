"""The packages of the extra `docs`, loaded where they are needed."""

from __future__ import annotations

import importlib
from typing import Any

from workbench.errors import WorkbenchError


def needed(package: str) -> Any:
    """Return a package of the extra.

    Raises:
        WorkbenchError: it is not installed; the message says how to.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise WorkbenchError(
            f'this export needs an extra ({package} is not installed): pip install "persona-workbench[docs]"'
        ) from error
