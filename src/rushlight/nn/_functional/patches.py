"""Images as patches and back, values between channels and space, and the inverse of max pooling."""

from __future__ import annotations

import math
from typing import Any

import rushlight
from rushlight._native import Tensor

__all__ = ["channel_shuffle", "fold", "max_unpool1d", "max_unpool2d", "max_unpool3d", "native_channel_shuffle",
           "pixel_shuffle", "pixel_unshuffle", "unfold"]


def _pair(value: Any) -> tuple[int, int]:
    values = list(value) if isinstance(value, (tuple, list)) else [value]
    return (values[0], values[0]) if len(values) == 1 else (values[0], values[1])


class _Windows:
    """Where the patches of an image lie in the padded image."""

    def __init__(self, name: str, image: tuple[int, int], kernel: Any, dilation: Any, padding: Any,
                 stride: Any) -> None:
        self.kernel, self.padding = _pair(kernel), _pair(padding)
        reach, step = _pair(dilation), _pair(stride)
        if min(*self.kernel, *reach, *step) < 1 or min(self.padding) < 0:
            raise RuntimeError(f"{name}: kernel_size, dilation and stride must be at least 1 and padding at least 0, "
                               f"met {kernel}, {dilation}, {stride} and {padding}")
        self.padded = [size + 2 * p for size, p in zip(image, self.padding, strict=True)]
        self.count = [(self.padded[i] - reach[i] * (self.kernel[i] - 1) - 1) // step[i] + 1 for i in range(2)]
        if min(self.count) < 1:
            raise RuntimeError(f"{name}: a kernel of {self.kernel} with dilation {reach} does not fit into an image of "
                               f"{tuple(image)} with padding {self.padding}")
        rows, columns = (
            rushlight.arange(self.kernel[i]).unsqueeze(1) * reach[i] + rushlight.arange(self.count[i]) * step[i]
            for i in range(2)
        )
        # (kernel height, kernel width, patches down, patches across), flat in the padded image
        self.index = (rows[:, None, :, None] * self.padded[1] + columns[None, :, None, :]).flatten()


def unfold(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """The patches of images (N, C, H, W) or (C, H, W) as columns, (N, C * kernel elements, patches).

    Raises:
        RuntimeError: when no patch fits into the image.
    """
    if input.dim() not in (3, 4) or 0 in input.shape[-3:]:
        raise RuntimeError(f"unfold: expected images (N, C, H, W) or (C, H, W), met {list(input.shape)}")
    x = input if input.dim() == 4 else input.unsqueeze(0)
    windows = _Windows("unfold", (x.size(2), x.size(3)), kernel_size, dilation, padding, stride)
    down, across = windows.padding
    x = rushlight.nn.functional.pad(x, (across, across, down, down)).flatten(2).index_select(2, windows.index)
    x = x.reshape(x.size(0), x.size(1) * math.prod(windows.kernel), math.prod(windows.count))
    return x if input.dim() == 4 else x.squeeze(0)


def fold(input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0,
         stride: Any = 1) -> Tensor:
    """Sums patches (N, C * kernel elements, patches) up into images (N, C, *output_size).

    Raises:
        RuntimeError: when the input's sizes do not fit the patches of such an image.
    """
    if input.dim() not in (2, 3):
        raise RuntimeError(f"fold: expected patches (N, C * kernel, L) or (C * kernel, L), met {list(input.shape)}")
    x = input if input.dim() == 3 else input.unsqueeze(0)
    size = _pair(output_size)
    windows = _Windows("fold", size, kernel_size, dilation, padding, stride)
    per_channel, patches = math.prod(windows.kernel), math.prod(windows.count)
    if x.size(1) % per_channel or x.size(2) != patches:
        raise RuntimeError(f"fold: for an image of {size} and a kernel of {windows.kernel} the input must be (N, C * "
                           f"{per_channel}, {patches}), met {list(input.shape)}")
    n, channels = x.size(0), x.size(1) // per_channel
    sums = x.new_zeros(n, channels, math.prod(windows.padded))
    sums = sums.index_add(2, windows.index, x.reshape(n, channels, per_channel * patches))
    down, across = windows.padding
    y = sums.view(n, channels, *windows.padded).narrow(2, down, size[0]).narrow(3, across, size[1]).contiguous()
    return y if input.dim() == 3 else y.squeeze(0)


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """(*, C * r * r, H, W) becomes (*, C, H * r, W * r) (Shi et al., 2016).

    Raises:
        RuntimeError: when the number of channels is no multiple of r * r.
    """
    r = upscale_factor
    if input.dim() < 3 or r < 1 or input.size(-3) % (r * r):
        raise RuntimeError(f"pixel_shuffle: expected (*, C * {r} * {r}, H, W), met {list(input.shape)}")
    *batch, channels, height, width = input.shape
    x = input.reshape(*batch, channels // (r * r), r, r, height, width)
    d = len(batch)
    x = x.permute(*range(d), d, d + 3, d + 1, d + 4, d + 2)
    return x.clone(memory_format=rushlight.contiguous_format).view(*batch, channels // (r * r), height * r, width * r)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """(*, C, H * r, W * r) becomes (*, C * r * r, H, W).

    Raises:
        RuntimeError: when height or width is no multiple of r.
    """
    r = downscale_factor
    if input.dim() < 3 or r < 1 or input.size(-1) % r or input.size(-2) % r:
        raise RuntimeError(f"pixel_unshuffle: expected (*, C, H * {r}, W * {r}), met {list(input.shape)}")
    *batch, channels, height, width = input.shape
    d = len(batch)
    x = input.reshape(*batch, channels, height // r, r, width // r, r)
    x = x.permute(*range(d), d, d + 2, d + 4, d + 1, d + 3)
    return x.clone(memory_format=rushlight.contiguous_format).view(*batch, channels * r * r, height // r, width // r)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """The channels of (N, C, *), in ``groups`` groups, dealt out anew, one of each group in turn (Zhang et al., 2018).

    Raises:
        RuntimeError: when groups does not divide the number of channels.
    """
    if input.dim() < 3 or groups < 1 or input.size(1) % groups:
        raise RuntimeError(f"channel_shuffle: expected (N, C, *) with C a multiple of {groups}, met "
                           f"{list(input.shape)}")
    n, channels, *spatial = input.shape
    return input.reshape(n, groups, channels // groups, *spatial).transpose(1, 2).reshape(n, channels, *spatial)


native_channel_shuffle = channel_shuffle


def _unpool(rank: int, input: Tensor, indices: Tensor, kernel_size: Any, stride: Any, padding: Any,
            output_size: Any) -> Tensor:
    name = f"max_unpool{rank}d"
    if input.dim() not in (rank + 1, rank + 2) or input.shape != indices.shape:
        raise RuntimeError(f"{name}: expected input and indices of one shape with {rank} spatial dimensions, met "
                           f"{list(input.shape)} and {list(indices.shape)}")
    if indices.dtype is not rushlight.int64:
        raise RuntimeError(f"{name}: expected indices of dtype int64, met {indices.dtype}")
    kernel, step, pad = ([v] * rank if isinstance(v, int) else list(v)
                         for v in (kernel_size, kernel_size if stride is None else stride, padding))
    usual = [(input.size(i - rank) - 1) * step[i] + kernel[i] - 2 * pad[i] for i in range(rank)]
    sizes = usual if output_size is None else _chosen_sizes(name, list(output_size), usual, step)
    lead = list(input.shape[:-rank])
    flat = input.reshape(*lead, -1)
    places = indices.reshape(*lead, -1)
    if places.numel() and (int(places.min()) < 0 or int(places.max()) >= math.prod(sizes)):
        raise RuntimeError(f"{name}: an index lies outside of the output's {math.prod(sizes)} elements; is output_size "
                           f"{sizes} that of the pooled tensor?")
    return input.new_zeros(*lead, math.prod(sizes)).scatter(-1, places, flat).view(*lead, *sizes)


def _chosen_sizes(name: str, output_size: list[int], usual: list[int], step: list[int]) -> list[int]:
    sizes = output_size[-len(usual):]
    if len(output_size) not in (len(usual), len(usual) + 1, len(usual) + 2):
        raise ValueError(f"{name}: output_size must name {len(usual)} spatial dimensions, met {output_size}")
    if any(not u - s < size < u + s for size, u, s in zip(sizes, usual, step, strict=True)):
        raise ValueError(f"{name}: output_size {sizes} is further than the stride {step} from {usual}")
    return sizes


def max_unpool1d(input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
                 output_size: Any = None) -> Tensor:
    """The inverse of max_pool1d with return_indices: maxima at their places, 0 elsewhere."""
    return _unpool(1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
                 output_size: Any = None) -> Tensor:
    """The inverse of max_pool2d with return_indices: maxima at their places, 0 elsewhere."""
    return _unpool(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
                 output_size: Any = None) -> Tensor:
    """The inverse of max_pool3d with return_indices: maxima at their places, 0 elsewhere."""
    return _unpool(3, input, indices, kernel_size, stride, padding, output_size)
