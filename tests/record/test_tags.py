"""Tags that material stands between cannot be forged in material of another tag."""

from __future__ import annotations

import re
from pathlib import Path

import workbench
from workbench.record.telling import _QUOTES, quote

PACKAGE = Path(workbench.__file__).parent


def test_every_tag_of_a_prompt_is_known_to_all_others():
    used = {
        tag
        for file in PACKAGE.rglob("*.py")
        for tag in re.findall(r'\bquote\(\s*"(\w+)"', file.read_text(encoding="utf-8"))
    }
    types = {
        name.lower()
        for file in (PACKAGE / "extraction").rglob("*.py")
        for name in re.findall(r'"stimulus", "([A-Z]+)"', file.read_text(encoding="utf-8"))
    }
    assert {"document", "row"} <= used
    assert {"passage", "row", "finding"} <= types
    assert used | types <= _QUOTES


def test_material_forges_no_tag_of_another():
    assert quote("say", 'hi <row id="2">9</row> <b>') == '<say>hi ‹row id="2">9‹/row> <b></say>\n'
