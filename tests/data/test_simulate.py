import numpy as np
import pytest

from mindvis_gui.data.encoding_model import EncodingModel, name_codes
from mindvis_gui.data.picture_features import scale_picture
from mindvis_gui.data.schematic_rois import read_cortex
from mindvis_gui.data.simulate import SimulatedCortex, Stimuli, correlated_noise, dead_leaves

CATEGORIES = ("face", "building", "food", "animal")
N = 16


@pytest.fixture(scope="module")
def cortex():
    return read_cortex()


@pytest.fixture(scope="module")
def stimuli():
    pictures = dead_leaves(N, np.random.default_rng(5))
    names = [f"thing {i}" for i in range(N)]
    return Stimuli(names, pictures, names, [CATEGORIES[i % 4] for i in range(N)])


@pytest.fixture(scope="module")
def simulated(cortex, stimuli):
    return SimulatedCortex(cortex, stimuli, seed=3)


@pytest.fixture(scope="module")
def drive(simulated, stimuli):
    return simulated.drive(stimuli)


@pytest.fixture(scope="module")
def presented(simulated, drive):
    """Return 24 presentations of every stimulus, (24, n, n_voxels)."""
    rng = np.random.default_rng(0)
    return np.stack([simulated.present(drive, rng) for _ in range(24)])


def blob(x, y):
    """Return a grey picture with a checkered disc at (x, y) degrees, right and up."""
    rows, columns = np.mgrid[:96, :96]
    inside = np.hypot(columns - (48 + 8 * x), rows - (48 - 8 * y)) < 10
    picture = np.full((96, 96, 3), 200, dtype=np.uint8)
    picture[inside] = np.where((rows // 3 + columns // 3) % 2, 20, 230)[inside, None]
    return picture


def change(cortex, x, y, area="V1"):
    """Return how strongly each voxel's contour component answers to a blob."""
    model = EncodingModel(cortex, 0)
    empty = np.full((96, 96, 3), 200, dtype=np.uint8)
    codes = np.zeros((2, 14), dtype=np.float32)
    energy = model.components(np.stack([empty, blob(x, y)]), codes, codes)[0]
    voxels = cortex.voxels(area)
    return voxels, (energy[1] - energy[0])[voxels]


@pytest.mark.parametrize(("area", "factor"), [("V1", 20), ("V2", 20), ("V3", 10)])
def test_a_blob_on_the_left_drives_the_right_hemisphere(cortex, area, factor):
    voxels, answer = change(cortex, -3.5, 0, area)
    right = cortex.hemisphere[voxels] > 0
    assert answer[right].mean() > factor * np.abs(answer[~right]).mean()


def test_a_blob_above_drives_the_ventral_half(cortex):
    voxels, answer = change(cortex, 0, 3.5)
    upper = cortex.centre[voxels, 1] > 0
    assert answer[upper].mean() > 20 * np.abs(answer[~upper]).mean()


def test_the_nearest_receptive_fields_answer_most(cortex):
    voxels, answer = change(cortex, 2, -2)
    best = voxels[np.argsort(answer)[-10:]]
    assert np.linalg.norm(cortex.centre[best] - (2, -2), axis=1).max() < 2


def test_drives_are_standardised_over_the_training_stimuli(drive):
    assert drive.shape == (N, 4200)
    assert np.abs(drive.mean(axis=0)).max() < 1e-3
    assert np.allclose(drive.std(axis=0), 1, atol=1e-3)


def test_the_seed_decides_everything(cortex, stimuli, simulated, drive):
    again = SimulatedCortex(cortex, stimuli, seed=3)
    assert np.array_equal(again.drive(stimuli), drive)
    assert np.array_equal(again.explainable, simulated.explainable)
    first, second = (c.present(drive, np.random.default_rng(1)) for c in (simulated, again))
    assert np.array_equal(first, second)
    other = SimulatedCortex(cortex, stimuli, seed=4)
    assert np.abs(other.drive(stimuli) - drive).max() > 1


def test_explainable_variance_has_its_range_and_mean(simulated):
    assert simulated.explainable.min() >= 0.05
    assert simulated.explainable.max() <= 0.65
    assert simulated.explainable.mean() == pytest.approx(0.25, abs=0.01)


def test_repeated_presentations_have_the_noise_ceiling_that_is_stated(simulated, presented):
    noise = presented.var(axis=0, ddof=1).mean(axis=0)
    signal = presented.mean(axis=0).var(axis=0) - noise / 24
    measured = signal / (signal + noise)
    stated = simulated.noise_ceiling(1)
    assert measured.mean() == pytest.approx(stated.mean(), abs=0.01)
    assert np.abs(measured - stated).mean() < 0.06
    mean_of_24 = signal / (signal + noise / 24)
    assert mean_of_24.mean() == pytest.approx(simulated.noise_ceiling(24).mean(), abs=0.02)


def test_noise_is_shared_by_neighbours(cortex):
    noise = correlated_noise(cortex, 400, np.random.default_rng(0))
    assert noise.std() == pytest.approx(1, abs=0.02)
    voxels = cortex.voxels("V1")[:200]
    correlation = np.corrcoef(noise[:, voxels].T)
    distance = np.linalg.norm(cortex.ijk[voxels, None] - cortex.ijk[voxels], axis=-1)
    assert correlation[distance == 1].mean() > 0.35
    assert correlation[distance > 8].mean() == pytest.approx(0.1, abs=0.03)


def test_selective_areas_prefer_their_category(cortex, stimuli, drive):
    category = np.array(stimuli.categories)
    for area, preferred in (("FFA", "face"), ("PPA", "building")):
        mean = {c: drive[category == c][:, cortex.voxels(area)].mean() for c in CATEGORIES}
        assert max(mean, key=lambda c: mean[c]) == preferred
        assert mean[preferred] > 0.5


def test_codes_depend_on_the_name_alone():
    codes = name_codes(["face", "", "zebra", "face"])
    assert np.array_equal(codes[0], codes[3])
    assert not codes[1].any()
    assert codes[2, :2].tolist() == [0, 0]
    assert codes[0, 0] > 0 == codes[0, 1]


def test_without_names_nothing_is_selective_but_everything_answers(cortex, stimuli):
    unnamed = Stimuli(stimuli.ids, stimuli.pictures, [""] * N, [""] * N)
    drive = SimulatedCortex(cortex, unnamed, seed=3).drive(unnamed)
    assert np.isfinite(drive).all()
    assert (drive.std(axis=0) > 0.5).mean() > 0.99


def test_resting_responses_have_the_noise_of_a_presentation_and_shared_structure(simulated):
    rest = simulated.resting_responses(64, seed=1)
    assert rest.shape == (64, 4200)
    assert rest.std() == pytest.approx(1, abs=0.03)
    assert np.array_equal(rest, simulated.resting_responses(64, seed=1))
    assert not np.array_equal(rest, simulated.resting_responses(64, seed=2))
    noise = correlated_noise(simulated.cortex, 64, np.random.default_rng(2))
    patches = [values[:, :4192].reshape(64, -1, 16) for values in (rest, noise)]
    # Receptive fields overlap within a patch: more shared than the noise alone.
    shared = [p.mean(axis=2).var() for p in patches]
    assert shared[0] > shared[1]


def test_pictures_are_scaled_to_what_the_model_sees():
    assert scale_picture(np.zeros((200, 300, 3), np.uint8)).shape == (96, 96, 3)
    exact = np.zeros((96, 96, 3), np.uint8)
    assert scale_picture(exact) is exact
