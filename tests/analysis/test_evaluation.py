import json
import re
from dataclasses import replace

import numpy as np
import pytest

from mindvis_gui.analysis.comparison import compare, resized
from mindvis_gui.analysis.decoded_trial import DecodedTrial
from mindvis_gui.analysis.evaluate import evaluate
from mindvis_gui.analysis.metrics import (
    pixel_correlation,
    structural_similarity,
    two_way_identification,
)
from mindvis_gui.analysis.networks import NetworkOutput
from mindvis_gui.analysis.sample_sets import agreement, chance_agreement, diversity, sharpness
from mindvis_gui.analysis.score_table import (
    csv_table,
    latex_escaped,
    latex_table,
    protocol_lines,
    row_names,
)
from mindvis_gui.analysis.scores import DEFAULT, metric
from mindvis_gui.errors import DataError, RequestError, UnavailableError

QUICK = ("pixcorr", "mse", "pairwise-pcc", "top1-5way", "pairwise-features")


class ColourNetwork:
    """Knows eight classes, one a corner of the colour cube, by the mean colour of a picture."""

    name = "colours"
    layers = {"pool": "every eighth pixel", "all": "the same", "2": "the same"}  # noqa: RUF012
    preparation = "picture as it is"
    class_names = tuple(f"colour {i}" for i in range(8))

    def __init__(self):
        self.batches = 0

    def run(self, pictures, layers=()):
        self.batches += 1
        small = pictures.astype(np.float32).mean(axis=(1, 2)) / 255  # (n, 3)
        corners = np.array([[i >> 2 & 1, i >> 1 & 1, i & 1] for i in range(8)], np.float32)
        weights = np.exp(-8 * ((small[:, None] - corners) ** 2).sum(axis=-1))
        features = pictures[:, ::8, ::8].reshape(len(pictures), -1).astype(np.float32)
        probabilities = weights / weights.sum(axis=1, keepdims=True)
        return NetworkOutput(probabilities, dict.fromkeys(layers, features))


@pytest.fixture
def trials(subject, decoded):
    def make(numbers=range(6), **options):
        return [
            DecodedTrial.of(compare(decoded(trial=i, **options), subject), subject) for i in numbers
        ]

    return make


def score(trials, metrics=QUICK, network=None, **options):
    def find(key):
        if network is None:
            raise UnavailableError(f"needs {key}.pth")
        return network

    steps = evaluate(trials, metrics, find, **options)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def by_key(evaluation):
    return {each.metric.key: each for each in evaluation.scores}


def test_values_are_those_of_the_single_scores(trials):
    shown = trials(noise=120.0)
    found = by_key(score(shown, ("pixcorr", "ssim", "mse", "pairwise-pcc", "pairwise-ssim")))
    stimuli = [resized(trial.stimulus, 32, 32) for trial in shown]
    for i, trial in enumerate(shown):
        for j, sample in enumerate(trial.samples):
            r = np.array([pixel_correlation(sample.image, each) for each in stimuli])
            s = np.array([structural_similarity(sample.image, each) for each in stimuli])
            error = np.mean((sample.image.astype(float) - stimuli[i]) ** 2)
            assert found["pixcorr"].values[i, j] == pytest.approx(r[i], abs=1e-6)
            assert found["ssim"].values[i, j] == pytest.approx(s[i])
            assert found["mse"].values[i, j] == pytest.approx(error)
            for key, row in (("pairwise-pcc", r), ("pairwise-ssim", s)):
                expected = two_way_identification(row[i], np.delete(row, i))
                assert found[key].values[i, j] == expected


def test_mean_best_and_interval(trials):
    for each in score(trials(noise=150.0), ("pixcorr", "mse")).scores:
        by_seed = each.values.mean(axis=0)
        assert each.mean == pytest.approx(by_seed.mean())
        best = by_seed.max() if each.metric.higher_is_better else by_seed.min()
        assert each.best == best
        assert each.best_seed == (0, 1, 3)[by_seed.tolist().index(best)]
        assert each.interval[0] < each.mean < each.interval[1]


def test_order_of_trials_changes_nothing(trials):
    shown = trials(noise=150.0)
    forward = by_key(score(shown, QUICK, ColourNetwork()))
    backward = by_key(score(shown[::-1], QUICK, ColourNetwork()))
    for key, each in forward.items():
        np.testing.assert_allclose(each.values, backward[key].values[::-1], atol=1e-6)
        assert each.mean == pytest.approx(backward[key].mean, abs=1e-6)
        assert each.interval == pytest.approx(backward[key].interval, rel=1e-6)


def test_classification_does_not_depend_on_what_is_scored_beside(trials):
    shown = trials(noise=150.0)
    alone = score(shown[2:3], ("top1-5way",), ColourNetwork()).scores[0]
    among = score(shown, QUICK, ColourNetwork(), seed=0)
    np.testing.assert_array_equal(alone.values[0], by_key(among)["top1-5way"].values[2])


def test_pictures_of_noise_score_at_chance(trials):
    rng = np.random.default_rng(0)
    noise = [
        replace(
            trial,
            samples=tuple(
                replace(sample, image=rng.integers(0, 256, (32, 32, 3), dtype=np.uint8))
                for sample in trial.samples
            ),
        )
        for trial in trials(seeds=tuple(range(30)))
    ]
    found = by_key(score(noise, ("pixcorr", "pairwise-pcc", "identification-3")))
    assert found["pixcorr"].mean == pytest.approx(found["pixcorr"].chance, abs=0.02)
    for key, chance in (("pairwise-pcc", 0.5), ("identification-3", 1 / 3)):
        assert found[key].chance == chance
        assert found[key].mean == pytest.approx(chance, abs=0.1)


def test_samples_like_each_other_do_not_pass_for_decoding(trials):
    """All stimuli and samples are of one class: n-way is perfect, and says that this is nothing."""
    grey = np.full((32, 32, 3), 240, np.uint8)
    same = [
        replace(
            trial,
            stimulus=grey - np.uint8(i),
            samples=tuple(replace(sample, image=grey) for sample in trial.samples),
        )
        for i, trial in enumerate(trials())
    ]
    found = score(same, ("top1-5way",), ColourNetwork()).scores[0]
    assert (found.mean, found.chance, found.unseen) == (1.0, 0.2, 1.0)


def test_network_looks_once_at_the_stimuli_and_once_at_the_samples(trials):
    network = ColourNetwork()
    result = score(trials(), ("top1-5way", "top2-5way", "top1-8way", "pairwise-features"), network)
    assert network.batches == 2
    assert len(result.scores) == 4
    assert [name for name, _ in result.classes] == [
        ColourNetwork.class_names[i]
        for i in ColourNetwork()
        .run(np.stack([resized(trial.stimulus, 32, 32) for trial in trials()]))
        .probabilities.argmax(axis=1)
    ]
    protocol = by_key(result)["top2-5way"].protocol
    expected = {"classifier": "colours", "n": 5, "k": 2, "draws": 1000, "trials": 6, "samples": 3}
    assert protocol.items() >= expected.items()
    assert by_key(result)["pairwise-features"].protocol["layer"] == "every eighth pixel"


def test_what_cannot_be_computed_is_listed_with_what_it_needs(trials):
    result = score(trials(), DEFAULT)
    missing = {each.key: each.reason for each in result.unavailable}
    assert set(missing) == {
        *(key for key in DEFAULT if metric(key).network),
        "identification-10",
    }
    assert missing["alexnet-2"] == missing["alexnet-5"] == "needs alexnet.pth"
    assert missing["identification-10"] == "needs 10 distinct stimuli, here are 6"
    found = [each.metric.key for each in result.scores]
    assert sorted([*found, *missing]) == sorted(DEFAULT)
    assert found == [key for key in DEFAULT if key in found]  # in the order asked for
    few = score(trials(), ("top1-50way",), ColourNetwork()).unavailable[0]
    assert few.reason == "needs 50 classes, colours has 8"


def test_drawings_of_a_simulated_subject_carry_a_note(trials):
    shown = trials()
    noted = by_key(score(shown, QUICK, ColourNetwork()))
    assert "Simulated subject" in noted["top1-5way"].note
    assert noted["pixcorr"].note == ""
    measured = [replace(trial, simulated=False) for trial in shown]
    assert by_key(score(measured, QUICK, ColourNetwork()))["top1-5way"].note == ""


def test_trials_without_stimulus_are_left_out_and_counted(trials):
    shown = trials()
    shown[2] = replace(shown[2], stimulus=None)
    result = score(shown, failed=(9,))
    assert result.without_stimulus == (2,)
    assert result.trials == (0, 1, 3, 4, 5)
    assert result.scores[0].values.shape == (5, 3)
    assert result.notes[0] == "1 trial (2) without a stimulus left out."
    assert result.notes[1] == "1 trial (9) could not be decoded and not scored."


def test_nothing_to_score_is_an_error(trials):
    with pytest.raises(DataError, match="none of 1 decoded trials has a stimulus"):
        score([replace(trials((0,))[0], stimulus=None)])
    with pytest.raises(DataError, match="no trial was decoded"):
        score([])


def test_trials_of_other_seeds_are_refused(trials):
    with pytest.raises(DataError, match=re.escape("differ in seeds ((0, 1, 3) and (0,))")):
        score([*trials((0,)), *trials((1,), seeds=(0,))])


def test_one_trial_one_sample(trials):
    result = score(trials((1,), seeds=(7,)), ("pixcorr", "ssim-425", "pairwise-pcc"))
    pixcorr = by_key(result)["pixcorr"]
    assert (pixcorr.interval, pixcorr.chance, pixcorr.unseen) == (None, None, None)
    assert (pixcorr.best, pixcorr.best_seed) == (pixcorr.mean, 7)
    assert [each.key for each in result.unavailable] == ["pairwise-pcc"]
    assert result.notes == (
        "1 trial: no interval can be given.",
        "One sample a trial: the best sample is the mean.",
    )
    json.dumps(result.to_json(), allow_nan=False)


def test_repeated_stimuli_are_candidates_once(trials):
    result = score(trials((0, 6, 12, 1)), ("pairwise-pcc",))
    assert result.n_stimuli == 2
    assert result.scores[0].protocol["candidates"] == 2
    assert any("4 trials show 2 stimuli" in note for note in result.notes)


@pytest.mark.parametrize("key", ["sim", "top1-1way", "top0-5way", "top5-5way", "identification-1"])
def test_a_score_that_is_none_is_refused(key):
    with pytest.raises(RequestError, match=key):
        metric(key)


def test_csv_has_a_row_a_folder_and_empty_cells_where_nothing_was_scored(trials):
    import csv
    import io

    full = score(trials(), ("pixcorr", "mse"))
    part = replace(score(trials((0,)), ("pixcorr",)), subject='of "Ann", left')
    rows = list(csv.DictReader(io.StringIO(csv_table([full, part]))))
    assert [row["subject"] for row in rows] == ["tiny", 'of "Ann", left']
    assert float(rows[0]["mse_mean"]) == full.scores[1].mean
    assert float(rows[0]["pixcorr_low"]) == full.scores[0].interval[0]
    assert [rows[1][key] for key in ("mse_mean", "pixcorr_low", "pixcorr_chance")] == [""] * 3
    assert rows[0]["trials"] == "6"


def test_latex_escapes_what_it_would_read_as_commands(trials):
    result = replace(score(trials(), ("pixcorr", "mse")), subject="S_1 & 50% of #2\n{x} ~^\\$")
    table = latex_table([result])
    body = [line for line in table.splitlines() if not line.startswith("%")]
    row = body[4]
    assert row.startswith(
        r"S\_1 \& 50\% of \#2 \{x\} \textasciitilde{}\textasciicircum{}\textbackslash{}\$ (simul"
    )
    assert body[1] == r"\toprule"
    assert [line.replace(r"\&", "").count("&") for line in (body[2], *body[4:7])] == [2] * 4
    assert latex_escaped("−0.1") == "$-$0.1"
    # A line break in a name must not end the comment that it stands in.
    assert [line[6:12] for line in body[5:7]] == ["best s", "chance"]
    assert len(body) == 9


def test_rows_of_a_table_are_told_apart_by_what_differs(trials):
    one = replace(score(trials(), ("pixcorr",)), folder="a")
    other = replace(one, model="large", folder="b")
    exact = replace(one, decoding={**one.decoding, "steps": 100}, folder="c")
    assert row_names([one, replace(other, subject="S2")]) == [one.display_name, "S2 (simulated)"]
    assert row_names([one, other]) == [
        f"{one.display_name}, {one.model}",
        "tiny (simulated), large",
    ]
    assert [name.split(", ", 1)[1] for name in row_names([one, exact])] == [
        "DPM++ 2M, 20 steps, fp32",
        "DPM++ 2M, 100 steps, fp32",
    ]
    again = replace(one, folder="d")
    assert row_names([one, again]) == ["tiny (simulated), a", "tiny (simulated), d"]
    assert r"tiny (simulated), d & " in latex_table([one, again])


def test_every_table_says_how_its_numbers_came_about(trials):
    lines = "\n".join(protocol_lines(score(trials(), (*QUICK, "top1-50way"), ColourNetwork())))
    for part in (
        "tiny (simulated)",
        "DPM++ 2M, 20 steps, fp32",
        "trials 6, samples 3 each",
        "5-way top-1: n 5, k 1, draws 1000, colours",
        "seed 0",
        "Only 6 trials",
        "not available: 50-way top-1 — needs 50 classes, colours has 8",
    ):
        assert part in lines


def test_json_document_keeps_its_shape(trials):
    document = json.loads(json.dumps(score(trials(), QUICK, ColourNetwork()).to_json()))
    assert sorted(document) == [
        "classes",
        "decoding",
        "failed",
        "groups",
        "intervals",
        "model",
        "model_hash",
        "not_available",
        "notes",
        "scores",
        "seeds",
        "simulated",
        "size",
        "stimuli",
        "subject",
        "test_use",
        "trials",
        "without_stimulus",
    ]
    for each in document["scores"]:
        assert sorted(each) == [
            "best",
            "best_interval",
            "best_seed",
            "chance",
            "higher_is_better",
            "interval",
            "key",
            "mean",
            "name",
            "note",
            "protocol",
            "unseen",
            "values",
        ]
        assert np.shape(each["values"]) == (6, 3)


def test_distances_of_features(trials):
    shown = trials(noise=90.0)
    found = by_key(
        score(
            shown,
            ("pairwise-features", "lpips", "pairwise-lpips", "swav", "alexnet-2"),
            ColourNetwork(),
        )
    )
    network = ColourNetwork()
    stimuli = np.stack([resized(trial.stimulus, 32, 32) for trial in shown])
    features = network.run(stimuli, ["pool"]).features["pool"]
    for i, trial in enumerate(shown):
        for j, sample in enumerate(trial.samples):
            own = network.run(sample.image[None], ["pool"]).features["pool"][0]
            r = np.array([np.corrcoef(own, each)[0, 1] for each in features])
            squared = ((own - features) ** 2).sum(axis=1)
            assert found["swav"].values[i, j] == pytest.approx(1 - r[i], abs=1e-5)
            assert found["lpips"].values[i, j] == pytest.approx(squared[i], rel=1e-4)
            expected = two_way_identification(r[i], np.delete(r, i))
            assert found["pairwise-features"].values[i, j] == expected
            assert found["alexnet-2"].values[i, j] == expected
            assert found["pairwise-lpips"].values[i, j] == two_way_identification(
                -squared[i], -np.delete(squared, i)
            )
    assert found["swav"].best == found["swav"].values.mean(axis=0).min()
    assert found["swav"].mean < found["swav"].chance
    assert found["pairwise-lpips"].chance == 0.5


def test_fid_is_one_distance_a_seed_without_interval(trials):
    class FewFeatures(ColourNetwork):
        layers = {"64": "mean colour", "2048": "many"}  # noqa: RUF012
        class_names = ()

        def run(self, pictures, layers=()):
            means = pictures.mean(axis=(1, 2), dtype=np.float64).astype(np.float32)
            values = {"64": means, "2048": np.tile(means, 8)}
            empty = np.zeros((len(pictures), 0), np.float32)
            return NetworkOutput(empty, {layer: values[layer] for layer in layers})

    shown = trials(noise=30.0)
    result = score(shown, ("fid-64", "fid-2048"), FewFeatures())
    few, many = result.scores
    assert few.values.shape == (1, 3)
    assert (few.interval, few.chance) == (None, None)
    assert few.best == few.values.min()
    assert "layer" in few.protocol
    assert few.note == ""
    assert "rests on 6 pictures a seed for 24 features" in many.note
    seen = [
        replace(t, samples=tuple(replace(s, image=t.stimulus) for s in t.samples)) for t in shown
    ]
    assert score(seen, ("fid-64",), FewFeatures()).scores[0].mean == pytest.approx(0, abs=1e-4)
    one = score(shown[:1], ("fid-64",), FewFeatures())
    assert one.unavailable[0].reason == "needs 2 distinct stimuli or more, here are 1"


def test_a_classifier_of_the_models_own_is_checked_against_the_labels(trials):
    class Named(ColourNetwork):
        class_names = ("cactus", "crab", "bird", "bed", "violin", "train", "x", "y")

        def run(self, pictures, layers=()):
            output = super().run(pictures, layers)
            return NetworkOutput(np.roll(output.probabilities, 1, axis=1), output.features)

    found = score(trials(), ("top1-5way-concept", "top1-5way"), Named())
    concept, photograph = found.scores
    assert concept.metric.name == "5-way top-1 concept"
    stimuli = np.stack([resized(trial.stimulus, 32, 32) for trial in trials()])
    best = Named().run(stimuli).probabilities.argmax(axis=1)
    right = sum(each == i for i, each in enumerate(best))
    assert 0 < right < 6
    assert f"names {right} of 6 stimuli as they are labelled" in concept.note
    assert "Simulated subject" not in concept.note
    assert "Simulated subject" in photograph.note


@pytest.mark.parametrize("n", [2, 6])
def test_unseen_accuracy_is_that_of_all_other_stimuli(trials, n):
    from mindvis_gui.analysis.identification import expected_top_k

    shown = trials(range(n), noise=150.0)
    found = score(shown, ("top2-5way",), ColourNetwork()).scores[0]
    network = ColourNetwork()
    stimuli = np.stack([resized(trial.stimulus, 32, 32) for trial in shown])
    true = network.run(stimuli).probabilities.argmax(axis=1)
    accuracies = []
    for i, trial in enumerate(shown):
        for sample in trial.samples:
            probabilities = network.run(sample.image[None]).probabilities[0]
            for j in range(n):
                if j != i:
                    better = int((probabilities > probabilities[true[j]]).sum())
                    accuracies.append(expected_top_k(better, 8, 5, 2))
    assert found.unseen == pytest.approx(np.mean(accuracies))


def test_pair_wise_ssim_of_many_stimuli_is_among_a_pool(trials, monkeypatch):
    shown = trials(noise=90.0)
    monkeypatch.setattr("mindvis_gui.analysis.similarities.SSIM_CANDIDATES", 3)
    monkeypatch.setattr("mindvis_gui.analysis.protocols.SSIM_CANDIDATES", 3)
    found = by_key(score(shown, ("ssim", "pairwise-ssim")))
    assert found["pairwise-ssim"].protocol["candidates"] == 3
    assert set(np.unique(found["pairwise-ssim"].values)) <= {0.0, 0.5, 1.0}
    stimuli = [resized(trial.stimulus, 32, 32) for trial in shown]
    for i, trial in enumerate(shown):  # the own stimulus is compared whether in the pool or not
        own = structural_similarity(trial.samples[0].image, stimuli[i])
        assert found["ssim"].values[i, 0] == pytest.approx(own)


def test_what_training_made_of_test_trials_stands_beside_the_scores(trials):
    shown = [replace(trial, test_use=("it was adapted to their fMRI",)) for trial in trials()]
    result = score(shown, ("pixcorr",))
    said = "Test trials were used in training: it was adapted to their fMRI."
    assert said in protocol_lines(result)
    assert f"% {said}" in latex_table([result])
    assert ",it was adapted to their fMRI," in csv_table([result])
    assert result.to_json()["test_use"] == ["it was adapted to their fMRI"]
    assert "used in training" not in "".join(protocol_lines(score(trials(), ("pixcorr",))))


def test_what_samples_of_a_trial_have_in_common(trials):
    shown = trials(noise=120.0)
    keys = ("sharpness", "diversity", "agreement-category", "identification-all")
    found = by_key(score(shown, keys, ColourNetwork()))
    samples = np.stack([[each.image for each in trial.samples] for trial in shown])
    stimuli = np.stack([resized(trial.stimulus, 32, 32) for trial in shown])
    assert found["sharpness"].values == pytest.approx(
        sharpness(samples) / sharpness(stimuli)[:, None]
    )
    assert found["diversity"].mean == pytest.approx(diversity(samples))
    assert found["diversity"].chance == 1
    named = ColourNetwork().run(samples.reshape(-1, 32, 32, 3)).probabilities.argmax(axis=1)
    assert found["agreement-category"].mean == pytest.approx(agreement(named.reshape(6, -1)))
    assert found["agreement-category"].chance == chance_agreement(named.reshape(6, -1))
    assert found["identification-all"].metric.n == 6
    assert found["identification-all"].chance == 1 / 6
    assert {each.best for each in found.values() if each.metric.kind == "samples"} == {None}


def test_one_sample_a_trial_has_nothing_in_common(trials):
    alone = [replace(each, samples=each.samples[:1]) for each in trials()]
    made = score(alone, ("sharpness", "diversity", "agreement-category"), ColourNetwork())
    assert [each.metric.key for each in made.scores] == ["sharpness"]
    assert {each.reason for each in made.unavailable} == {
        "needs 2 samples a trial or more, here is one"
    }


def test_scores_of_trials_that_were_learned_say_so(trials):
    shown = [replace(each, split="test") for each in trials()]
    learned = [replace(each, split="train") for each in shown[:2]] + shown[2:]
    note = f"2 of the {len(shown)} trials are for training: where the model was"
    assert score(learned).notes[0].startswith(note)
    unknown = [replace(each, split="") for each in shown]
    for other in (shown, unknown):
        assert not any("for training" in each for each in score(other).notes)


def test_concepts_that_training_shows_are_scored_apart(trials):
    shown = trials(noise=120.0)
    assert score(shown).groups == ()
    known = [replace(each, label_in_training=i < 4) for i, each in enumerate(shown)]
    assert score(known[:4]).groups == ()  # nothing to tell apart
    made = score(known, network=ColourNetwork())
    first, second = made.groups
    assert (first.trials, second.trials) == ((0, 1, 2, 3), (4, 5))
    scores = by_key(made)
    for group, rows in ((first, slice(0, 4)), (second, slice(4, 6))):
        assert [each.key for each in group.scores] == list(scores)
        for each in group.scores:
            assert each.mean == pytest.approx(scores[each.key].values[rows].mean())
            assert each.interval[0] <= each.mean <= each.interval[1]
    chance = {each.key: each.chance for each in second.scores}
    assert chance["pairwise-pcc"] == 0.5
    r = [
        pixel_correlation(sample.image, resized(other.stimulus, 32, 32))
        for trial in shown[4:]
        for sample in trial.samples
        for other in shown
        if other is not trial
    ]
    assert chance["pixcorr"] == pytest.approx(np.mean(r), abs=1e-6)


def test_chance_of_n_way_is_measured_for_each_kind_of_concept(trials):
    known = [replace(each, label_in_training=i < 4) for i, each in enumerate(trials())]
    for i in (4, 5):  # not what all the stimuli are to this classifier
        odd = [replace(each, image=255 - each.image) for each in known[i].samples]
        known[i] = replace(known[i], samples=tuple(odd))
    made = score(known, ("top1-5way", "pixcorr", "pairwise-pcc"), ColourNetwork())
    whole = by_key(made)
    first, second = ({each.key: each for each in group.scores} for group in made.groups)
    measured = [first["top1-5way"].unseen, second["top1-5way"].unseen]
    assert measured[0] != measured[1]
    assert np.average(measured, weights=(4, 2)) == pytest.approx(whole["top1-5way"].unseen)
    assert {each["top1-5way"].chance for each in (first, second)} == {1 / 5}
    assert second["pixcorr"].unseen == second["pixcorr"].chance != whole["pixcorr"].chance
    assert second["pairwise-pcc"].unseen is None


def test_samples_that_are_all_one_picture_have_no_diversity(trials):
    grey = np.full((32, 32, 3), 90, np.uint8)
    collapsed = [
        replace(each, samples=tuple(replace(sample, image=grey) for sample in each.samples))
        for each in trials()
    ]
    made = score(collapsed, ("sharpness", "diversity", "pairwise-pcc", "ssim", "pixcorr"))
    assert [each.key for each in made.unavailable] == ["diversity"]
    assert "all samples are one picture" in made.unavailable[0].reason
    found = by_key(made)
    assert found["sharpness"].mean == found["pixcorr"].mean == 0
    assert found["pairwise-pcc"].mean == 0  # ties are lost
    json.dumps(made.to_json(), allow_nan=False)


def test_few_stimuli_are_few_however_often_they_were_shown(trials):
    def again(times, **changes):
        shown = [each for _ in range(times) for each in trials(noise=120.0)]
        return [
            replace(
                each,
                request={
                    **each.request,
                    "trial": i,
                    **{key: name.format(i) for key, name in changes.items()},
                },
                label_in_training=i < 21,
            )
            for i, each in enumerate(shown)
        ]

    notes = score(again(4), ("pixcorr",)).notes
    assert "Only 6 stimuli: intervals are wide, and a bootstrap of so few makes them " in notes[0]
    assert notes[1].startswith("24 trials show 6 stimuli")
    assert len(notes) == 2
    # As many stimuli as trials are enough, but the three of one of the two groups are not.
    notes = score(again(4, stimulus_id="picture {}"), ("pixcorr",)).notes
    assert notes == (
        "Concepts that they do not show: only 3 stimuli, and a bootstrap of so few makes "
        "intervals narrower than they should be.",
    )
    one = score(again(4, stimulus_id="picture"), ("pixcorr",))
    assert one.notes == ("24 trials of one stimulus: no interval can be given.",)
    assert by_key(one)["pixcorr"].interval is None
