"""Guidance away from the mean response: against a plain loop, and what a sample depends on."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mindvis_gui.data.prepare import pad_to_patches
from mindvis_gui.decoding.guidance import GuidedPredictor
from mindvis_gui.decoding.models import load_decoder, read_model_info
from mindvis_gui.decoding.pipeline import load_pipeline
from mindvis_gui.decoding.request import DecodeRequest
from mindvis_gui.decoding.sample_cache import sample_key
from mindvis_gui.decoding.sampling import build_sampler, initial_noise
from mindvis_gui.decoding.sampling_settings import PRESETS, Sampling, sampling_text
from mindvis_gui.errors import ModelError, RequestError
from mindvis_gui.steps import finish


@pytest.fixture(scope="module")
def vector():
    return np.random.default_rng(0).normal(size=100).astype(np.float32)


def request(vector, guidance, seeds=(0, 1), sampler="dpm++"):
    return DecodeRequest("tiny", 0, vector, seeds, Sampling(sampler, 10, "fp32", guidance))


def latents(decoder, asked):
    return finish(decoder.latents(asked))


@pytest.mark.parametrize("sampler", ["plms", "dpm++"])
def test_it_is_what_a_plain_loop_over_both_predictions_draws(
    tiny, tiny_model_folder, vector, sampler
):
    pipeline = load_pipeline(tiny_model_folder)
    asked = request(vector, 3.0, sampler=sampler)

    def condition(response):
        padded = pad_to_patches(response, tiny.info.patch_size, tiny.info.padding)
        context, time = pipeline.condition(torch.from_numpy(padded)[None])
        return context.expand(2, -1, -1), time.expand(2, -1)

    with torch.inference_mode():
        shape = (pipeline.unet.config.in_channels, *[pipeline.unet.config.sample_size] * 2)
        walk, expected = build_sampler(pipeline.scheduler, asked.sampling), None
        expected = initial_noise(asked.seeds, shape)
        response, mean = condition(vector), condition(np.zeros_like(vector))
        for step in walk.timesteps:
            output = pipeline.predict(expected, step, response)
            if 300 <= step < 800:
                other = pipeline.predict(expected, step, mean)
                output = other + 3 * (output - other)
            expected = walk.step(output, step, expected).prev_sample
    np.testing.assert_allclose(latents(tiny, asked), expected.numpy(), rtol=1e-4, atol=1e-4)


def test_scale_1_is_no_guidance_at_all(tiny, vector):
    assert tiny.info.guidance == 1  # a folder that says nothing
    plain = latents(tiny, request(vector, None))
    assert np.array_equal(plain, latents(tiny, request(vector, 1.0)))
    assert not np.allclose(plain, latents(tiny, request(vector, 2.0)))


def test_a_sample_is_the_same_whatever_is_drawn_beside_it(tiny, vector):
    among = latents(tiny, request(vector, 2.0, (0, 1, 2, 3, 4)))
    assert np.array_equal(latents(tiny, request(vector, 2.0, (3,)))[0], among[3])
    others = [request(-vector, 2.0, (7, 8)), request(vector, 2.0, (3,))]
    together = [each for each in tiny.decode_many(others) if hasattr(each, "samples")]
    alone = finish(tiny.decode(request(vector, 2.0, (3,))))
    assert np.array_equal(together[1].samples[0].image, alone.samples[0].image)


def test_only_steps_of_medium_noise_are_guided():
    asked = []

    def plain(rows, step):
        asked.append(("plain", int(step)))
        return rows

    def both(rows, step):
        asked.append(("both", int(step)))
        return torch.cat([torch.full((2, 1), 3.0), torch.full((2, 1), 1.0)])

    predict = GuidedPredictor(plain, both, 1.5)
    rows = torch.zeros(2, 1)
    made = [predict(rows, torch.tensor(step)) for step in (299, 300, 799, 800)]
    assert [kind for kind, _ in asked] == ["plain", "both", "both", "plain"]
    assert [float(each[0]) for each in made] == [0.0, 4.0, 4.0, 0.0]  # 1 + 1.5 × (3 − 1)


def test_a_model_says_what_it_is_best_drawn_with(tiny_model_folder, tmp_path, vector):
    from shutil import copytree

    folder = copytree(tiny_model_folder, tmp_path / "guided")
    index = folder / "model_index.json"
    plain = index.read_text("utf-8")
    index.write_text(plain.replace('"guidance": null', '"guidance": 2.5'), "utf-8")
    guided = load_decoder(folder, device="cpu", precision="fp32")
    assert guided.info.guidance == 2.5
    own = latents(guided, request(vector, None))
    assert np.array_equal(own, latents(guided, request(vector, 2.5)))
    assert not np.array_equal(own, latents(guided, request(vector, 1.0)))
    assert guided.info.hash == read_model_info(tiny_model_folder).hash
    for wrong in ('"much"', "0.5", "NaN"):
        index.write_text(plain.replace('"guidance": null', f'"guidance": {wrong}'), "utf-8")
        with pytest.raises(ModelError, match=r"model_index\.json"):
            read_model_info(folder)


def test_presets():
    assert PRESETS["paper"].guidance == 1
    asked = PRESETS["fast"].resolved("bf16", 1.5)
    assert (asked.precision, asked.guidance) == ("bf16", 1.5)
    assert asked.resolved("fp32", 3.0) == asked
    assert PRESETS["paper"].resolved("bf16", 1.5) == PRESETS["paper"]


def test_a_request_records_it_and_older_ones_had_none(vector):
    values = request(vector, 1.5).to_json()
    assert values["guidance"] == 1.5
    assert Sampling.from_json(values) == Sampling("dpm++", 10, "fp32", 1.5)
    older = {name: value for name, value in values.items() if name != "guidance"}
    assert Sampling.from_json(older).guidance == 1
    assert sampling_text(values) == "DPM++ 2M, 10 steps, guidance 1.5, fp32"
    assert sampling_text(older) == "DPM++ 2M, 10 steps, fp32"


def test_samples_of_other_scales_are_other_samples_in_the_cache(vector):
    values = request(vector, 1.5).to_json()
    keys = [sample_key(values | {"guidance": scale}, 0, "cpu", {}) for scale in (1.0, 1.5, 2.0)]
    assert len(set(keys)) == 3
    older = {name: value for name, value in values.items() if name != "guidance"}
    assert sample_key(older, 0, "cpu", {}) == keys[0]


@pytest.mark.parametrize("scale", [0.9, 21, float("nan"), float("inf")])
def test_scales_that_make_no_sense_are_refused(scale):
    with pytest.raises(RequestError, match="not in the range 1"):
        replace(PRESETS["fast"], guidance=scale)
