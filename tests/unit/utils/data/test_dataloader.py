"""`DataLoader` in this process: arguments, order and batches beside PyTorch's."""

import warnings

import numpy as np
import pytest
import torch as pt
import torch.utils.data as pt_data

import rushlight as rl
from rushlight.utils import data as rl_data
from rushlight.utils.data._utils.pin_memory import can_pin, pin_memory

BOTH = [(rl, rl_data), (pt, pt_data)]


def plain(value):
    if isinstance(value, (rl.Tensor, pt.Tensor)):
        return str(value.dtype), value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(member) for member in value]
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items()}
    return value


def tensor_dataset(torch, data, size=11):
    rows = torch.arange(2 * size).reshape(size, 2)
    return data.TensorDataset(rows, torch.arange(size))


def streams(data):
    class Stream(data.IterableDataset):
        def __iter__(self):
            return iter(range(7))

    class SizedStream(Stream):
        def __len__(self):
            return 7

    return Stream(), SizedStream()


def raised(make):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            make()
    except Exception as error:
        return type(error)
    return None


@pytest.mark.parametrize("arguments", [
    {"num_workers": -1}, {"timeout": -1}, {"prefetch_factor": 2}, {"num_workers": 1, "prefetch_factor": -1},
    {"num_workers": 1, "prefetch_factor": 0}, {"persistent_workers": True}, {"shuffle": True, "sampler": [1]},
    {"batch_sampler": [[1]], "batch_size": 2}, {"batch_sampler": [[1]], "drop_last": True},
    {"batch_sampler": [[1]], "shuffle": True}, {"batch_sampler": [[1]], "sampler": [1]},
    {"batch_size": None, "drop_last": True}, {"batch_size": 0}, {"batch_size": -1}, {"batch_size": 2.5},
    {"batch_size": "a"}, {"batch_size": True}, {"drop_last": 1}, {"shuffle": 2}, {"multiprocessing_context": "fork"},
    {"num_workers": 1, "multiprocessing_context": "none"}, {"num_workers": 1, "multiprocessing_context": 3},
    {"timeout": "a"}, {"num_workers": "a"}, {"pin_memory": True}, {"pin_memory_device": "cuda"}, {"timeout": 5},
    {"num_workers": 1, "multiprocessing_context": "spawn"}, {"batch_sampler": [[1]]}, {"batch_size": None},
])
def test_argument_checks_as_pytorch(arguments):
    ours = raised(lambda: rl_data.DataLoader(range(10), **arguments))
    assert ours == raised(lambda: pt_data.DataLoader(range(10), **arguments))


@pytest.mark.parametrize("arguments", [
    {"shuffle": True}, {"shuffle": False}, {"shuffle": 0}, {"sampler": [1]}, {"batch_sampler": [[1]]},
    {"batch_size": None}, {"drop_last": True},
])
def test_argument_checks_for_streams_as_pytorch(arguments):
    kinds = [raised(lambda data=data: data.DataLoader(streams(data)[0], **arguments)) for _, data in BOTH]
    assert kinds[0] == kinds[1]


def test_refusals_say_what_to_do():
    for arguments, words in [
        ({"num_workers": -1}, "num_workers must not be negative, got -1"),
        ({"prefetch_factor": 2}, "set num_workers > 0"),
        ({"shuffle": True, "sampler": [1]}, "sampler excludes shuffle"),
        ({"batch_size": None, "drop_last": True}, "drop_last needs batches"),
    ]:
        with pytest.raises(ValueError, match=words):
            rl_data.DataLoader(range(3), **arguments)
    with pytest.raises(ValueError, match="num_samples"):
        rl_data.DataLoader([], shuffle=True)


@pytest.mark.parametrize("name", [
    "batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers", "num_workers",
    "collate_fn", "generator", "timeout", "pin_memory", "prefetch_factor", "multiprocessing_context",
])
def test_which_attributes_may_be_set_as_pytorch(name):
    kinds = [raised(lambda data=data: setattr(data.DataLoader(range(3)), name, 1)) for _, data in BOTH]
    assert kinds[0] == kinds[1]


LOADERS = [
    {},
    {"batch_size": 4},
    {"batch_size": 4, "drop_last": True},
    {"batch_size": 4, "shuffle": True},
    {"batch_size": 4, "shuffle": True, "drop_last": True},
    {"batch_size": 11, "shuffle": True},
    {"batch_size": 50, "shuffle": True},
    {"batch_size": None},
    {"batch_size": None, "shuffle": True},
    {"batch_sampler": [[1, 2], [0], [10, -1]]},
    {"sampler": [3, 1, 3], "batch_size": 2},
    {"sampler": [-1, -11, 0], "batch_size": 2},
    {"sampler": [np.int64(1), np.int64(3)], "batch_size": 2},
]


@pytest.mark.parametrize("arguments", LOADERS)
@pytest.mark.parametrize("kind", ["tensors", "subset", "subset of subset", "negative subset", "python"])
def test_batches_and_draws_as_pytorch(arguments, kind):
    def run(torch, data):
        dataset = tensor_dataset(torch, data)
        if kind == "subset":
            dataset = data.Subset(dataset, [5, 3, 10, 0, 0, 2, 9, 1, 4, 6, 7])
        elif kind == "subset of subset":
            dataset = data.Subset(data.Subset(dataset, range(10, -1, -1)), list(range(11)))
        elif kind == "negative subset":
            dataset = data.Subset(dataset, [-1, -2, 0, 1, 2, 3, 4, 5, 6, 7, 8])
        elif kind == "python":
            dataset = [(float(i), {"index": i}, str(i)) for i in range(11)]
        torch.manual_seed(1)
        loader = data.DataLoader(dataset, **arguments)
        result = [len(loader)]
        for _ in range(2):
            result.append([plain(batch) for batch in loader])
            result.append(torch.rand(()).item())
        return result

    assert run(rl, rl_data) == run(pt, pt_data)


@pytest.mark.parametrize("sampler", [
    {}, {"num_samples": 4}, {"num_samples": 25}, {"replacement": True}, {"replacement": True, "num_samples": 70},
])
@pytest.mark.parametrize("batch_size", [3, 32, 50])
@pytest.mark.parametrize("drop_last", [False, True])
def test_gathered_rows_follow_any_random_sampler(sampler, batch_size, drop_last):
    def run(torch, data):
        dataset = tensor_dataset(torch, data)
        generator = torch.Generator().manual_seed(4)
        loader = data.DataLoader(
            dataset, batch_size, sampler=data.RandomSampler(dataset, generator=generator, **sampler),
            drop_last=drop_last,
        )
        return [[plain(batch) for batch in loader] for _ in range(2)], torch.rand((), generator=generator).item()

    assert run(rl, rl_data) == run(pt, pt_data)


def test_draws_interleave_with_the_programs_own_as_in_pytorch():
    def run(torch, data):
        torch.manual_seed(2)
        loader = data.DataLoader(tensor_dataset(torch, data), 4, shuffle=True)
        iterator = iter(loader)
        numbers = [torch.rand(()).item()]
        for batch in iterator:
            numbers.append((plain(batch), torch.rand(()).item()))
        return numbers

    assert run(rl, rl_data) == run(pt, pt_data)


def test_a_generator_of_the_loader():
    def run(torch, data):
        generator = torch.Generator().manual_seed(3)
        loader = data.DataLoader(tensor_dataset(torch, data), 4, shuffle=True, generator=generator)
        return [plain(list(loader)) for _ in range(2)], torch.rand((), generator=generator).item()

    assert run(rl, rl_data) == run(pt, pt_data)


def test_gathered_batches_are_fresh_memory():
    rows = rl.zeros(4, 2)
    loader = rl_data.DataLoader(rl_data.TensorDataset(rows), 2)
    for (batch,) in loader:
        batch.fill_(1)
    assert rows.tolist() == [[0.0, 0.0]] * 4


def test_a_tensor_dataset_with_an_indexing_of_its_own_is_not_gathered():
    class Doubled(rl_data.TensorDataset):
        def __getitem__(self, index):
            return tuple(part * 2 for part in super().__getitem__(index))

    batches = list(rl_data.DataLoader(Doubled(rl.arange(4)), 2))
    assert plain(batches) == [[("torch.int64", [0, 2])], [("torch.int64", [4, 6])]]


def test_gathered_rows_carry_gradients():
    rows = rl.ones(4, 2, requires_grad=True)
    (batch,) = next(iter(rl_data.DataLoader(rl_data.TensorDataset(rows), 3)))
    batch.sum().backward()
    assert rows.grad.tolist() == [[1.0, 1.0]] * 3 + [[0.0, 0.0]]


def test_an_index_out_of_range():
    for _, data in BOTH:
        loader = data.DataLoader(range(3), sampler=[7])
        with pytest.raises(IndexError):
            next(iter(loader))
    loader = rl_data.DataLoader(rl_data.TensorDataset(rl.arange(3)), sampler=[7])
    with pytest.raises(IndexError):
        next(iter(loader))


def test_getitems_is_used():
    class Batched:
        def __len__(self):
            return 4

        def __getitems__(self, indices):
            return [10 * index for index in indices]

    assert plain(list(rl_data.DataLoader(Batched(), 2))) == [("torch.int64", [0, 10]), ("torch.int64", [20, 30])]


@pytest.mark.parametrize("arguments", [
    {}, {"batch_size": 3}, {"batch_size": 3, "drop_last": True}, {"batch_size": None},
])
def test_streams_as_pytorch(arguments):
    def run(torch, data):
        _, stream = streams(data)
        loader = data.DataLoader(stream, **arguments)
        return len(loader), [plain(batch) for batch in loader]

    assert run(rl, rl_data) == run(pt, pt_data)


def test_a_stream_without_length():
    with pytest.raises(TypeError):
        len(rl_data.DataLoader(streams(rl_data)[0]))


def test_a_stream_longer_than_it_announced():
    class Stream(rl_data.IterableDataset):
        def __iter__(self):
            return iter(range(4))

        def __len__(self):
            return 2

    loader = rl_data.DataLoader(Stream())
    assert len(loader) == 2
    with pytest.warns(UserWarning, match="announced 2 batches"):
        assert len(list(loader)) == 4


def test_collate_fn_and_no_batching():
    assert list(rl_data.DataLoader("abcd", 3, collate_fn="".join)) == ["abc", "d"]
    array = np.ones(2)
    (sample,) = rl_data.DataLoader([array], batch_size=None)
    assert plain(sample) == ("torch.float64", [1.0, 1.0])


def test_iterators_are_independent():
    loader = rl_data.DataLoader(range(4), 2)
    first, second = iter(loader), iter(loader)
    next(first)
    assert plain(next(second)) == ("torch.int64", [0, 1])
    assert len(first) == 2
    next(first)
    with pytest.raises(StopIteration):
        next(first)


def test_pin_memory_without_an_accelerator_warns():
    if can_pin():
        pytest.skip("there is an accelerator")
    with pytest.warns(UserWarning, match="pin_memory"):
        assert len(list(rl_data.DataLoader(range(3), pin_memory=True))) == 3


def test_pin_memory_reaches_every_member():
    class Pinned:
        def pin_memory(self):
            return "pinned"

    data = {"a": [Pinned(), "text", 3], "b": (Pinned(), b"bytes")}
    assert pin_memory(data) == {"a": ["pinned", "text", 3], "b": ["pinned", b"bytes"]}


def test_more_workers_than_processors_warns():
    with pytest.warns(UserWarning, match="4096 workers"):
        rl_data.DataLoader(range(3), num_workers=4096)


def test_worker_info_outside_a_worker():
    assert rl_data.get_worker_info() is None


def test_classes_take_parameters():
    assert rl_data.DataLoader[int] and rl_data.Dataset[int] and rl_data.Sampler[int] and rl_data.Subset[int]
