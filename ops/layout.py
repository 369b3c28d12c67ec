"""Views by other names, lists of views, and methods that change a tensor's own sizes and strides."""

from ops.kinds import composite, view
from ops.shape import STRIDED, STRIDED_VALUES

# ------------------------------------------------------------------ pieces along a dimension

composite("split(tensor, split_size_or_sections: PythonInt, dim: int = 0)", returns=("*",), multi_view=True,
          samples="split", doc="Pieces of that size along dim, the last one perhaps smaller.")
composite("split(tensor, split_size_or_sections: IntList, dim: int = 0)", overload="sections", run="split_with_sizes",
          returns=("*",), multi_view=True, samples="split_sections", doc="Pieces of those sizes along dim.")
composite("split_with_sizes(input, split_sizes: IntList, dim: int = 0)", returns=("*",), multi_view=True,
          samples="split_sections", doc="Pieces of those sizes along dim.")
composite("chunk(input, chunks: int, dim: int = 0)", returns=("*",), multi_view=True, samples="split",
          doc="At most so many pieces along dim, all but the last of one size.")
composite("tensor_split(input, sections: int, dim: int = 0)", returns=("*",), samples="split",
          doc="So many pieces along dim; the first ones are one longer where it does not divide.")
composite("tensor_split(input, indices: IntList, dim: int = 0)", overload="indices", run="tensor_split_at",
          returns=("*",), samples="split_indices", doc="The pieces between the indices along dim.")
composite("tensor_split(input, tensor_indices_or_sections, dim: int = 0)", overload="tensor",
          run="tensor_split_by_tensor", returns=("*",), samples="none",
          doc="As with sections (a 0-d tensor) or indices (1-d).")
for _name, _doc in (("hsplit", "columns (elements of a vector)"), ("vsplit", "rows"), ("dsplit", "slices of dim 2")):
    composite(f"{_name}(input, sections: int)", returns=("*",), samples="none", doc=f"So many equal pieces: {_doc}.")
    composite(f"{_name}(input, indices: IntList)", overload="indices", run=f"{_name}_at", returns=("*",),
              samples="none",
              doc=f"The pieces between the indices: {_doc}.")

# ------------------------------------------------------------------ other names, other shapes

composite("swapaxes(input, axis0: int, axis1: int)", run="swap_dims", samples="transpose", doc="Swaps two dimensions.")
composite("swapdims(input, dim0: int, dim1: int)", run="swap_dims", samples="transpose", doc="Swaps two dimensions.")
composite("moveaxis(input, source: Ints, destination: Ints)", samples="movedim",
          doc="Moves dimensions to other places.")
composite("adjoint(input)", samples="none", doc="The last two dimensions swapped, complex numbers conjugated.")
composite("unflatten(input, dim: int, sizes: IntList)", samples="none",
          doc="One dimension as several of those sizes. One size may be -1.")
composite("ravel(input)", samples="unary", doc="All elements in one dimension.")
composite("broadcast_to(input, size: IntList)", samples="none", doc="expand(size).")
composite("broadcast_tensors(*tensors: Tensor)", method=False, returns=("*",), samples="none",
          doc="The tensors expanded to their common shape.")
for _n in (1, 2, 3):
    composite(f"atleast_{_n}d(input)", method=False, samples="matrix", doc=f"A view of at least {_n} dimensions.")
    composite(f"atleast_{_n}d(*tensors)", overload="tensors", run=f"atleast_{_n}d_each", method=False, returns=("*",),
              samples="none", doc=f"Views of at least {_n} dimensions.")

# ------------------------------------------------------------------ a tensor's own sizes and strides

for _name, _arguments, _layout, _node, _grad in (
    ("transpose", "dim0: int, dim1: int", "transpose", "TransposeBackward1", "transpose(g, dim0, dim1)"),
    ("t", "", "t", "TBackward1", "t(g)"),
    ("unsqueeze", "dim: int", "unsqueeze", "UnsqueezeBackward1", "view(g, input)"),
    ("squeeze", "", "squeeze", "SqueezeBackward3", "view(g, input)"),
    ("squeeze_dims", "dim: Ints", "squeeze_dims", "SqueezeBackward4", "view(g, input)"),
    ("as_strided", STRIDED, "restrided", "AsStridedBackward1", f"_as_strided_backward(g, {STRIDED_VALUES})"),
):
    view(f"_own_{_name}(input{', ' * bool(_arguments)}{_arguments})", layout=_layout, node=_node, private=True,
         method=False, grad={"input": _grad}, bounds=_name == "as_strided", samples="none",
         doc=f"The view that {_name}_ turns a tensor into.")
for _signature, _run in (
    ("transpose_(self, dim0: int, dim1: int)", "transpose_self"),
    ("swapaxes_(self, axis0: int, axis1: int)", "transpose_self"),
    ("swapdims_(self, dim0: int, dim1: int)", "transpose_self"),
    ("t_(self)", "t_self"),
    ("unsqueeze_(self, dim: int)", "unsqueeze_self"),
    ("squeeze_(self)", "squeeze_self"),
    ("as_strided_(self, size: IntList, stride: IntList, storage_offset: int | None = None)", "as_strided_self"),
):
    composite(_signature, run=_run, function=False, samples="none",
              doc=f"{_signature.split('_(')[0]} in place: the tensor itself takes the view's sizes and strides.")
composite("squeeze_(self, dim: Ints)", overload="dim", run="squeeze_dims_self", function=False, samples="none",
          doc="squeeze(dim) in place: the tensor itself takes the view's sizes and strides.")
