"""The table of a lesion study: one row a lesion, one column a score; as Markdown and as LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from mindvis_gui.analysis.caption import decimal
from mindvis_gui.analysis.lesion import LesionStudy
from mindvis_gui.analysis.score_table import latex_line, latex_tabular, mean_text, test_use_remarks
from mindvis_gui.data.lesion import MEANING
from mindvis_gui.data.subject import Subject
from mindvis_gui.decoding.request import ModelInfo
from mindvis_gui.decoding.sampling_settings import sampling_text
from mindvis_gui.wording import counted

DIGITS = 3
READING = (
    "First line: scores of the intact response. Others: change, in brackets the 95 % "
    "bootstrap interval over stimuli."
)


def heading(study: LesionStudy) -> list[str]:
    """Return the names of the columns."""
    return ["left out", "voxels", *(score.name for score in study.scores)]


def rows(study: LesionStudy) -> list[list[str]]:
    """Return the scores of the intact response, what each lesion changes, and chance."""
    return [
        ["nothing", "", *(_number(study.intact(score.key)) for score in study.scores)],
        *(
            [
                lesion.name,
                f"{lesion.voxels.size:,}",
                *(_effect(study, lesion.name, score.key) for score in study.scores),
            ]
            for lesion in study.lesions
        ),
        ["chance", "", *(_number(score.chance) for score in study.scores)],
    ]


def facts(study: LesionStudy, subject: Subject, model: ModelInfo) -> str:
    """Return what was studied, in one line."""
    return " · ".join(
        [
            subject.display_name,
            f"model {model.name} ({model.hash[:8]})",
            sampling_text(study.sampling.to_json()),
            f"{counted(len(study.trials), 'trial')}, {counted(len(study.seeds), 'sample')} each",
            MEANING[study.lesions[0].method],
        ]
    )


def remarks(study: LesionStudy, model: ModelInfo) -> list[str]:
    """Return what the numbers have to be read with, one sentence each."""
    return [*test_use_remarks(model.test_use), *study.cautions()]


def markdown_table(study: LesionStudy, subject: Subject, model: ModelInfo) -> str:
    """Return the table as Markdown, with how to read it below."""
    head = heading(study)
    lines = [head, ["---"] + ["--:"] * (len(head) - 1), *rows(study)]
    return "\n".join(
        [
            *map(_markdown_line, lines),
            "",
            f"{facts(study, subject, model)}. {READING}",
            *remarks(study, model),
            "",
        ]
    )


def _markdown_line(cells: Sequence[str]) -> str:
    escaped = (cell.replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def latex_table(study: LesionStudy, subject: Subject, model: ModelInfo) -> str:
    """Return the table as a LaTeX ``tabular`` (needs ``booktabs``), its protocol in comments."""
    return latex_tabular(
        heading(study),
        [latex_line(line) for line in rows(study)],
        [facts(study, subject, model), READING, *remarks(study, model)],
    )


def _effect(study: LesionStudy, lesion: str, score: str) -> str:
    effect = study.effect(lesion, score)
    return "–" if effect is None else mean_text(effect.change, effect.interval, DIGITS)


def _number(value: float | None) -> str:
    return "–" if value is None or isnan(value) else decimal(value, DIGITS)
