"""The model card says what was measured."""

from tools.demo.model_card import write_card
from tools.demo.stages import BATCHES, STEPS


def test_card_has_steps_hours_and_machine_of_the_run(tmp_path):
    facts = {
        "n_voxels": 4200, "all_pictures": 6783, "pictures": 2917, "labels": 568, "psnr": 28.5,
        "recovery": 0.31, "recovery_of_mean": -0.01, "steps": STEPS, "batches": BATCHES, "draws": 3,
        "rehearsed": 2, "machine": "fp32 on one core", "scores": [],
        "hours": {stage: 0.5 * number for number, stage in enumerate(STEPS)},
    }  # fmt: skip
    write_card(tmp_path, facts)
    card = (tmp_path / "README.md").read_text("utf-8")
    steps, batch = STEPS["label_ldm"], BATCHES["label_ldm"]
    assert f"| {steps:,} × {batch} | 0.5 | |" in card
    assert f"fp32 on one core, {0.5 * sum(range(len(STEPS))):.1f} hours in all" in card
