"""Figures: each function takes a DataFrame and returns an Axes, or a Figure where it draws several.

They read well on light and on dark paper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.plots.conditions import effects
from workbench.plots.judgements import calibration, scores
from workbench.plots.levels import answers, distribution, distributions, levels, profile
from workbench.plots.paper import closed, png
from workbench.plots.runs import (
    ideas_by_step,
    length_by_step,
    repetition_by_step,
    run_metrics,
    similarity_by_step,
    talk_share,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Figure  # for those who may not import matplotlib

__all__ = [
    "answers",
    "calibration",
    "closed",
    "distribution",
    "distributions",
    "effects",
    "ideas_by_step",
    "length_by_step",
    "levels",
    "png",
    "profile",
    "repetition_by_step",
    "run_metrics",
    "scores",
    "similarity_by_step",
    "talk_share",
]
