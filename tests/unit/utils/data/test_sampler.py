"""Samplers draw PyTorch's numbers in PyTorch's order."""

import pytest
import torch as pt
import torch.utils.data as pt_data

import rushlight as rl
from rushlight.utils import data as rl_data


def epochs(torch, make, count=2):
    """The indices of some epochs, and a number drawn afterwards, which tells how much was drawn."""
    torch.manual_seed(5)
    sampler = make()
    return [list(sampler) for _ in range(count)], len(sampler), torch.rand(()).item()


def raised(make):
    try:
        make()
    except Exception as error:
        return type(error)
    return None


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("arguments", [
    {}, {"num_samples": 3}, {"num_samples": 7}, {"num_samples": 14}, {"num_samples": 20}, {"replacement": True},
    {"replacement": True, "num_samples": 64}, {"replacement": True, "num_samples": 33},
])
@pytest.mark.parametrize("own_generator", [False, True])
def test_random_sampler_as_pytorch(size, arguments, own_generator):
    def run(torch, data):
        generator = torch.Generator().manual_seed(9) if own_generator else None
        result = epochs(torch, lambda: data.RandomSampler(range(size), generator=generator, **arguments))
        return result, torch.rand((), generator=generator).item()

    assert run(rl, rl_data) == run(pt, pt_data)


@pytest.mark.parametrize("arguments", [
    {"replacement": 1}, {"num_samples": 0}, {"num_samples": -2}, {"num_samples": 1.5}, {"num_samples": "a"},
])
def test_random_sampler_refusals_as_pytorch(arguments):
    expected = raised(lambda: pt_data.RandomSampler([1], **arguments))
    assert expected is not None
    with pytest.raises(expected, match="RandomSampler"):
        rl_data.RandomSampler([1], **arguments)


def test_random_sampler_of_nothing():
    with pytest.raises(ValueError, match="num_samples"):
        rl_data.RandomSampler([])


def test_sequential_sampler():
    sampler = rl_data.SequentialSampler("abc")
    assert list(sampler) == [0, 1, 2] and len(sampler) == 3


@pytest.mark.parametrize("own_generator", [False, True])
def test_subset_random_sampler_as_pytorch(own_generator):
    def run(torch, data):
        generator = torch.Generator().manual_seed(9) if own_generator else None
        return epochs(torch, lambda: data.SubsetRandomSampler([3, 1, 4, 15, 9], generator=generator))

    assert run(rl, rl_data) == run(pt, pt_data)


@pytest.mark.skipif(not hasattr(rl, "multinomial"), reason="the draws are multinomial's, which has no row yet")
@pytest.mark.parametrize("num_samples,replacement", [(1, True), (10, True), (4, False), (3, False)])
def test_weighted_random_sampler_as_pytorch(num_samples, replacement):
    weights = [0.5, 3.0, 0.0, 1.0, 2.0]

    def run(torch, data):
        return epochs(torch, lambda: data.WeightedRandomSampler(weights, num_samples, replacement))

    assert run(rl, rl_data) == run(pt, pt_data)


@pytest.mark.parametrize("arguments", [
    ([1.0], 0), ([1.0], True), ([1.0], 1.5), ([1.0], 1, 1), ([[1.0]], 1), ([1.0], -1),
])
def test_weighted_random_sampler_refusals_as_pytorch(arguments):
    expected = raised(lambda: pt_data.WeightedRandomSampler(*arguments))
    assert expected is not None
    with pytest.raises(expected, match="WeightedRandomSampler"):
        rl_data.WeightedRandomSampler(*arguments)


@pytest.mark.parametrize("size", [0, 1, 6, 7])
@pytest.mark.parametrize("batch_size", [1, 2, 3, 10])
@pytest.mark.parametrize("drop_last", [False, True])
def test_batch_sampler_as_pytorch(size, batch_size, drop_last):
    ours = rl_data.BatchSampler(range(size), batch_size, drop_last)
    theirs = pt_data.BatchSampler(range(size), batch_size, drop_last)
    assert list(ours) == list(theirs)
    assert len(ours) == len(theirs)


@pytest.mark.parametrize("batch_size,drop_last", [
    (0, False), (-1, False), (True, False), (2.0, False), ("2", False), (2, 1),
])
def test_batch_sampler_refusals(batch_size, drop_last):
    with pytest.raises(ValueError, match="BatchSampler"):
        rl_data.BatchSampler([1], batch_size, drop_last)


def test_batch_sampler_takes_from_its_sampler_only_what_it_needs():
    taken = []

    def indices():
        for index in range(10):
            taken.append(index)
            yield index

    batches = iter(rl_data.BatchSampler(indices(), 3, False))
    next(batches)
    assert taken == [0, 1, 2]


def test_sampler_without_iter():
    with pytest.raises(NotImplementedError, match="__iter__"):
        iter(rl_data.Sampler())


@pytest.mark.parametrize("size", [0, 1, 5, 10, 11])
@pytest.mark.parametrize("replicas", [1, 2, 3])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("drop_last", [True, False])
def test_distributed_sampler_as_pytorch(size, replicas, shuffle, drop_last):
    def run(data):
        result = []
        for rank in range(replicas):
            sampler = data.DistributedSampler(
                range(size), replicas, rank, shuffle=shuffle, seed=3, drop_last=drop_last
            )
            sampler.set_epoch(2)
            result.append((list(sampler), len(sampler), sampler.total_size))
        return result

    assert run(rl_data) == run(pt_data)


@pytest.mark.parametrize("rank", [-1, 2])
def test_distributed_sampler_refuses_a_rank_outside(rank):
    with pytest.raises(ValueError, match="rank"):
        rl_data.DistributedSampler(range(4), 2, rank)


def test_distributed_sampler_without_a_process_group():
    with pytest.raises((ValueError, RuntimeError), match="rank"):
        rl_data.DistributedSampler(range(4), 2)
