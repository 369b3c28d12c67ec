"""Datasets, their combinations and splits, beside PyTorch's."""

import pytest
import torch as pt
import torch.utils.data as pt_data

import rushlight as rl
from rushlight.utils import data as rl_data

BOTH = [(rl, rl_data), (pt, pt_data)]


class Stream(rl_data.IterableDataset):
    def __init__(self, count):
        self.count = count

    def __iter__(self):
        return iter(range(self.count))


class SizedStream(Stream):
    def __len__(self):
        return self.count


def outcome(call):
    """The result, or the type of the exception."""
    try:
        return call()
    except Exception as error:
        return type(error)


def test_tensor_dataset_gives_rows():
    dataset = rl_data.TensorDataset(rl.tensor([[1.0, 2.0], [3.0, 4.0]]), rl.tensor([5, 6]))
    assert len(dataset) == 2
    assert [part.tolist() for part in dataset[1]] == [[3.0, 4.0], 6]
    assert [part.tolist() for part in dataset[-1]] == [[3.0, 4.0], 6]
    assert isinstance(dataset[0], tuple)


def test_tensor_dataset_refuses_different_lengths():
    with pytest.raises(AssertionError, match=r"\[2, 3\]"):
        rl_data.TensorDataset(rl.ones(2), rl.ones(3))


def test_dataset_without_getitem_says_what_is_missing():
    with pytest.raises(NotImplementedError, match="__getitem__"):
        rl_data.Dataset()[0]
    with pytest.raises(TypeError):
        len(rl_data.Dataset())
    with pytest.raises(TypeError):
        rl_data.IterableDataset()


@pytest.mark.parametrize("args,kwargs", [
    ((), {}), (([1], [2]), {}), (([1], [2, 3]), {}), (([1],), {"a": [1]}), ((), {"a": [1, 2], "b": [3, 4]}),
])
def test_stack_dataset_as_pytorch(args, kwargs):
    def use(module):
        stacked = module.StackDataset(*args, **kwargs)
        indices = list(range(len(stacked)))
        return len(stacked), [stacked[i] for i in indices], stacked.__getitems__(indices)

    assert outcome(lambda: use(rl_data)) == outcome(lambda: use(pt_data))


def test_stack_dataset_uses_getitems_and_checks_its_length():
    class Batched(list):
        def __getitems__(self, indices):
            return [f"batched {self[i]}" for i in indices]

    class Short(list):
        def __getitems__(self, indices):
            return []

    assert rl_data.StackDataset(Batched("ab"), [1, 2]).__getitems__([1, 0]) == [("batched b", 2), ("batched a", 1)]
    with pytest.raises(ValueError, match="0 samples for 1 indices"):
        rl_data.StackDataset(Short("ab")).__getitems__([0])


@pytest.mark.parametrize("index", [0, 1, 2, 3, -1, -4, -5, 4, "a"])
def test_concat_dataset_as_pytorch(index):
    parts = [["a"], [], ["b", "c", "d"]]
    assert outcome(lambda: rl_data.ConcatDataset(parts)[index]) == outcome(lambda: pt_data.ConcatDataset(parts)[index])


def test_concat_dataset_sizes_and_refusals():
    joined = rl_data.ConcatDataset(iter([[1], [2, 3]]))
    assert joined.cumulative_sizes == [1, 3] and len(joined) == 3
    with pytest.warns(FutureWarning):
        assert joined.cummulative_sizes == [1, 3]
    with pytest.raises(AssertionError):
        rl_data.ConcatDataset([])
    with pytest.raises(AssertionError, match="ChainDataset"):
        rl_data.ConcatDataset([Stream(2)])


def test_adding_datasets():
    class Letters(rl_data.Dataset):
        def __getitem__(self, index):
            return "ab"[index]

        def __len__(self):
            return 2

    assert [(Letters() + Letters())[i] for i in range(4)] == list("abab")
    assert list(Stream(2) + Stream(3)) == [0, 1, 0, 1, 2]


def test_chain_dataset():
    assert list(rl_data.ChainDataset([Stream(2), Stream(1)])) == [0, 1, 0]
    assert len(rl_data.ChainDataset([SizedStream(2), SizedStream(5)])) == 7
    with pytest.raises(TypeError):
        len(rl_data.ChainDataset([Stream(1)]))
    with pytest.raises(AssertionError):
        list(rl_data.ChainDataset([[1]]))


def test_subset():
    subset = rl_data.Subset("abcdef", [5, 0, 2])
    assert len(subset) == 3
    assert [subset[0], subset[-1]] == ["f", "c"]
    assert subset.__getitems__([2, 1]) == ["c", "a"]
    assert rl_data.Subset(rl.arange(5), [1, 2, 3])[[0, 2]].tolist() == [1, 3]
    with pytest.raises(IndexError):
        subset[3]


@pytest.mark.parametrize("lengths", [
    [3, 7], [10], [0, 10], [11, -1], [3, 3], [], [0.5, 0.5], [0.33, 0.33, 0.34], [0.1, 0.2, 0.7], [1.5, -0.5],
    [0.5, 0.6], [0.3, 0.3], [1.0], [1],
])
@pytest.mark.parametrize("seeded", [True, False])
@pytest.mark.filterwarnings("ignore")
def test_random_split_as_pytorch(lengths, seeded):
    def split(torch, module):
        torch.manual_seed(3)
        generator = torch.Generator().manual_seed(7) if seeded else torch.default_generator
        parts = module.random_split(range(10), lengths, generator=generator)
        return [list(part.indices) for part in parts], torch.rand(()).item()

    assert outcome(lambda: split(rl, rl_data)) == outcome(lambda: split(pt, pt_data))


def test_random_split_defaults_to_the_default_generator():
    orders = []
    for torch, module in BOTH:
        torch.manual_seed(11)
        orders.append([list(part.indices) for part in module.random_split(range(9), [4, 5])])
    assert orders[0] == orders[1]


def test_random_split_warns_of_empty_parts():
    with pytest.warns(UserWarning, match="position 1 is empty"):
        rl_data.random_split(range(10), [0.999, 0.001])
