"""A self-contained HTML report of an executed notebook: prose and results, no code, nothing from the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.errors import replaced_when_whole, storage_errors
from workbench.html import page

_WIDGET = "application/vnd.jupyter.widget-view+json"


def write_report(notebook: str | Path, path: str | Path) -> Path:
    """Write an executed notebook as one HTML file that opens with no server.

    Code, what was printed, progress bars and cells tagged `no-report` are left out. A failed cell's error stays.

    Args:
        notebook: the executed notebook.
        path: the file, replaced only when all is written.
    """
    import nbformat
    from nbconvert import HTMLExporter

    notebook, path = Path(notebook), Path(path)
    with storage_errors(notebook, "the notebook"):
        cells = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    cells.metadata.pop("widgets", None)
    cells.cells = [_for_report(cell) for cell in cells.cells if "no-report" not in cell.metadata.get("tags", ())]
    exporter = HTMLExporter(template_name="basic", exclude_input=True, exclude_output_prompt=True)  # type: ignore[no-untyped-call]
    body, _ = exporter.from_notebook_node(cells)
    with replaced_when_whole(path, "the report") as temporary:
        temporary.write_text(page(_title(cells, notebook.stem), body), encoding="utf-8")
    return path


def _for_report(cell: Any) -> Any:
    if cell.cell_type == "code":
        cell.outputs = [o for o in cell.outputs if o.output_type != "stream" and _WIDGET not in o.get("data", {})]
    return cell


def _title(cells: Any, otherwise: str) -> str:
    first = next((cell.source for cell in cells.cells if cell.cell_type == "markdown"), "")
    heading = first.strip().splitlines()[0].lstrip("# ") if first.strip() else ""
    return heading or otherwise
