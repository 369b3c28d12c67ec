"""Rows made of matrix products."""

from ops.kinds import composite
from ops.row import every

composite("addmm(input, mat1, mat2, *, beta: Number = 1, alpha: Number = 1)", out_rule="exact",
          exceptions={"node_name": "made of other rows, whose nodes it has"}, inplace=True, out=True, samples="addmm",
          onnx="Gemm", tolerance=1e-5,
          doc="beta * input + alpha * (mat1 @ mat2) of matrices; input is not read for beta 0.")
composite("addmv(input, mat, vec, *, beta: Number = 1, alpha: Number = 1)", out_rule="exact",
          exceptions={"node_name": "made of other rows, whose nodes it has"}, inplace=True, out=True, samples="addmv",
          tolerance=1e-5, doc="beta * input + alpha * (mat @ vec) of a matrix and a vector.")
composite("baddbmm(input, batch1, batch2, *, beta: Number = 1, alpha: Number = 1)", out_rule="exact",
          exceptions={"node_name": "made of other rows, whose nodes it has"},
          inplace=True, out=True,
          samples="baddbmm", tolerance=1e-5, doc="beta * input + alpha * (batch1 @ batch2) of batches of matrices.")
composite("addbmm(input, batch1, batch2, *, beta: Number = 1, alpha: Number = 1)", out_rule="exact",
          exceptions={"node_name": "made of other rows, whose nodes it has"},
          inplace=True, out=True,
          samples="addbmm", tolerance=1e-5,
          doc="beta * input + alpha * the sum of the products of two batches of matrices.")
composite("addr(input, vec1, vec2, *, beta: Number = 1, alpha: Number = 1)", types=every,
          exceptions={"layouts": "PyTorch keeps the order of a transposed input",
          "meta": "PyTorch keeps the order of a transposed input",
          "node_name": "made of other rows, whose nodes it has"}, inplace=True, out=True, samples="addr",
          tolerance=1e-5, doc="beta * input + alpha * the outer product of two vectors.")
composite("outer(input, vec2)", aliases=("ger",), out=True, samples="outer",
          doc="All products of an element of one vector and one of another.")
composite("inner(input, other)", out_rule="exact",
          exceptions={"out": "PyTorch records the gradient of some shapes into out",
          "node_name": "made of other rows, whose nodes it has"}, out=True,
          samples="inner", tolerance=1e-5,
          doc="The sums of products over the last dimension of both.")
composite("vdot(input, other)", out_rule="exact", exceptions={"node_name": "made of other rows, whose nodes it has"},
          out=True,
          samples="dot", tolerance=1e-5, doc="The inner product of two vectors.")
