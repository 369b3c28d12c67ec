"""Tensors made from sizes and numbers."""

from ops.kinds import creation
from ops.row import every

creation("empty(*size: int, memory_format: MemoryFormat | None = None)", samples="none", doc="Uninitialised memory.")
creation("zeros(*size: int)", samples="none", onnx="ConstantOfShape", doc="All 0.")
creation("ones(*size: int)", samples="none", onnx="ConstantOfShape", doc="All 1.")
creation("full(size: IntList, fill_value: Number)", samples="none", onnx="ConstantOfShape", doc="All fill_value.")
creation("arange(end: Number)", samples="none", onnx="Range", doc="0, 1, ... below end.")
creation("arange(start: Number, end: Number, step: Number = 1)", overload="start", run="arange_start", samples="none",
         onnx="Range", doc="start, start + step, ... before end.")
creation("eye(n: int, m: int | None = None)", types=every, samples="none", onnx="EyeLike", doc="Ones on the diagonal.")
creation("empty_like(input, *, memory_format: MemoryFormat | None = None)", samples="none",
         doc="Uninitialised, in the shape of input.")
creation("zeros_like(input, *, memory_format: MemoryFormat | None = None)", samples="none",
         doc="0 in the shape of input.")
creation("ones_like(input, *, memory_format: MemoryFormat | None = None)", samples="none",
         doc="1 in the shape of input.")
creation("scalar_tensor(s: Number)", samples="none", doc="A 0-d tensor of s, of the default dtype where none is given.")
creation("full_like(input, fill_value: Number, *, memory_format: MemoryFormat | None = None)", samples="none",
         doc="fill_value in the shape of input.")
creation("empty_strided(size: IntList, stride: IntList)", samples="none",
         doc="Uninitialised memory of those sizes and strides.")
