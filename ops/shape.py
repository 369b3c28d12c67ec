"""Views, and the rows around them: no kernel runs unless a copy is asked for."""

from ops.kinds import composite, inplace, kernel, view
from ops.row import every, half_complex

# A view by sizes and strides, and the layout of what it is a view of.
STRIDED_VALUES = "size, stride, storage_offset, input_size, input_stride, input_offset"
STRIDED = ("size: IntList, stride: IntList, storage_offset: int, "
           "input_size: IntList, input_stride: IntList, input_offset: int")

view("view(input, *size: int)", layout="view", function=False, grad={"input": "reshape(g, input)"}, samples="view",
     onnx="Reshape", doc="The same elements in another shape, without a copy. One size may be -1.")
composite("view(input, dtype: DType)", overload="dtype", run="view_dtype", function=False, samples="none",
          doc="The same bytes as elements of another dtype; the last size changes where the element sizes differ.")
view("transpose(input, dim0: int, dim1: int)", layout="transpose", grad={"input": "transpose(g, dim0, dim1)"},
     samples="transpose", onnx="Transpose",
     doc="Swaps two dimensions.")
view("t(input)", layout="t", grad={"input": "t(g)"}, samples="matrix", onnx="Transpose",
     doc="The transpose of a matrix; a vector as it is.")
view("permute(input, *dims: int)", layout="permute", grad={"input": "_unpermute(g, dims)"}, samples="permute",
     onnx="Transpose", doc="Reorders the dimensions.")
view("_unpermute(input, dims: Ints)", layout="unpermute", private=True, method=False,
     grad={"input": "permute(g, dims)"}, samples="none", doc="Undoes permute(dims).")
view("expand(input, *size: int)", layout="expand", function=False, grad={"input": "_sum_to(g, input)"},
     samples="expand", onnx="Expand", doc="Repeats dimensions of size 1 without copying. -1 keeps a size.")
view("select(input, dim: int, index: int)", layout="select", grad={"input": "_select_backward(g, input, dim, index)"},
     samples="select", onnx="Gather", doc="The slice at index along dim, without that dimension.")
view("slice(input, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1)", layout="slice",
     function=False, method=False, private=True, grad={"input": "_slice_backward(g, input, dim, start, end, step)"},
     samples="slice", onnx="Slice", doc="input[start:end:step] along dim.")
view("narrow(input, dim: int, start: int, length: int)", layout="narrow",
     grad={"input": "_narrow_backward(g, input, dim, start, length)"}, samples="narrow", node="SliceBackward0",
     onnx="Slice", doc="input[start:start + length] along dim.")
view("unsqueeze(input, dim: int)", layout="unsqueeze", grad={"input": "view(g, input)"}, samples="unsqueeze",
     onnx="Unsqueeze",
     doc="Inserts a dimension of size 1.")
view("squeeze(input)", layout="squeeze", grad={"input": "view(g, input)"}, samples="squeeze", onnx="Squeeze",
     doc="Drops all dimensions of size 1.")
view("squeeze(input, dim: Ints)", overload="dim", layout="squeeze_dims", node="SqueezeBackward1",
     nodes={"count(dim) != 1": "SqueezeBackward2"},
     grad={"input": "view(g, input)"}, samples="squeeze_dim", onnx="Squeeze",
     doc="Drops the named dimensions where their size is 1.")
composite("as_strided(input, size: IntList, stride: IntList, storage_offset: int | None = None)", samples="none",
          doc="Any sizes, strides and offset over the tensor's storage.")
view(f"_as_strided(input, {STRIDED})", layout="restrided", bounds=True, private=True, method=False, samples="none",
     node="AsStridedBackward0", grad={"input": f"_as_strided_backward(g, {STRIDED_VALUES})"},
     doc="as_strided of an input whose own layout is given too: the gradient needs both.")
view("diagonal(input, offset: int = 0, dim1: int = 0, dim2: int = 1)", layout="diagonal",
     grad={"input": "_diagonal_backward(g, input, offset, dim1, dim2)"}, samples="matrix",
     doc="The diagonal of two dimensions, as the last one.")
view("unfold(input, dimension: int, size: int, step: int)", layout="unfold", function=False,
     grad={"input": "_unfold_backward(g, input, dimension, size, step)"}, samples="unfold",
     doc="Windows along a dimension, as a new last one.")
view("movedim(input, source: Ints, destination: Ints)", layout="movedim",
     grad={"input": "movedim(g, destination, source)"}, samples="movedim", node="PermuteBackward0",
     doc="Moves dimensions to other places.")
view("alias(input)", layout="detach", function=False, method=False, private=True, node="AliasBackward0",
     grad={"input": "g"}, samples="none", doc="The same tensor as a new view of it.")
view("detach(input)", layout="detach", samples="unary",
     doc="The same memory without history: no gradient flows through it.")

# ------------------------------------------------------------------ gradients of views: zeros with g in the view

for _name, _arguments, _call in (
    ("select", "dim: int, index: int", "dim, index"),
    ("slice", "dim: int, start: int | None, end: int | None, step: int", "dim, start, end, step"),
    ("narrow", "dim: int, start: int, length: int", "dim, start, length"),
    ("diagonal", "offset: int, dim1: int, dim2: int", "offset, dim1, dim2"),
    ("unfold", "dimension: int, size: int, step: int", "dimension, size, step"),
):
    kernel(f"_{_name}_backward(g, input: Sizes, {_arguments})", run=f"{_name}_backward", private=True, method=False,
           grad={"g": f"{_name}(g, {_call})"}, samples="none",
           types=every + half_complex, widens=_name == "unfold",  # whose places may coincide: there g is added
           doc=f"The gradient of {_name}: zeros with g at the view's places.")
kernel(f"_as_strided_backward(g, {STRIDED})", private=True, method=False, samples="none",
       types=every + half_complex, grad={"g": f"_as_strided_again(g, {STRIDED_VALUES})"},
       doc="The gradient of as_strided: g put into memory at the view's places, read at the input's.")
kernel(f"_as_strided_again(t, {STRIDED})", private=True, method=False, samples="none",
       types=every + half_complex, grad={"t": f"_as_strided_backward(g, {STRIDED_VALUES})"},
       doc="as_strided of t as if it were the input: put into memory at the input's places, read at the view's.")
composite("_sum_to(input, size: Sizes)", run="sum_to", private=True, method=False, samples="none",
          doc="Sums what broadcasting had repeated.")

# ------------------------------------------------------------------ copies and conversions

kernel("clone(input, *, memory_format: MemoryFormat | None = None)", grad={"input": "g"}, samples="unary",
       onnx="Identity", widens=False, doc="A copy; gradients flow through it.")
composite("contiguous(input, *, memory_format: MemoryFormat | None = None)", function=False, samples="unary",
          doc="The tensor itself where it is row-major, a copy elsewhere.")
composite("reshape(input, *shape: int)", samples="view", onnx="Reshape",
          doc="A view where strides allow it, a copy elsewhere.")
view("_reshape_alias(input, size: IntList)", layout="view", private=True, method=False, samples="none",
     onnx="Reshape", grad={"input": "reshape(g, input)"},
     doc="view() of what is not contiguous, under the name it has in a graph.")
kernel("_unsafe_view(input, size: IntList)", run="unsafe_view", private=True, method=False, samples="none",
       widens=False, onnx="Reshape", grad={"input": "reshape(g, input)"},
       doc="view() of memory that nobody else holds: no view to autograd, so that a write needs no base.")
composite("flatten(input, start_dim: int = 0, end_dim: int = -1)", samples="unary", onnx="Flatten",
          doc="Merges the dimensions from start_dim to end_dim.")
composite("view_as(input, other)", function=False, samples="none", doc="view(other.size()).")
composite("expand_as(input, other)", function=False, samples="none", doc="expand(other.size()).")
composite("reshape_as(input, other)", function=False, samples="none", doc="reshape(other.size()).")
composite("unbind(input, dim: int = 0)", returns=("*",), samples="unary", multi_view=True,
          doc="The slices along dim, as a tuple of views.")
kernel("_to_copy(input, dtype: DType)", run="to_copy", private=True, method=False, grad={"input": "g"},
       node="ToCopyBackward0", ends_at_integers=True, samples="none", onnx="Cast", widens=False,
       doc="A copy in another dtype.")
inplace("copy_(self, src: Operand, non_blocking: bool = False)", run="copy", grad={"self": "zeros_like(g)", "src": "g"},
        node="CopyBackwards", ends_at_integers=True, samples="copy", widens=False,
        doc="Writes src, broadcast and converted, into self.")
inplace("fill_(self, value: Operand)", run="fill", grad={"self": "zeros_like(g)", "value": "sum(g)"}, samples="fill",
        node="FillBackward3", nodes={"number(value)": "FillBackward2"}, function=True,
        widens=False, doc="Sets every element.")
kernel("fill(input, value: Operand)", run="filled", method=False, grad={"input": "zeros_like(g)", "value": "sum(g)"},
       samples="fill", node="FillBackward1", nodes={"number(value)": "FillBackward0"}, widens=False,
       doc="A tensor like input, with value everywhere.")
inplace("zero_(self)", run="zero", grad={"self": "zeros_like(g)"}, samples="unary", function=True,
        widens=False, doc="Sets every element to 0.")
