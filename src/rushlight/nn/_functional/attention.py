"""Attention of several heads (Vaswani et al., 2017)."""

from __future__ import annotations

import math
from typing import Any

import rushlight
from rushlight import _native
from rushlight._native import Tensor

__all__ = ["multi_head_attention_forward"]


def canonical_mask(name: str, mask: Tensor | None, dtype: Any) -> Tensor | None:
    """A mask as numbers that are added: -inf where a bool one is True."""
    if mask is None or mask.is_floating_point():
        return mask
    if mask.dtype is not rushlight.bool:
        raise AssertionError(f"{name}: expected a bool or floating mask, met {mask.dtype}")
    return rushlight.zeros_like(mask, dtype=dtype).masked_fill_(mask, -math.inf)


def _check_shapes(query: Tensor, key: Tensor, value: Tensor, key_padding_mask: Tensor | None, attn_mask: Tensor | None,
                  num_heads: int) -> bool:
    """Whether the input has a batch; AssertionError where shapes do not go together."""
    batched = query.dim() == 3
    if query.dim() not in (2, 3):
        raise AssertionError(f"multi_head_attention_forward: expected a query of 2 or 3 dimensions, met {query.dim()}")
    if key.dim() != query.dim() or value.dim() != query.dim():
        raise AssertionError(f"multi_head_attention_forward: query, key and value must have as many dimensions, met "
                             f"{query.dim()}, {key.dim()} and {value.dim()}")
    if key_padding_mask is not None and key_padding_mask.dim() != query.dim() - 1:
        raise AssertionError(f"multi_head_attention_forward: expected a key_padding_mask of {query.dim() - 1} "
                             f"dimensions, met {key_padding_mask.dim()}")
    if attn_mask is not None:
        if attn_mask.dim() not in (2, 3):
            raise AssertionError("multi_head_attention_forward: expected an attn_mask of 2 or 3 dimensions, met "
                                 f"{attn_mask.dim()}")
        if not batched and attn_mask.dim() == 3 and tuple(attn_mask.shape) != (num_heads, query.size(0), key.size(0)):
            raise AssertionError("multi_head_attention_forward: expected an attn_mask of shape "
                                 f"{(num_heads, query.size(0), key.size(0))}, met {list(attn_mask.shape)}")
    return batched


def _projected(query: Tensor, key: Tensor, value: Tensor, weights: tuple[Any, Any, Any],
               bias: Tensor | None) -> list[Tensor]:
    biases = (None, None, None) if bias is None else bias.chunk(3)
    return [_native.linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases, strict=True)]


def _one_more(mask: Tensor | None) -> Tensor | None:
    """A mask with one more key, which is seen."""
    return None if mask is None else rushlight.nn.functional.pad(mask, (0, 1))


def multi_head_attention_forward(
    query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: int, num_heads: int, in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None, bias_k: Tensor | None, bias_v: Tensor | None, add_zero_attn: bool, dropout_p: float,
    out_proj_weight: Tensor, out_proj_bias: Tensor | None, training: bool = True,
    key_padding_mask: Tensor | None = None, need_weights: bool = True, attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False, q_proj_weight: Tensor | None = None, k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None, static_k: Tensor | None = None, static_v: Tensor | None = None,
    average_attn_weights: bool = True, is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Project query, key and value, attend with each head, and project what they saw.

    Args:
        query: (L, N, E) or (L, E).
        key, value: (S, N, *) or (S, *).
        in_proj_weight: (3 E, E); or with use_separate_proj_weight the three q_, k_ and v_proj_weight.
        key_padding_mask: (N, S) or (S): keys that are not seen, as True or as numbers that are added.
        attn_mask: (L, S) or (N * heads, L, S): likewise for pairs.
        static_k, static_v: (N * heads, S, E / heads), in place of the projected ones.
        is_causal: a hint that attn_mask is the causal one.
    Returns:
        (L, N, E), and with need_weights the weights (N, L, S), or of each head (N, heads, L, S).
    Raises:
        AssertionError: when shapes do not fit.
        RuntimeError: when is_causal comes without a mask, or a mask has the wrong size.
    """
    batched = _check_shapes(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        query, key, value = (x.unsqueeze(1) for x in (query, key, value))
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    length, n, embed = query.shape
    if is_causal and attn_mask is None:
        raise RuntimeError("multi_head_attention_forward: is_causal is a hint about attn_mask; give the mask too")
    padding = canonical_mask("key_padding_mask", key_padding_mask, query.dtype)
    causal = is_causal and padding is None and not need_weights
    mask = None if causal else canonical_mask("attn_mask", attn_mask, query.dtype)
    if embed != embed_dim_to_check or embed % num_heads:
        raise AssertionError(f"multi_head_attention_forward: expected {embed_dim_to_check} features, a multiple of "
                             f"{num_heads} heads, met {embed}")
    if use_separate_proj_weight:
        if key.shape[:2] != value.shape[:2]:
            raise AssertionError(f"multi_head_attention_forward: key {list(key.shape)} and value {list(value.shape)} "
                                 "differ in length or batch")
        weights: Any = (q_proj_weight, k_proj_weight, v_proj_weight)
    else:
        if key.shape != value.shape:
            raise AssertionError(f"multi_head_attention_forward: key {list(key.shape)} and value {list(value.shape)} "
                                 "differ in shape")
        weights = in_proj_weight.chunk(3)  # type: ignore[union-attr]
    q, k, v = _projected(query, key, value, weights, in_proj_bias)
    if mask is not None:
        wanted = (length, key.size(0)) if mask.dim() == 2 else (n * num_heads, length, key.size(0))
        if tuple(mask.shape) != wanted:
            raise RuntimeError(f"multi_head_attention_forward: expected an attn_mask of shape {wanted}, met "
                               f"{list(mask.shape)}")
        mask = mask.unsqueeze(0) if mask.dim() == 2 else mask
    if bias_k is not None and bias_v is not None:
        k = rushlight.cat([k, bias_k.expand(1, n, -1)])
        v = rushlight.cat([v, bias_v.expand(1, n, -1)])
        mask, padding = _one_more(mask), _one_more(padding)
    size = embed // num_heads
    q = q.reshape(length, n * num_heads, size).transpose(0, 1)
    k = k.reshape(k.size(0), n * num_heads, size).transpose(0, 1) if static_k is None else static_k
    v = v.reshape(v.size(0), n * num_heads, size).transpose(0, 1) if static_v is None else static_v
    if add_zero_attn:
        nothing = k.new_zeros(n * num_heads, 1, size)
        k, v = rushlight.cat([k, nothing], 1), rushlight.cat([v, nothing], 1)
        mask, padding = _one_more(mask), _one_more(padding)
    mask = _joined(mask, padding, n, num_heads, k.size(1))
    seen, attention = _attend(q, k, v, mask, dropout_p if training else 0.0, causal, need_weights, n)
    seen = seen.transpose(0, 1).reshape(length * n, embed)
    output = _native.linear(seen, out_proj_weight, out_proj_bias).view(length, n, -1)
    if attention is not None:
        attention = attention.view(n, num_heads, length, -1)
        attention = attention.mean(1) if average_attn_weights else attention
        attention = attention if batched else attention.squeeze(0)
    return output if batched else output.squeeze(1), attention


def _joined(mask: Tensor | None, padding: Tensor | None, n: int, num_heads: int, keys: int) -> Tensor | None:
    """Both masks as one, (1 or N * heads, 1 or L, S)."""
    if padding is None:
        return mask
    if tuple(padding.shape) != (n, keys):
        raise AssertionError(f"multi_head_attention_forward: expected a key_padding_mask of shape {(n, keys)}, met "
                             f"{list(padding.shape)}")
    spread = padding.view(n, 1, 1, keys).expand(-1, num_heads, -1, -1).reshape(n * num_heads, 1, keys)
    return spread if mask is None else mask + spread


def _attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dropout_p: float, causal: bool, need_weights: bool,
            n: int) -> tuple[Tensor, Tensor | None]:
    """(N * heads, L, size) that is seen, and the weights where they are wanted."""
    if need_weights:
        scores = (q * math.sqrt(1.0 / q.size(-1))) @ k.transpose(-2, -1)
        weights = (scores if mask is None else scores + mask).softmax(-1)
        if dropout_p > 0:
            weights = rushlight.nn.functional.dropout(weights, dropout_p)
        return weights @ v, weights
    heads = q.size(0) // n
    if mask is not None:
        mask = mask.unsqueeze(0) if mask.size(0) == 1 else mask.view(n, heads, *mask.shape[1:])
    q, k, v = (x.view(n, heads, x.size(1), x.size(2)) for x in (q, k, v))
    seen = rushlight.nn.functional.scaled_dot_product_attention(q, k, v, mask, dropout_p, causal)
    return seen.flatten(0, 1), None
