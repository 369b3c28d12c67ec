"""`DataLoader` with worker processes: the same batches, errors that arrive, nothing left behind."""

import gc
import multiprocessing
import multiprocessing.connection
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch as pt
import torch.utils.data as pt_data

import rushlight as rl
from rushlight.utils import data as rl_data

BOTH = [(rl, rl_data), (pt, pt_data)]
WAITED = 4  # seconds; less than the shutdown's patience with a worker that hangs
pytestmark = pytest.mark.filterwarnings("ignore:.*(worker|fork).*")


def plain(value):
    if isinstance(value, (rl.Tensor, pt.Tensor)):
        return str(value.dtype), value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(member) for member in value]
    return value


class Each(rl_data.Dataset):
    """Sample ``i`` is ``f(i)``."""

    def __init__(self, function, size=8):
        self.function, self.size = function, size

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        return self.function(index)


def of_dataset(function, **arguments):
    return rl_data.DataLoader(Each(function), **{"num_workers": 2, **arguments})


def other_children(before):
    gc.collect()
    return set(multiprocessing.active_children()) - set(before)


def shared_stream(data):
    """Worker ``w`` gives ``3 + 4 * w`` samples."""

    class Stream(data.IterableDataset):
        def __iter__(self):
            worker = data.get_worker_info()
            return iter((100 * worker.id + i) for i in range(3 + 4 * worker.id))

    return Stream()


@pytest.mark.parametrize("arguments", [
    {"shuffle": True}, {"shuffle": True, "prefetch_factor": 5}, {"shuffle": True, "persistent_workers": True},
    {"batch_size": None},
])
def test_batches_draws_and_seeds_as_pytorch(arguments):
    def run(torch, data):
        class Numbers(data.Dataset):
            def __len__(self):
                return 7

            def __getitem__(self, index):
                info = data.get_worker_info()
                return index, info.id, info.num_workers, info.seed, random.random(), torch.rand(2), np.random.rand()

        torch.manual_seed(4)
        loader = data.DataLoader(Numbers(), **{"batch_size": 2, "num_workers": 2, **arguments})
        result = []
        for _ in range(2):
            result.append([plain(batch) for batch in loader])
            result.append(torch.rand(()).item())
        return result

    assert run(rl, rl_data) == run(pt, pt_data)


@pytest.mark.parametrize("arguments", [
    {}, {"batch_size": 2}, {"batch_size": 2, "drop_last": True}, {"batch_size": None},
])
def test_streams_as_pytorch(arguments):
    results = []
    for _, data in BOTH:
        loader = data.DataLoader(shared_stream(data), num_workers=3, **arguments)
        results.append([[plain(batch) for batch in loader] for _ in range(2)])
    assert results[0] == results[1]


def test_persistent_streams_start_again():
    loader = rl_data.DataLoader(shared_stream(rl_data), num_workers=2, persistent_workers=True, batch_size=None)
    assert list(loader) == list(loader) and len(list(loader)) == 10


def test_persistent_workers_stay_and_an_epoch_may_be_left_early():
    loader = of_dataset(lambda index: os.getpid(), persistent_workers=True, batch_size=1)
    first = {pid.item() for pid in loader}
    iterator = iter(loader)
    next(iterator)
    assert {pid.item() for pid in loader} == first
    assert len(first) == 2


def test_out_of_order_gives_what_is_ready():
    def slow_first(index):
        time.sleep(0.5 if index == 0 else 0)
        return index

    arguments = {"num_workers": 2, "batch_size": None, "prefetch_factor": 1}
    loose = list(rl_data.DataLoader(Each(slow_first), in_order=False, **arguments))
    assert sorted(loose) == list(range(8)) and loose[0] == 1
    assert list(rl_data.DataLoader(Each(slow_first), **arguments)) == list(range(8))


def test_large_and_small_samples_of_all_kinds_arrive_writable():
    def make(index):
        return {
            "large": rl.full((300, 300), float(index)),
            "small": rl.tensor([index, -index]),
            "empty": rl.empty(0, 3),
            "array": np.full((200, 200), index),
            "text": "x" * 40_000,
            "view": rl.zeros(1000, 100)[3],
        }

    for index, sample in enumerate(of_dataset(make, batch_size=None)):
        assert sample["large"].shape == (300, 300) and float(sample["large"].sum()) == 90_000.0 * index
        assert plain(sample["small"]) == ("torch.int64", [index, -index])
        assert sample["empty"].shape == (0, 3)
        assert int(sample["array"].sum()) == 40_000 * index
        assert sample["text"] == "x" * 40_000
        assert sample["view"].tolist() == [0.0] * 100
        sample["large"].add_(1)
        sample["small"].add_(1)


def test_tensors_of_one_sample_keep_sharing():
    def sample(index):
        base = rl.zeros(50, 50)
        return base, base.t()

    base, turned = next(iter(of_dataset(sample, batch_size=None)))
    base[0, 1] = 5.0
    assert turned[1, 0].item() == 5.0


def test_many_large_requests_and_answers_do_not_block_each_other():
    loader = rl_data.DataLoader(
        Each(lambda index: index, 200_000), batch_size=20_000, num_workers=2, prefetch_factor=8,
        collate_fn=lambda indices: list(map(str, indices)),
    )
    assert [len(batch) for batch in loader] == [20_000] * 10


def test_kept_batches_hold_no_descriptors():
    def descriptors():
        return len(os.listdir("/proc/self/fd"))

    gc.collect()
    before = descriptors()
    batches = list(of_dataset(lambda index: rl.full((100, 100), float(index)), batch_size=2))
    assert [float(batch[1, 0, 0]) for batch in batches] == [1.0, 3.0, 5.0, 7.0]
    assert descriptors() == before
    assert "rushlight-loader" not in pathlib.Path("/proc/self/maps").read_text()


@pytest.mark.parametrize("kind", [ValueError, KeyError, OSError, AssertionError])
def test_an_error_arrives_with_its_type_and_traceback(kind):
    def fail(index):
        if index == 3:
            raise kind("bad sample 3")
        return index

    iterator = iter(of_dataset(fail, batch_size=1))
    assert [int(next(iterator)) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(kind, match=r"(?s)in DataLoader worker process 1.*in fail.*bad sample 3"):
        next(iterator)
    assert int(next(iterator)) == 4  # the loader goes on behind it


def test_an_error_whose_type_wants_more_arguments():
    def fail(index):
        raise UnicodeDecodeError("utf-8", b"x", 0, 1, "why")

    with pytest.raises(RuntimeError, match=r"(?s)UnicodeDecodeError.*why"):
        next(iter(of_dataset(fail)))


def test_errors_of_the_init_function_the_stream_and_the_pickle_arrive():
    def fail(*arguments):
        raise ZeroDivisionError("start")

    class Broken(rl_data.IterableDataset):
        __iter__ = fail

    with pytest.raises(ZeroDivisionError, match="start"):
        next(iter(of_dataset(lambda index: index, worker_init_fn=fail)))
    with pytest.raises(ZeroDivisionError, match="start"):
        next(iter(rl_data.DataLoader(Broken(), num_workers=1)))
    with pytest.raises((AttributeError, TypeError), match="worker process 0"):
        next(iter(of_dataset(lambda index: (lambda: index), collate_fn=lambda batch: batch)))
    with pytest.raises(RuntimeError, match="detach"):
        loader = of_dataset(lambda index: rl.ones(2, requires_grad=True) * 2, collate_fn=lambda batch: batch)
        next(iter(loader))


def test_init_function_sees_its_worker():
    seen = []

    def remember(worker):
        seen.append((worker, rl_data.get_worker_info().id, rl_data.get_worker_info().num_workers))

    loader = of_dataset(lambda index: seen[0], worker_init_fn=remember, batch_size=None)
    assert list(loader)[:2] == [[0, 0, 2], [1, 1, 2]]
    assert seen == []


def test_a_worker_that_dies_is_reported_at_once():
    before = multiprocessing.active_children()

    def die(index):
        if index == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return index

    start = time.monotonic()
    with pytest.raises(RuntimeError, match="exited unexpectedly: it was killed by signal 9"):
        list(of_dataset(die))
    with pytest.raises(RuntimeError, match="exited with code 3"):
        list(of_dataset(lambda index: os._exit(3)))
    assert time.monotonic() - start < WAITED
    assert not other_children(before)


def test_timeout():
    iterator = iter(of_dataset(lambda index: time.sleep(0.7), timeout=0.2, num_workers=1, prefetch_factor=1))
    with pytest.raises(RuntimeError, match=r"timeout=0\.2"):
        next(iterator)


def test_workers_leave_when_the_iterator_goes():
    before = multiprocessing.active_children()
    iterator = iter(of_dataset(lambda index: rl.zeros(500, 500), batch_size=2, prefetch_factor=2))
    next(iterator)
    assert len(other_children(before)) == 2
    start = time.monotonic()
    del iterator
    assert not other_children(before)
    assert time.monotonic() - start < WAITED


def test_workers_leave_when_the_collector_takes_the_iterator(monkeypatch):
    """Its channels are no garbage yet: a connection that was finalised first would be closed twice."""
    before = multiprocessing.active_children()
    iterator = iter(of_dataset(lambda index: index, batch_size=2))
    iterator.itself = iterator
    garbage = []
    monkeypatch.setattr(multiprocessing.connection.Connection, "__del__", lambda end: garbage.append(end._handle))
    del iterator
    gc.collect()
    assert not other_children(before)
    assert set(garbage) <= {None}  # each was closed before it went


def test_loaders_inside_each_other():
    before = multiprocessing.active_children()
    outer = of_dataset(lambda index: index, batch_size=1)
    inner = of_dataset(lambda index: 10 * index, batch_size=4)
    pairs = [(int(x), plain(y)[1]) for x in outer for y in inner]
    assert len(pairs) == 16 and pairs[-1] == (7, [40, 50, 60, 70])
    assert not other_children(before)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_other_start_methods(method):
    dataset = rl_data.TensorDataset(rl.arange(6.0), rl.arange(6))
    loader = rl_data.DataLoader(dataset, 3, num_workers=1, multiprocessing_context=method)
    assert plain(list(loader)) == [
        [("torch.float32", [0.0, 1.0, 2.0]), ("torch.int64", [0, 1, 2])],
        [("torch.float32", [3.0, 4.0, 5.0]), ("torch.int64", [3, 4, 5])],
    ]


ENDINGS = """
import os, sys, multiprocessing
import rushlight as rl
from rushlight.utils import data

class Each(data.Dataset):
    def __len__(self):
        return 1000
    def __getitem__(self, index):
        return rl.zeros(300, 300)

iterator = iter(data.DataLoader(Each(), 2, num_workers=2))
next(iterator)
print(*(worker.pid for worker in multiprocessing.active_children()), flush=True)
sys.stdin.read() if sys.argv[1] == "wait" else None
"""


def gone(pids):
    deadline = time.monotonic() + WAITED
    while time.monotonic() < deadline:
        if not any(pathlib.Path(f"/proc/{pid}").exists() for pid in pids):
            return True
        time.sleep(0.02)
    return False


def test_a_program_that_ends_in_the_middle_of_an_epoch():
    done = subprocess.run([sys.executable, "-c", ENDINGS, "end"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stderr == ""
    assert gone(done.stdout.split())


def test_workers_of_a_program_that_is_killed():
    program = subprocess.Popen(
        [sys.executable, "-c", ENDINGS, "wait"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with program:
        pids = program.stdout.readline().split()
        program.kill()
    assert len(pids) == 2 and gone(pids)
