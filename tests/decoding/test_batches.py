"""Rows are taken in batches: none is lost, and memory that runs out makes the batches smaller."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mindvis_gui.decoding import batches
from mindvis_gui.decoding.batches import BatchSize, by_batches
from mindvis_gui.decoding.company import company, requests_together
from tests.decoding.test_device import OTHER_WORDS


@given(st.integers(1, 40), st.integers(1, 12), st.booleans())
def test_every_row_once_and_in_order(n_rows, rows, fixed):
    numbers = torch.arange(n_rows)
    size = BatchSize(rows, fixed)
    assert torch.equal(by_batches(lambda part: numbers[part], n_rows, size), numbers)


ENDED = [torch.OutOfMemoryError(), *map(RuntimeError, OTHER_WORDS)]


@pytest.mark.parametrize("error", ENDED, ids=lambda error: str(error)[:20] or "torch's own")
@pytest.mark.parametrize(("fits", "asked"), [(2, [5, 3, 2, 2, 1]), (1, [5, 3, 2, 1, 1, 1, 1, 1])])
def test_batches_that_do_not_fit_are_halved_for_good(fits, asked, error):
    sizes = []

    def work(part):
        sizes.append(part.stop - part.start)
        if sizes[-1] > fits:
            raise error
        return torch.arange(part.start, part.stop)

    size = BatchSize(64, fixed=False)
    assert torch.equal(by_batches(work, 5, size), torch.arange(5))
    assert sizes == asked
    sizes.clear()
    by_batches(work, 5, size)
    assert max(sizes) == fits


def test_recordings_that_are_made_again_at_once_do_not_keep_a_batch_from_shrinking(monkeypatch):
    monkeypatch.setattr(batches, "forget_recordings", lambda: True)
    sizes = []

    def work(part):
        sizes.append(part.stop - part.start)
        assert len(sizes) < 20
        if sizes[-1] > fits:
            raise torch.OutOfMemoryError
        return torch.arange(part.start, part.stop)

    fits = 2
    assert torch.equal(by_batches(work, 5, BatchSize(64, fixed=False)), torch.arange(5))
    assert sizes == [5, 5, 3, 3, 2, 2, 1]
    sizes.clear()
    fits = 0
    with pytest.raises(torch.OutOfMemoryError):
        by_batches(work, 1, BatchSize(64, fixed=False))
    assert sizes == [1, 1]


def test_one_row_that_does_not_fit_is_an_error():
    def work(part):
        raise torch.OutOfMemoryError

    with pytest.raises(torch.OutOfMemoryError):
        by_batches(work, 3, BatchSize(2, fixed=False))


def test_other_failures_are_not_tried_again():
    sizes = []

    def work(part):
        sizes.append(part.stop - part.start)
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    with pytest.raises(RuntimeError, match="illegal"):
        by_batches(work, 3, BatchSize(3, fixed=False))
    assert sizes == [3]


def test_a_fixed_batch_is_never_halved():
    size = BatchSize(5, fixed=True)

    def work(part):
        raise torch.OutOfMemoryError

    with pytest.raises(torch.OutOfMemoryError):
        by_batches(work, 5, size)
    assert size.rows == 5


@pytest.mark.parametrize(("n_seeds", "together"), [(1, 5), (2, 5), (3, 5), (4, 5), (5, 1), (7, 2)])
def test_requests_fill_the_fixed_batches(n_seeds, together):
    assert requests_together(n_seeds, 5, fixed=True) == together
    assert requests_together(n_seeds, 1, fixed=True) == 1


@pytest.mark.parametrize(("n_seeds", "together"), [(1, 5), (2, 5), (3, 5), (4, 1), (5, 1), (6, 3)])
def test_queue_takes_company_where_batches_would_be_empty(decoder_factory, n_seeds, together):
    info = decoder_factory(700).info
    assert company(info, n_seeds) == together
    assert company(replace(info, parameters=10**9), n_seeds) == 1
    assert company(replace(info, device="cuda"), n_seeds) == 64 // n_seeds


def test_requests_fill_what_a_gpu_takes():
    assert requests_together(5, 64, fixed=False) == 12
    assert requests_together(100, 64, fixed=False) == 1


def test_a_small_gpu_takes_few_rows(monkeypatch):
    unet_rows = []
    for free in (1 << 28, 4 << 30, 80 << 30):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda free=free: (free, free))
        unet_rows.append(batches._fitting(100 << 20))
    assert unet_rows == [1, 28, 64]


def test_memory_that_torch_keeps_for_later_is_free(monkeypatch):
    """What a decode has used stays with torch: the driver knows of no free memory then."""
    sizes = {"mem_get_info": (1 << 28, 8 << 30), "memory_reserved": 6 << 30}
    for name, size in {**sizes, "memory_allocated": 2 << 30}.items():
        monkeypatch.setattr(torch.cuda, name, lambda device=None, size=size: size)
    assert batches._fitting(100 << 20) == 30
