"""`kill -9` at any moment costs at most the answers that were on the wire."""

from __future__ import annotations

import random
import sys

import pytest

from tests.cast import happened, llm_at
from tests.worlds.lives import CONCURRENCY, ROOT, Life, forks, what_happened
from workbench.worlds.world import World

KILLS = 15
"""For each schedule."""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills processes that are forked")
@pytest.mark.parametrize(("schedule", "longest"), [("simultaneous", 0.6), ("sequential", 1.1)])
def test_run_that_is_killed_and_resumed_equals_one_that_was_not(
    model_server, tmp_path, monkeypatch, schedule, longest, record_property
):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    server, rng, processes = model_server(latency=0.01, jitter=0.04), random.Random(20250106), forks()
    kills, lives = 0, []
    while kills < KILLS:
        seed = len(lives)
        expected = what_happened(server.base_url, tmp_path / f"whole-{seed}", schedule, seed)
        server.reset()
        (folder := tmp_path / f"killed-{seed}").mkdir()
        lives.append(life := Life(server, folder, schedule, seed))
        while not life.go_on(processes, rng, kills + life.kills < KILLS, longest):
            pass
        kills += life.kills
        assert happened(World.resume(folder / "run.sqlite", llm=llm_at(server))) == expected
        assert not life.paid_twice
        assert all(again <= CONCURRENCY[schedule] for again in life.asked_again)
    assert kills == KILLS
    lost = sum(sum(life.asked_again) for life in lives)
    record_property("kills", f"{kills} in {len(lives)} runs, {lost} answers lost on the wire")
    print(
        f"\n{schedule}: {kills} kills in {len(lives)} runs, at steps {[life.at_steps for life in lives]}, {lost} lost"
    )
