"""How far the embedded model is to be trusted as a judge, on 40 persona lines matched by topic: minutes, on two cores.

`tests/evaluation/judge_quality/persona_lines.json` has them. By digits each line is scored as `wb.score` scores, in two
orders; by likelihood each is ranked by how much likelier its persona makes it than neutral ones do.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pandas as pd

import workbench as wb
from workbench.evaluation.judge_quality.ranking import auc
from workbench.llm.text_likelihood import likelihood

LINES = Path(__file__).parents[1] / "tests" / "evaluation" / "judge_quality" / "persona_lines.json"


def main() -> None:
    """Print both reports."""
    asyncio.run(_measure(wb.LLM(provider="embedded")))


async def _measure(llm: wb.LLM) -> None:
    lines = json.loads(LINES.read_text(encoding="utf-8"))
    rows = [
        {"said": text, "label": label == "fit", "about": persona["about"]}
        for persona in lines["personas"]
        for label in ("fit", "odd")
        for text in persona[label]
    ]
    print(f"{len(rows)} lines, by digits:")
    print(await wb.judge_quality(wb.Judge(llm), pd.DataFrame(rows), "{{name}} would say this"))
    values: list[float] = []
    for persona in lines["personas"]:
        said = [*persona["fit"], *persona["odd"]]
        found = await likelihood(llm, persona["about"], said, lines["neutral"]) or []
        values += [one.value for one in found]
    print(f"by likelihood: AUC {auc(values, [row['label'] for row in rows]):.3f}")


if __name__ == "__main__":
    main()
