"""Rows that pick and place elements by index, and that join tensors."""

from ops.kinds import composite, inplace, kernel
from ops.row import every, floating, half_complex

kernel("index_select(input, dim: int, index)", out=True,
       grad={"input": "_index_add(g, input, dim, index)"}, samples="index_select", onnx="Gather",
       widens=False, doc="The slices at index (int64 or int32) along dim.")
kernel("_index_add(g, input: Sizes, dim: int, index)", run="index_select_grad", private=True, method=False,
       types=every + half_complex, grad={"g": "index_select(g, dim, index)"}, samples="none",
       doc="Zeros of that size, with the slices of g added at index along dim.")
kernel("_embedding(weight, indices, padding_idx: int, scale_grad_by_freq: bool)", run="embedding", private=True,
       method=False, widens=False, complex_gradient=False, node="EmbeddingBackward0", samples="none", onnx="Gather",
       grad={"weight": "_embedding_grad(g, weight, indices, padding_idx, scale_grad_by_freq)"},
       doc="The rows of weight (V, D) at indices (*): (*, D). The row padding_idx (-1: none) gets no gradient.")
kernel("_embedding_grad(g, weight: Sizes, indices, padding_idx: int, scale_grad_by_freq: bool)", run="embedding_grad",
       types=floating, private=True, method=False, samples="none",
       grad={"g": "_embedding_of_grad(g, indices, padding_idx)"},
       doc="Zeros of that size, with the rows of g added at indices, each divided by how often its index stands there "
           "where scale_grad_by_freq is True.")
composite("_embedding_of_grad(g, indices, padding_idx: int)", run="embedding_of_grad", private=True, method=False,
          samples="none", doc="The rows of g at indices, 0 at padding_idx.")
kernel("_index(input, indices: Indices)", run="index", private=True, method=False,
       grad={"input": "_index_put_grad(g, input, indices)"}, node="IndexBackward0", samples="none", onnx="GatherND",
       widens=False, doc="input[indices]: one index tensor (or None) a dimension, broadcast together.")
kernel("_index_put_grad(g, input: Sizes, indices: Indices)", run="index_put_grad", private=True, method=False,
       types=every + half_complex, grad={"g": "_index(g, indices)"}, samples="none",
       doc="Zeros of that size, with g added at the indices.")
inplace("index_put_(self, indices: Indices, values, accumulate: bool = False)", run="index_put",
        samples="none",
        grad={"self": "_index_clear(g, indices, accumulate)", "values": "_sum_to(_index(g, indices), values)"},
        widens=False, doc="Writes values at the indices, or adds them.")
composite("_index_clear(g, indices: Indices, accumulate: bool)", run="index_clear", private=True, method=False,
          samples="none", doc="g with zeros at the indices, unless accumulate.")
kernel("nonzero(input)", run="nonzero", samples="none", onnx="NonZero",
       returns=(), widens=False, doc="The indices of the nonzero elements, one row each.")
kernel("cat(tensors: Tensors, dim: int = 0)", method=False, grad={"tensors": "_cat_grad(g, tensors, dim)"},
       samples="none", out=True, out_rule="type_error", onnx="Concat", widens=False, doc="Joins tensors along dim.")
composite("_cat_grad(g, tensors: Tensors, dim: int)", run="cat_grad", private=True, method=False, returns=("*",),
          samples="none", doc="The pieces of g that belong to each tensor.")
kernel("stack(tensors: Tensors, dim: int = 0)", method=False,
       grad={"tensors": "_stack_grad(g, tensors, dim)"}, samples="none", out=True, onnx="ConcatFromSequence",
       widens=False, doc="Joins tensors along a new dimension.")
composite("_stack_grad(g, tensors: Tensors, dim: int)", run="stack_grad", private=True, method=False, returns=("*",),
          samples="none", doc="The slices of g that belong to each tensor.")
