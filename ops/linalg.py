"""Matrix products."""

from ops.kinds import composite, kernel
from ops.row import number

kernel("mm(input, mat2)", types=number, out=True, grad={"input": "mm(g, t(mat2))", "mat2": "mm(t(input), g)"},
       samples="mm", onnx="MatMul", tolerance=1e-5, doc="The product of two matrices.")
kernel("bmm(input, mat2)", types=number, out=True,
       grad={"input": "bmm(g, transpose(mat2, 1, 2))", "mat2": "bmm(transpose(input, 1, 2), g)"}, samples="bmm",
       onnx="MatMul", tolerance=1e-5, doc="Products of matrices, one for each of the leading dimension.")
kernel("mv(input, vec)", types=number, out=True, grad={"input": "unsqueeze(g, 1) * vec", "vec": "mv(t(input), g)"},
       samples="mv", tolerance=1e-5, doc="A matrix times a vector.")
kernel("dot(input, tensor)", types=number, out=True, grad={"input": "g * tensor", "tensor": "g * input"}, samples="dot",
       tolerance=1e-5, doc="The inner product of two vectors.")
composite("matmul(input, other)", out_rule="exact", samples="matmul", operator="@", out=True, onnx="MatMul",
          tolerance=1e-5,
          exceptions={"node_name": "PyTorch folds dimensions with a private view"},
          doc="The matrix product of the last two dimensions, broadcasting the others; vectors as rows or columns.")
kernel("linear(input, weight, bias: Tensor | None = None)", types=number, method=False, out=True,
       grad={"input": "_linear_input_grad(g, weight)",
             "weight": "_linear_weight_grad(g, input)",
             "bias": "_sum_to(g, bias)"}, samples="linear", node="AddmmBackward0",
       nodes={"dims(input) == 2 and bias is None": "MmBackward0"}, onnx="Gemm", tolerance=1e-5,
       exceptions={"node_name": "PyTorch multiplies without bias by another row"},
       doc="input @ weight.T + bias.")
composite("_linear_input_grad(g, weight)", run="linear_input_grad", private=True, method=False, samples="none",
          doc="g @ weight.")
composite("_linear_weight_grad(g, input)", run="linear_weight_grad", private=True, method=False, samples="none",
          doc="g.T @ input over all leading dimensions.")
