"""Copies that rearrange, repeat or join elements."""

from ops.kinds import composite, creation, inplace, kernel

# ------------------------------------------------------------------ diagonals and triangles

kernel("diag_embed(input, offset: int = 0, dim1: int = -2, dim2: int = -1)",
       grad={"input": "diagonal(g, offset, dim1, dim2)"}, samples="diag_embed",
       widens=False, doc="Matrices that hold the last dimension on a diagonal, zeros elsewhere.")
kernel("_diagonal_copy(input, offset: int, dim1: int, dim2: int)", run="diagonal_copy", private=True, method=False,
       node="DiagonalBackward0_copy", grad={"input": "_diagonal_backward(g, input, offset, dim1, dim2)"},
       samples="none",
       widens=False, doc="A copy of the diagonal of two dimensions.")
composite("diag(input, diagonal: int = 0)", out_rule="exact", out=True, samples="diag",
          exceptions={"out": "PyTorch lets it write out= while a gradient is asked for"},
          doc="A vector as the diagonal of a matrix, or the diagonal of a matrix.")
composite("diagflat(input, offset: int = 0)", samples="diag", doc="All elements on the diagonal of a matrix.")
EXPANDED = {"writes_self": "the places of an expanded tensor are written in another order"}
for _name, _kept in (("tril", "on and below"), ("triu", "on and above")):
    kernel(f"{_name}(input, diagonal: int = 0)", out=True, grad={"input": f"{_name}(g, diagonal)"}, samples="triangle",
           widens=False, doc=f"What stands {_kept} the diagonal; zeros elsewhere.")
    inplace(f"{_name}_(self, diagonal: int = 0)", run=f"{_name}_in_place", grad={"self": f"{_name}(g, diagonal)"},
            samples="triangle", exceptions=EXPANDED if _name == "tril" else {},
            widens=False, doc=f"Keeps what stands {_kept} the diagonal.")
    creation(f"{_name}_indices(row: int, col: int, offset: int = 0)", samples="none",
             doc=f"The rows and columns of the elements {_kept} the diagonal.")

# ------------------------------------------------------------------ other orders

kernel("flip(input, *dims: int)", grad={"input": "flip(g, dims)"}, samples="flip",
       widens=False, doc="The elements in reverse order along dims.")
composite("fliplr(input)", samples="matrix", doc="The columns in reverse order.")
composite("flipud(input)", samples="matrix", doc="The rows in reverse order.")
kernel("roll(input, shifts: Ints, dims: Ints | None = ())", grad={"input": "_unroll(g, shifts, dims)"}, samples="roll",
       widens=False, doc="The elements moved along dims; what leaves at the end comes in at the start.")
composite("_unroll(input, shifts: Ints, dims: Ints)", run="unroll", private=True, method=False, samples="none",
          doc="Undoes roll(shifts, dims).")
kernel("rot90(input, k: int = 1, dims: IntList = (0, 1))", grad={"input": "rot90(g, -k, dims)"}, samples="rot90",
       widens=False, doc="Turned by k right angles in the plane of dims.")

# ------------------------------------------------------------------ repetition

kernel("repeat(input, *repeats: int)", function=False, grad={"input": "_repeat_grad(g, input, repeats)"},
       samples="repeat", widens=False, doc="Copies of the tensor side by side, so many along each dimension.")
composite("_repeat_grad(g, input: Sizes, repeats: Ints)", run="repeat_grad", private=True, method=False, samples="none",
          doc="The sum of g over all copies that repeat made.")
composite("tile(input, *dims: int)", samples="tile", doc="repeat, with dims filled up by ones at the front.")
composite("repeat_interleave(input, repeats: int, dim: int | None = None, *, output_size: int | None = None)",
          samples="repeat_interleave", doc="Each element along dim (or of all, in one dimension) so many times.")
composite("repeat_interleave(input, repeats, dim: int | None = None, *, output_size: int | None = None)",
          overload="tensor", run="repeat_interleave_each", samples="none",
          doc="Each element along dim as often as repeats says for it.")
composite("repeat_interleave(repeats, *, output_size: int | None = None)", overload="index",
          run="repeat_interleave_index", method=False, samples="none",
          doc="0, 1, ... each as often as repeats says for it.")

# ------------------------------------------------------------------ grids and joins

composite("meshgrid(*tensors, indexing: str | None = None)", method=False, returns=("*",), samples="none",
          doc="The coordinates of a grid over vectors: rows first ('ij') or columns first ('xy').")
composite("cartesian_prod(*tensors: Tensor)", method=False, samples="none", doc="All tuples of elements, one a row.")
composite("combinations(input, r: int = 2, with_replacement: bool = False)", method=False, samples="combinations",
          exceptions={"meta": "PyTorch refuses; the size is known here"},
          doc="All choices of r elements of a vector, one a row.")
composite("block_diag(*tensors: Tensor)", method=False, samples="none",
          doc="A matrix with the tensors along its diagonal.")
for _name, _doc in (
    ("hstack", "along columns (vectors: end to end)"),
    ("vstack", "as rows"),
    ("row_stack", "as rows"),
    ("dstack", "along a third dimension"),
    ("column_stack", "as columns"),
):
    composite(f"{_name}(tensors: Tensors)", method=False, out=True, out_rule="type_error", samples="stacked",
              doc=f"Joins tensors {_doc}.")
for _name in ("concat", "concatenate"):
    composite(f"{_name}(tensors: Tensors, dim: int = 0)", run="concat", method=False, out=True, out_rule="type_error",
              samples="stacked", doc="Joins tensors along dim.")

# ------------------------------------------------------------------ padding

kernel("constant_pad_nd(input, pad: IntList, value: Number = 0)", method=False,
       grad={"input": "_pad_grad(g, pad)"}, samples="pad", widens=False,
       doc="value around the tensor: pad has the widths before and after the last dimension, then of the one before.")
composite("_pad_grad(g, pad: IntList)", run="pad_grad", private=True, method=False, samples="none",
          doc="The part of g that came from the padded tensor.")
composite("_pad(input, pad: IntList, mode: str = 'constant', value: float = 0)", run="pad", private=True,
          method=False, samples="none", doc="Padding by a constant or by the tensor's own elements.")
