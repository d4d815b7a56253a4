"""Writers of small subjects in every format that opens, each made as `README.md` here says."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import nibabel as nib
import numpy as np
import pytest
import scipy.io
from PIL import Image

from mindvis_gui.data.import_plan import ImportPlan

if TYPE_CHECKING:
    from bdpy import BData

PUBLISHED = Path(__file__).parents[1] / "data_golden" / "published"
NSD_GRID = (7, 9, 8)
NSD_TRIALS = 750
AFFINE = np.diag([-1.8, 1.8, 1.8, 1.0])


def nsd_volumes() -> dict[str, np.ndarray]:
    """Return nsdgeneral and two label images (X, Y, Z); −1 outside the cortex as published."""
    general = np.full(NSD_GRID, -1, np.int16)
    general[1:6, 2:7, 1:5] = 0
    general[1:6, 2:6, 1:6] = 1  # 100 voxels
    areas = np.zeros(NSD_GRID, np.int16)
    areas[1:6, 2, 1:5] = np.arange(1, 6)[:, None]
    areas[1:6, 3, 1:5] = 7
    areas[0, 0, 0] = 3  # outside nsdgeneral
    streams = np.where(general > 0, 1, 0).astype(np.int16)
    streams[1:6, 5] = 5
    return {"nsdgeneral": general, "prf-visualrois": areas, "streams": streams}


def nsd_betas(session: int) -> np.ndarray:
    """Return (X, Y, Z, 750) int16."""
    rng = np.random.default_rng(session)
    return rng.integers(-900, 900, (*NSD_GRID, NSD_TRIALS)).astype(np.int16)


def nsd_design() -> dict[str, np.ndarray]:
    """Return the tables of the design: 30 pictures repeated, of which 5 are shared."""
    rng = np.random.default_rng(9)
    places = np.concatenate([np.arange(1, 6), np.arange(1001, 1026)])
    order = rng.permutation(np.tile(places, 1000))[None, : 40 * NSD_TRIALS]
    pictures = np.tile(np.arange(1, 10_001), (8, 1)) * 7 % 73 + 1
    pictures[0, :5] = [3, 5, 8, 13, 21]
    pictures[0, 1000:1025] = np.arange(31, 56)
    pattern = np.zeros((40, 12, 75), np.uint8)
    pattern[:, ::2, :63] = 1
    pattern[:, 1::2, :62] = 1
    return {"masterordering": order, "subjectim": pictures, "stimpattern": pattern}


def make_nsd(root: Path, kind: str = "hdf5", sessions: tuple[int, ...] = (1, 3)) -> Path:
    """Write NSD's folders; returns their root."""
    betas = root / "nsddata_betas/ppdata/subj01/func1pt8mm/betas_fithrf_GLMdenoise_RR"
    space = root / "nsddata/ppdata/subj01/func1pt8mm"
    design = root / "nsddata/experiments/nsd"
    stimuli = root / "nsddata_stimuli/stimuli/nsd"
    for folder in (betas, space / "roi", design, stimuli):
        folder.mkdir(parents=True)
    for session in sessions:
        values = nsd_betas(session)
        path = betas / f"betas_session{session:02d}.{kind}"
        if kind == "hdf5":
            with h5py.File(path, "w") as file:  # MATLAB writes its axes reversed
                file.create_dataset("betas", data=values.T)
        else:
            nib.save(nib.Nifti1Image(values, AFFINE), path)
    for name, volume in nsd_volumes().items():
        nib.save(nib.Nifti1Image(volume, AFFINE), space / "roi" / f"{name}.nii.gz")
    snr = np.random.default_rng(1).random(NSD_GRID).astype(np.float32)
    nib.save(nib.Nifti1Image(snr, AFFINE), betas / "ncsnr.nii.gz")
    nib.save(nib.Nifti1Image(snr, AFFINE), space / "T1_to_func1pt8mm.nii.gz")
    scipy.io.savemat(design / "nsd_expdesign.mat", nsd_design(), do_compression=True)
    with h5py.File(stimuli / "nsd_stimuli.hdf5", "w") as file:
        file.create_dataset("imgBrick", data=brick(), chunks=(1, 12, 12, 3))
    return root


def brick() -> np.ndarray:
    """Return 60 pictures (12, 12, 3), each of one grey."""
    return np.tile(np.arange(60, dtype=np.uint8)[:, None, None, None] * 4, (1, 12, 12, 3))


GLM_GRID = (5, 6, 7)
GLM_TRIALS = 24


def glmsingle_results(units: bool = False) -> dict[str, object]:
    """Return what GLMsingle saves, kinds of values included."""
    rng = np.random.default_rng(3)
    shape = (210,) if units else GLM_GRID
    r2 = rng.random(shape).astype(np.float32) * 40
    r2.reshape(-1)[:4] = np.nan
    return {
        "HRFindex": rng.integers(0, 20, shape),
        "HRFindexrun": rng.integers(0, 20, (*shape, 2)),
        "glmbadness": None,
        "pcnum": np.int64(3),
        "xvaltrend": None,
        "noisepool": r2 > 5,
        "pcregressors": [rng.random((60, 3)).astype(np.float32)] * 2,
        "betasmd": rng.normal(size=(*shape, GLM_TRIALS)).astype(np.float32),
        "R2": r2,
        "FRACvalue": rng.random(shape),
        "meanvol": rng.random(shape) * 1000,
    }


def make_glmsingle(folder: Path, kind: str = "npy", units: bool = False) -> Path:
    """Write results, the record of the design, pictures and regions; returns the results."""
    folder.mkdir(parents=True, exist_ok=True)
    results = glmsingle_results(units)
    path = folder / f"TYPED_FITHRF_GLMDENOISE_RR.{kind}"
    if kind == "npy":
        np.save(path, results, allow_pickle=True)
    else:
        with h5py.File(path, "w") as file:
            for name, value in results.items():
                data = h5py.Empty("f") if value is None else np.array(value)
                file.create_dataset(name, data=data)
    order = [int(c) for c in np.random.default_rng(4).permutation(np.repeat(np.arange(8), 3))]
    order[0] = np.int64(order[0])
    design = {"stimorder": order, "numtrialrun": [10, 14], "params": {"wantlss": 0, "x": 0.5}}
    np.save(folder / "DESIGNINFO.npy", design, allow_pickle=True)
    (folder / "stimuli").mkdir()
    for number in range(8):
        Image.new("RGB", (9, 8), (30 * number, 8, 9)).save(folder / "stimuli" / f"p{number}.png")
    if not units:
        labels = np.zeros(GLM_GRID, np.int16)
        labels[:, :4, :5] = 1
        labels[:, 2:4, :5] = 2
        labels[0, 5, :4] = 2  # 104 voxels, of which the first four have no R2
        nib.save(nib.Nifti1Image(labels, np.diag([2.0, 2, 2, 1])), folder / "rois.nii.gz")
    return path


def make_glmsingle_matlab(
    folder: Path, units: bool = False, chunks: tuple[int, ...] | None = None
) -> Path:
    """Write the same as GLMsingle's MATLAB version saves it: ``-v7.3``, conditions from 1."""
    source = make_glmsingle(folder, units=units)
    results = glmsingle_results(units)
    betas = np.asarray(results.pop("betasmd"))
    if units:  # on no grid, yet kept on one
        betas = betas[:, None, None]
    path = source.with_suffix(".mat")
    with h5py.File(path, "w", userblock_size=512) as file:
        packed = {"chunks": chunks, "compression": 3} if chunks else {}
        file.create_dataset("modelmd", data=betas.T, **packed)
        for name in ("R2", "HRFindex", "FRACvalue", "meanvol"):
            values = np.asarray(results[name])
            file[name] = (values[:, None] if units else values).T
        file["glmbadness"] = np.zeros(2, np.uint64)
        file["glmbadness"].attrs["MATLAB_empty"] = 1
        cells = file.create_dataset("pcregressors", (2, 1), h5py.ref_dtype)
        for run in range(2):
            file[f"#refs#/{run}"] = np.zeros((3, 60), np.float32)
            cells[run, 0] = file[f"#refs#/{run}"].ref
    record = folder / "DESIGNINFO.npy"
    order = np.load(record, allow_pickle=True).item()["stimorder"]
    with h5py.File(record.with_suffix(".mat"), "w", userblock_size=512) as file:
        file["stimorder"] = np.array(order, np.float64)[:, None] + 1
        file["numtrialrun"] = np.array([[10.0], [14.0]])
    for each in (path, record.with_suffix(".mat")):
        with each.open("r+b") as written:
            written.write(b"MATLAB 7.3 MAT-file")
    source.unlink()
    record.unlink()
    return path


def make_mindeye2(folder: Path, n_trials: int = 40) -> Path:
    """Write betas, pictures, tables and the mask of NSD; returns the betas."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(5)
    path = folder / "betas_all_subj01_fp32_renorm.hdf5"
    with h5py.File(path, "w") as file:
        file.create_dataset("betas", data=rng.normal(size=(n_trials, 100)).astype(np.float32))
    with h5py.File(folder / "coco_images_224_float16.hdf5", "w") as file:
        images = (brick() / 255).transpose(0, 3, 1, 2).astype(np.float16)
        file.create_dataset("images", data=images)
    for split, rows in (("train", range(30)), ("new_test", range(30, n_trials - 1))):
        (folder / "wds/subj01" / split).mkdir(parents=True)
        with tarfile.open(folder / "wds/subj01" / split / "0.tar", "w") as archive:
            for row in rows:
                behav = np.full((1, 17), -1.0)
                picture = 40 + row % 3 if split == "new_test" else row
                behav[0, [0, 1, 2, 3, 5, 16]] = [picture, 1, 2, 3, row, split == "new_test"]
                for name in ("behav", "past_behav"):
                    np.save(buffer := io.BytesIO(), behav)
                    info = tarfile.TarInfo(f"sample{row:09d}.{name}.npy")
                    info.size = len(buffer.getvalue())
                    archive.addfile(info, io.BytesIO(buffer.getvalue()))
    for name, volume in nsd_volumes().items():
        nib.save(nib.Nifti1Image(volume, AFFINE), folder / f"{name}.nii.gz")
    return path


THINGS_STIMULI = ["dog_12s.jpg", "mango_01b.jpg", "ice_cream_03n.jpg", "bat1_04s.jpg"]


def make_things(folder: Path, mask: bool = True) -> Path:
    """Write the tables by pandas and the pictures; returns the responses."""
    import pandas as pd

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(6)
    n_voxels, n_trials = 160, 30
    responses = pd.DataFrame(rng.normal(size=(n_voxels, n_trials)))
    responses.insert(0, "voxel_id", np.arange(n_voxels))
    path = folder / "sub-01_ResponseData.h5"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas says that it pickles the mixed column names
        responses.to_hdf(path, key="ResponseData")
    ijk = np.argwhere(np.ones((8, 5, 4), bool)) + np.array([1, 2, 3])
    voxels = {"voxel_id": np.arange(n_voxels), "subject_id": 1}
    voxels |= {f"voxel_{axis}": ijk[:, n] for n, axis in enumerate("xyz")}
    voxels |= {"nc_singletrial": rng.random(n_voxels), "nc_testset": rng.random(n_voxels)}
    voxels |= {"prf-eccentricity": rng.random(n_voxels)}
    voxels |= {"V1": np.arange(n_voxels) < 60, "LO1 (prf)": np.arange(n_voxels) // 10 == 5}
    voxels |= {"lFFA": np.arange(n_voxels) >= 120, "rFFA": np.zeros(n_voxels)}
    table = pd.DataFrame(voxels)
    regions = ["V1", "LO1 (prf)", "lFFA", "rFFA"]
    table[regions] = table[regions].astype(int)
    table.to_csv(folder / "sub-01_VoxelMetadata.csv", index=False)
    kinds = ["test" if n % 3 == 0 else "train" for n in range(n_trials)]
    shown = [THINGS_STIMULI[n % 2 + (0 if n % 3 == 0 else 2)] for n in range(n_trials)]
    pd.DataFrame(
        {
            "trial_type": kinds,
            "session": 1 + np.arange(n_trials) // 15,
            "run": 1 + np.arange(n_trials) % 15 // 5,
            "subject_id": 1,
            "trial_id": np.arange(n_trials),
            "stimulus": shown,
        }
    ).to_csv(folder / "sub-01_StimulusMetadata.csv", index=False)
    for number, name in enumerate(THINGS_STIMULI[:3]):
        place = folder / "images" / (name.rpartition("_")[0] if number else "") / name
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 16), (50 * number, 60, 70)).save(place)
    if mask:
        image = nib.Nifti1Image(np.ones((12, 9, 9), np.uint8), np.diag([-2.0, 2, 2, 1]))
        nib.save(image, folder / "sub-01_space-T1w_brainmask.nii.gz")
    return path


def make_nifti(folder: Path, packed: bool = True) -> Path:
    """Write a folder of betas with regions, pictures, a table and an anatomy."""
    rng = np.random.default_rng(2)
    (folder / "rois").mkdir(parents=True)
    (folder / "stimuli").mkdir()
    suffix = ".nii.gz" if packed else ".nii"
    values = rng.normal(5, 1, (5, 6, 7, 6)).astype(np.float32)
    nib.save(nib.Nifti1Image(values, np.diag([3.0, 3, 3, 1])), folder / f"betas{suffix}")
    for name, x in (("LH_V1", 1), ("RH_V1", 3)):
        region = np.zeros((5, 6, 7), np.uint8)
        region[x, 2:4, 2:6] = 1
        image = nib.Nifti1Image(region, np.diag([3.0, 3, 3, 1]))
        nib.save(image, folder / "rois" / f"sub-07_mask_{name}.nii.gz")
    nib.save(nib.Nifti1Image(values[..., 0], np.eye(4)), folder / "anatomy.nii.gz")
    rows = ["stimulus\tlabel\tsplit"]
    for trial in range(6):
        Image.new("RGB", (8, 8), (trial, 2, 3)).save(folder / "stimuli" / f"{trial}.png")
        rows.append(f"{trial}.png\tthing\t{'test' if trial < 2 else 'train'}")
    (folder / "trials.tsv").write_text("\n".join(rows) + "\n")
    return folder


SESSION_SIZES = (4, 5, 3)  # volumes


def make_sessions(folder: Path, packed: bool = True) -> Path:
    """Write betas of the sessions 1, 2 and 10 with one mask, one table and pictures."""
    rng = np.random.default_rng(13)
    (folder / "stimuli").mkdir(parents=True)
    suffix = ".nii.gz" if packed else ".nii"
    affine = np.diag([3.0, 3, 3, 1])
    for session, n in zip((1, 2, 10), SESSION_SIZES, strict=True):
        values = rng.normal(5, 1, (5, 6, 7, n)).astype(np.float32)
        nib.save(
            nib.Nifti1Image(values, affine), folder / f"sub-07_ses-{session:02d}_betas{suffix}"
        )
    region = np.zeros((5, 6, 7), np.uint8)
    region[1:3, 2:4, 2:6] = 1
    nib.save(nib.Nifti1Image(region, affine), folder / "rois.nii.gz")
    rows = ["stimulus\tsplit"]
    for trial in range(sum(SESSION_SIZES)):
        Image.new("RGB", (8, 8), (trial, 2, 3)).save(folder / "stimuli" / f"{trial}.png")
        rows.append(f"{trial}.png\t{'test' if trial < 2 else 'train'}")
    (folder / "trials.tsv").write_text("\n".join(rows) + "\n")
    return folder


def make_series(folder: Path) -> Path:
    """Write a time series with a BIDS table of events and a label image."""
    rng = np.random.default_rng(7)
    folder.mkdir(parents=True)
    image = nib.Nifti1Image(
        rng.normal(100, 3, (5, 6, 7, 40)).astype(np.float32), np.diag([3.0, 3, 3, 1])
    )
    image.header.set_zooms((3, 3, 3, 2.0))
    image.header.set_xyzt_units("mm", "sec")
    nib.save(image, folder / "sub-01_task-see_bold.nii.gz")
    rows = [f"{6 * n}\t2\tp{n}" for n in range(10)]
    table = "\n".join(["onset\tduration\tstimulus", *rows]) + "\n"
    (folder / "sub-01_task-see_events.tsv").write_text(table)
    labels = np.zeros((5, 6, 7), np.int16)
    labels[1:4, 1:4, 1:4] = 1
    nib.save(nib.Nifti1Image(labels, np.diag([3.0, 3, 3, 1])), folder / "rois.nii.gz")
    return folder


def new_bdata() -> BData:
    """Return what bdpy writes files of; skip the test on a Python for which it has no release."""
    return pytest.importorskip("bdpy").BData()


def make_bdata(folder: Path) -> Path:
    """Write a file by bdpy, with positions, regions and texts for numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    data, rng = new_bdata(), np.random.default_rng(0)
    data.add(rng.normal(size=(12, 20)), "VoxelData")
    data.add(np.repeat([1.0, 2.0], 6)[:, None], "DataType")
    data.add(np.arange(12.0)[:, None] % 3, "stimulus_id")
    data.add_metadata("ROI_VC", np.ones(20), where="VoxelData")
    for axis in range(3):
        data.add_metadata(f"voxel_{'xyz'[axis]}", 3.0 * (np.arange(20) >> axis), where="VoxelData")
    data.add_vmap("stimulus_id", {0.0: "cat", 1.0: "dog", 2.0: "fish"})
    data.save(str(folder / "Subject3.h5"))
    return folder / "Subject3.h5"


def make_bdata_halves(folder: Path) -> tuple[Path, Path]:
    """Write training and test trials as files of their own, which their names alone tell."""
    responses = np.random.default_rng(0).normal(size=(12, 20))
    paths = folder / "Subject1_ImageNetTraining.h5", folder / "Subject1_ImageNetTest.h5"
    for path, rows in zip(paths, (slice(6), slice(6, 12)), strict=True):
        data = new_bdata()
        data.add(responses[rows], "VoxelData")
        data.add(np.arange(12.0)[rows, None] % 3, "stimulus_id")
        data.add_metadata("ROI_VC", np.ones(20), where="VoxelData")
        data.save(str(path))
    return paths


def make_matlab(folder: Path) -> Path:
    """Write the same as MATLAB 7.3 stores it: transposed, texts as references, its own header."""
    source_path, path = make_bdata(folder), folder / "Subject3.mat"
    with (
        h5py.File(source_path) as source,
        h5py.File(path, "w", userblock_size=512, track_order=True) as file,
    ):
        file.create_dataset("dataSet", data=source["dataset"][()].T, chunks=(5, 5), compression=3)
        file["metaData/value"] = source["metadata/value"][()].T
        keys = file.create_dataset("metaData/key", (len(source["metadata/key"]), 1), h5py.ref_dtype)
        for row, key in enumerate(source["metadata/key"].asstr()[()]):
            file[f"#refs#/{row}"] = np.array([[ord(letter)] for letter in key], np.uint16)
            keys[row, 0] = file[f"#refs#/{row}"].ref
    source_path.unlink()
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file")
    return path


def make_matlab5(folder: Path) -> Path:
    """Write the same by scipy, as MATLAB 5 stores it: a table and a struct."""
    source_path, path = make_bdata(folder), folder / "Subject3.mat"
    with h5py.File(source_path) as source:
        keys = np.array(source["metadata/key"].asstr()[()], dtype=object)[None]
        metadata = {"key": keys, "description": keys, "value": source["metadata/value"][()]}
        content = {"dataSet": source["dataset"][()], "metaData": metadata}
    scipy.io.savemat(path, content)  # packed, a checksum would stop every mutant
    source_path.unlink()
    return path


def trial_arrays(n_trials: int = 30, n_voxels: int = 100) -> dict[str, np.ndarray]:
    """Return the arrays of somebody's own file, which no format describes."""
    rng = np.random.default_rng(12)
    return {
        "responses": rng.normal(size=(n_trials, n_voxels)).astype(np.float32),
        "image_ids": np.arange(n_trials) % 12,
        "is_test": (np.arange(n_trials) < 6).astype(np.int64),
        "V1": np.arange(n_voxels) < 40,
        "V2": np.arange(n_voxels) >= 60,
        "ijk": np.stack(np.unravel_index(np.arange(n_voxels), (5, 4, 5)), axis=1),
        "affine": np.diag([2.0, 2, 2, 1]),
    }


def make_arrays(folder: Path, kind: str = "npz") -> Path:
    """Write these arrays by numpy, h5py or scipy; a `.npy` holds the responses alone."""
    folder.mkdir(parents=True, exist_ok=True)
    path, arrays = folder / f"mine.{kind}", trial_arrays()
    if kind == "npz":
        np.savez_compressed(path, **arrays)
    elif kind == "npy":
        np.save(path, arrays["responses"])
    elif kind == "mat":
        scipy.io.savemat(path, arrays)
    else:
        with h5py.File(path, "w") as file:
            for name, values in arrays.items():
                file[name] = values
            del file["image_ids"]
            file["design/image_ids"] = [f"s{n}" for n in arrays["image_ids"]]  # of variable length
    return path


def make_arrays_matlab73(folder: Path) -> Path:
    """Write these arrays as MATLAB 7.3 stores them: all axes reversed, text in cells."""
    folder.mkdir(parents=True, exist_ok=True)
    path, arrays = folder / "mine.mat", trial_arrays()
    names = [f"s{number}" for number in arrays.pop("image_ids")]
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in arrays.items():
            file[name] = np.atleast_2d(values).T.astype(np.uint8 if values.dtype == bool else "f8")
        cells = file.create_dataset("shown", (len(names), 1), h5py.ref_dtype)
        for row, name in enumerate(names):
            file[f"#refs#/{row}"] = np.array([[ord(letter)] for letter in name], np.uint16)
            cells[row, 0] = file[f"#refs#/{row}"].ref
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file")
    return path


def make_own(folder: Path) -> Path:
    """Write a subject file from the GLMsingle one."""
    from mindvis_gui.data import open_subject
    from mindvis_gui.data.subject_file import write_subject

    write_subject(folder / "own.h5", open_subject(make_glmsingle(folder / "source")))
    shutil.rmtree(folder / "source")
    return folder / "own.h5"


def make_god(folder: Path) -> Path:
    """Copy the published layout, fewer voxels."""
    shutil.copytree(PUBLISHED / "GOD", folder, dirs_exist_ok=True)
    arrays = dict(np.load(PUBLISHED / "GOD" / "sbj_3.npz"))
    path = folder / "sbj_3.npz"
    small = {name: array[..., :40] for name, array in arrays.items()}
    np.savez_compressed(path, **small, arr_4=np.arange(8) % 4)
    return path


def make_hcp(folder: Path) -> Path:
    """Copy the published layout."""
    source = PUBLISHED / "HCP" / "dummy_sub_01"
    return Path(shutil.copytree(source, folder, dirs_exist_ok=True)) / "HCP_visual_voxel.npz"


# Vertices of each side that are no medial wall, and how many there are with it.
CORTEX = {"L": (np.delete(np.arange(60), [1, 4, 6, 20]), 60), "R": (np.arange(1, 55), 60)}
AREAS = ("V1", "V2", "V3", "V4", "MST")


def make_cifti(folder: Path, n_frames: int = 47) -> Path:
    """Write a dense time series and a parcellation by nibabel, thalamus included."""
    from nibabel.cifti2 import BrainModelAxis, Cifti2Image, LabelAxis, SeriesAxis

    left, right = (
        BrainModelAxis.from_surface(vertices, n, f"CORTEX_{side}")
        for side, (vertices, n) in zip(("LEFT", "RIGHT"), CORTEX.values(), strict=True)
    )
    thalamus = BrainModelAxis.from_mask(np.ones((2, 1, 2), bool), "THALAMUS_LEFT", np.eye(4))
    place = folder / "100610" / "MNINonLinear"
    place.mkdir(parents=True)
    values = np.random.default_rng(11).normal(1e4, 100, (n_frames, 114)).astype(np.float32)
    path = place / "rfMRI_REST1_7T_PA_Atlas.dtseries.nii"
    axes = (SeriesAxis(0, 1.0, n_frames), left + right + thalamus)
    Cifti2Image(values, axes).to_filename(path)
    table = {0: ("???", (0.0, 0.0, 0.0, 0.0))}
    table |= {n + 1: (f"L_{area}_ROI", (1.0, 0.0, 0.0, 1.0)) for n, area in enumerate(AREAS)}
    table |= {n + 181: (f"R_{area}_ROI", (1.0, 0.0, 0.0, 1.0)) for n, area in enumerate(AREAS)}
    whole = BrainModelAxis.from_surface(np.arange(60), 60, "CORTEX_LEFT")
    whole += BrainModelAxis.from_surface(np.arange(60), 60, "CORTEX_RIGHT")
    left_labels = np.arange(60) % 6
    labels = np.concatenate([left_labels, np.where(left_labels, left_labels + 180, 0)])
    image = Cifti2Image(labels[None].astype(np.float32), (LabelAxis(["MMP"], [table]), whole))
    image.to_filename(folder / "Glasser_MMP.32k_fs_LR.dlabel.nii")
    return path


def make_surfaces(folder: Path, n_vertices: int = 60) -> Path:
    """Write the midthickness of both sides by nibabel, as HCP names them; returns the left."""
    folder.mkdir(parents=True, exist_ok=True)
    for side, name in (("L", "CortexLeft"), ("R", "CortexRight")):
        turn = np.arange(n_vertices) * 2.4
        height = 1 - 2 * (np.arange(n_vertices) + 0.5) / n_vertices
        flat = np.sqrt(1 - height**2)
        sphere = np.stack([flat * np.cos(turn), flat * np.sin(turn), height], axis=1)
        mm = (sphere * 9 + [-20 if side == "L" else 20, -60, 5]).astype(np.float32)
        points = nib.gifti.GiftiDataArray(
            mm, "NIFTI_INTENT_POINTSET", "NIFTI_TYPE_FLOAT32",
            meta=nib.gifti.GiftiMetaData({"AnatomicalStructurePrimary": name}),
        )  # fmt: skip
        faces = nib.gifti.GiftiDataArray(
            np.array([[0, 1, 2]], np.int32), "NIFTI_INTENT_TRIANGLE", "NIFTI_TYPE_INT32"
        )
        path = folder / f"100610.{side}.midthickness_MSMAll.32k_fs_LR.surf.gii"
        nib.save(nib.gifti.GiftiImage(darrays=[points, faces]), path)
    return folder / "100610.L.midthickness_MSMAll.32k_fs_LR.surf.gii"


def make_scalars(folder: Path, parts: str = "LRV", n_maps: int = 8) -> Path:
    """Write betas by nibabel, one map a trial, of those of left, right and volume."""
    from nibabel.cifti2 import BrainModelAxis, Cifti2Image, ScalarAxis

    folder.mkdir(parents=True, exist_ok=True)
    models = {
        side: BrainModelAxis.from_surface(vertices, n, f"CORTEX_{name}")
        for side, name, (vertices, n) in zip("LR", ("LEFT", "RIGHT"), CORTEX.values(), strict=True)
    }
    affine = np.array([[-2.0, 0, 0, 90], [0, 2, 0, -126], [0, 0, 2, -72], [0, 0, 0, 1]])
    mask = np.zeros((91, 109, 91), bool)
    mask[48:51, 55:58, 40:43] = 1
    models["V"] = BrainModelAxis.from_mask(mask, "THALAMUS_LEFT", affine)
    mask[48:51], mask[40:42, 55:58, 40:43] = 0, 1
    models["V"] += BrainModelAxis.from_mask(mask, "THALAMUS_RIGHT", affine)
    axis = models[parts[0]]
    for part in parts[1:]:
        axis += models[part]
    values = np.random.default_rng(15).normal(size=(n_maps, len(axis))).astype(np.float32)
    path = folder / "betas.dscalar.nii"
    names = ScalarAxis([f"picture {n}" for n in range(n_maps)])
    Cifti2Image(values, (names, axis)).to_filename(path)
    return path


def make_bold5000(folder: Path) -> Path:
    """Copy the published layout."""
    return Path(shutil.copytree(PUBLISHED / "BOLD5000", folder, dirs_exist_ok=True))


BOLD_SIZES = (10, 8)  # trials of the sessions, as their presentation lists say


def make_bold5000_volumes(folder: Path, masks: bool = True) -> Path:
    """Write the sessions of release 2.0 as one flat folder, with the published stimuli."""
    shutil.copytree(PUBLISHED / "BOLD5000" / "BOLD5000_Stimuli", folder / "BOLD5000_Stimuli")
    rng, affine = np.random.default_rng(14), np.diag([2.0, 2, 2, 1])
    for session, n in enumerate(BOLD_SIZES, 1):
        values = rng.normal(0, 2, (5, 6, 7, n)).astype(np.float32)
        values[0] = np.nan  # outside the brain
        name = f"CSI1_GLMbetas-TYPED-FITHRF-GLMDENOISE-RR_ses-{session:02d}.nii.gz"
        nib.save(nib.Nifti1Image(values, affine), folder / name)
    brain = np.zeros((5, 6, 7), np.uint8)
    brain[1:, 1:5, 1:6] = 1
    nib.save(nib.Nifti1Image(brain, affine), folder / "CSI1_brainmask.nii.gz")
    if masks:
        (folder / "sub-CSI1").mkdir()
        names = ("LHEarlyVis", "RHEarlyVis", "LHLO", "RHLOC", "LHPPA")
        for number, name in enumerate(names):
            mask = np.zeros((5, 6, 7), np.uint8)
            mask[2 * (name[0] == "R") + 1, 1:5, 1 + number] = 1
            path = folder / "sub-CSI1" / f"sub-CSI1_mask-{name}.nii.gz"
            nib.save(nib.Nifti1Image(mask, affine), path)
    return folder


Maker = Callable[[Path], Path]

MAKERS: dict[str, Maker] = {
    "own": make_own,
    "nifti": make_nifti,
    "nifti-plain": lambda folder: make_nifti(folder, packed=False),
    "nifti-sessions": make_sessions,
    "series": make_series,
    "god": make_god,
    "hcp": make_hcp,
    "hcp-cifti": make_cifti,
    "cifti-volumes": lambda folder: make_scalars(folder, "V"),
    "bold5000": make_bold5000,
    "bold5000-volumes": make_bold5000_volumes,
    "nsd": lambda folder: make_nsd(folder, sessions=(1,)),
    "nsd-nifti": lambda folder: make_nsd(folder, "nii.gz", sessions=(1,)),
    "glmsingle": make_glmsingle,
    "glmsingle-hdf5": lambda folder: make_glmsingle(folder, "hdf5"),
    "glmsingle-matlab": make_glmsingle_matlab,
    "mindeye2": make_mindeye2,
    "things": make_things,
}
if find_spec("bdpy"):
    MAKERS |= {"bdata": make_bdata, "bdata-matlab": make_matlab, "bdata-matlab5": make_matlab5}

# Opened by a plan that names what else is needed.
PLANNED: dict[str, tuple[Maker, Callable[[Path], ImportPlan]]] = {
    "cifti-surfaces": (
        lambda folder: make_surfaces(folder) and make_scalars(folder),
        lambda path: ImportPlan(path, rois="all", positions=path.parent),
    ),
}

# Of these nobody but a person says what is what; opened by what `inspect_source` guesses.
ARRAY_MAKERS: dict[str, Maker] = {
    "arrays-npz": make_arrays,
    "arrays-npy": lambda folder: make_arrays(folder, "npy"),
    "arrays-hdf5": lambda folder: make_arrays(folder, "h5"),
    "arrays-matlab5": lambda folder: make_arrays(folder, "mat"),
    "arrays-matlab73": make_arrays_matlab73,
}


def gzip_bomb(side: int, n_bytes: int) -> bytes:
    """Return a gzip file that unpacks to zeros behind a NIfTI header of side³ values."""
    header = nib.Nifti1Header()
    header.set_data_shape((side, side, side))
    header.set_sform(np.eye(4), 1)
    header["magic"], header["vox_offset"] = b"n+1", 352
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=1, mtime=0) as file:
        file.write(header.binaryblock + bytes(4))
        for _ in range(n_bytes >> 20):
            file.write(bytes(1 << 20))
    return buffer.getvalue()
