#include "python/indexing.h"

#include <algorithm>

#include "gen/ops/creation.h"
#include "gen/ops/gather.h"
#include "gen/ops/indexing.h"
#include "gen/ops/shape.h"
#include "iterate/pointwise.h"
#include "python/call.h"
#include "python/data.h"
#include "tensor/error_text.h"

namespace rl {
namespace {

bool is_whole_number(PyObject* o) {
  if (PyBool_Check(o)) return false;
  return PyLong_Check(o) || (!is_tensor(o) && !PySequence_Check(o) && PyIndex_Check(o));
}

// A list is one index tensor, unless something in it can only be an index of its own.
bool is_tuple_in_disguise(PyObject* o) {
  if (!PyList_Check(o) || PyList_GET_SIZE(o) >= 32) return false;
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(o); ++i) {
    PyObject* item = PyList_GET_ITEM(o, i);
    if (is_tensor(item) || PySlice_Check(item) || item == Py_None || item == Py_Ellipsis) return true;
    if (PySequence_Check(item) && !PyUnicode_Check(item)) return true;
  }
  return false;
}

std::optional<int64_t> slice_bound(PyObject* o) {
  int64_t small;
  if (small_integer_from(o, &small)) return small;
  if (o == Py_None) return std::nullopt;
  if (PyLong_CheckExact(o)) return PyNumber_AsSsize_t(o, nullptr);
  PyRef index = PyRef::steal(PyNumber_Index(o));
  if (!index) throw PythonError();
  Py_ssize_t v = PyNumber_AsSsize_t(index.get(), nullptr);  // clips, as Python's own slices do
  return v;
}

int64_t slice_step(PyObject* o) {
  int64_t step = slice_bound(o).value_or(1);
  RL_CHECK(step > 0, Value, "index: the step of a slice must be at least 1, got %lld; use .flip(dim) to reverse",
           (long long)step);
  return step;
}

Ref take_slice(const Ref& x, int dim, PyObject* slice) {
  auto* s = reinterpret_cast<PySliceObject*>(slice);
  int64_t step = slice_step(s->step);
  return ops::slice(x, dim, slice_bound(s->start), slice_bound(s->stop), step);
}

// x[..., i] at `dim`; `whole` and `place` are that of the tensor the user indexes, for the error.
Ref pick(In x, int dim, int64_t i, const Tensor* whole, int place) {
  const int64_t n = x->dims[dim];
  if (i < -n || i >= n) [[unlikely]]
    fail_index("index", i, whole->sizes(), place);
  return ops::select(x, dim, i);
}

// How many dimensions of the indexed tensor an item uses up.
int consumed(PyObject* o) {
  if (o == Py_None || o == Py_Ellipsis || PyBool_Check(o)) return 0;
  if (is_tensor(o)) {
    Tensor* t = reinterpret_cast<Tensor*>(o);
    if (t->dtype == DType::Bool || t->dtype == DType::UInt8) return t->ndim;
  }
  return 1;
}

class Index {
 public:
  Index(Tensor* x, PyObject* index) : whole_(x), at_(Ref::retain(x)) {
    if (PyTuple_Check(index)) {
      items_ = PyRef::retain(index);
    } else if (is_tuple_in_disguise(index)) {
      items_ = PyRef::steal(PyList_AsTuple(index));
    } else {
      items_ = PyRef::steal(PyTuple_Pack(1, index));
    }
    if (!items_) throw PythonError();
    walk();
  }

  // The view that the plain part of the index selects, and the index tensors over it.
  const Ref& view() const { return at_; }
  bool advanced() const { return !indices_.empty(); }
  const std::vector<Ref>& indices() const { return indices_; }

 private:
  void walk() {
    PyObject* tuple = items_.get();
    Py_ssize_t n = PyTuple_GET_SIZE(tuple);
    int used = 0;
    std::vector<PyRef> converted;
    for (Py_ssize_t i = 0; i < n; ++i) {
      PyObject* o = PyTuple_GET_ITEM(tuple, i);
      bool data = !is_tensor(o) && !PySlice_Check(o) && o != Py_None && o != Py_Ellipsis && !PyBool_Check(o) &&
                  !is_whole_number(o);
      if (data) {
        RL_CHECK(PySequence_Check(o), Index,
                 "index: %s cannot be an index; expected integers, slices, None, ..., bools, index tensors or "
                 "sequences of integers",
                 Py_TYPE(o)->tp_name);
        RL_CHECK(!PyUnicode_Check(o), Type,
                 "index: a str cannot be an index; expected integers, slices, None, ..., bools, index tensors or "
                 "sequences of integers");
        converted.push_back(PyRef::steal(index_data(o).to_python()));
      } else {
        converted.push_back(PyRef::retain(o));
      }
      used += consumed(converted.back().get());
    }
    RL_CHECK(used <= at_->ndim, Index, "index: %d indices for shape %s, which takes at most %d; leave out %d", used,
             to_string(at_->sizes()).c_str(), at_->ndim, used - at_->ndim);
    int dim = 0, free = at_->ndim - used;
    for (PyRef& item : converted) {
      apply(item.get(), dim, free);
      place_ += item.get() == Py_Ellipsis ? free : consumed(item.get());
    }
  }

  static Ref index_data(PyObject* o) {
    if (PyList_Check(o) || PyTuple_Check(o))
      for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(o); ++i)
        RL_CHECK(!PyUnicode_Check(PySequence_Fast_GET_ITEM(o, i)), Type, "index: a string cannot be an index");
    Ref t = tensor_from(o, std::nullopt);
    return t->dtype == DType::Bool || t->dtype == DType::UInt8 ? t : as_dtype(t.get(), DType::Int64);
  }

  void apply(PyObject* o, int& dim, int free) {
    if (PyBool_Check(o)) return add_bool(o == Py_True, dim);
    if (is_whole_number(o)) {
      int64_t i;
      integer_from(o, &i);
      at_ = pick(at_, dim, i, whole_, place_);
    } else if (PySlice_Check(o)) {
      auto* s = reinterpret_cast<PySliceObject*>(o);
      if (s->start != Py_None || s->stop != Py_None || s->step != Py_None) at_ = take_slice(at_, dim, o);
      ++dim;
    } else if (o == Py_Ellipsis) {
      dim += free;
    } else if (o == Py_None) {
      at_ = ops::unsqueeze(at_, dim++);
    } else {
      add_tensor(reinterpret_cast<Tensor*>(o), dim);
    }
  }

  void add_bool(bool value, int& dim) {
    at_ = ops::unsqueeze(at_, dim);
    add_index(value ? ops::zeros(Dims{1}, Options{DType::Int64, {}}) : ops::zeros(Dims{0}, Options{DType::Int64, {}}),
              dim++);
  }

  void add_tensor(Tensor* t, int& dim) {
    if (t->dtype == DType::Bool || t->dtype == DType::UInt8) {
      if (t->ndim == 0) return add_bool(PyObject_IsTrue(PyRef::steal(item(t)).get()), dim);
      add_index(Ref::retain(t), dim);
      dim += t->ndim;
      masked_ += t->ndim - 1;
      return;
    }
    if (t->ndim == 0 && is_integral(t->dtype)) {
      at_ = ops::select(at_, dim, *as_dtype(t, DType::Int64)->data_as<int64_t>());
      return;
    }
    RL_CHECK(
        t->dtype == DType::Int64 || t->dtype == DType::Int32, Index,
        "index: an index tensor must be int64, int32 or bool, got %s; convert it with .long(), or compare for a mask",
        name_of(t->dtype));
    add_index(as_dtype(t, DType::Int64), dim++);
  }

  void add_index(Ref index, int dim) {
    indices_.resize(static_cast<size_t>(dim - masked_));
    indices_.push_back(std::move(index));
  }

  PyRef items_;
  const Tensor* whole_;
  int place_ = 0;  // the dimension of `whole_` that comes next
  Ref at_;
  std::vector<Ref> indices_;
  int masked_ = 0;  // the dimensions that masks cover beyond one each
};

// A value may have more leading dimensions of size 1 than the place it goes to.
Ref without_leading_ones(Ref value) {
  int drop = 0;
  while (drop < value->ndim && value->dims[drop] == 1) ++drop;
  if (!drop) return value;
  return ops::view(value, DimSpan(value->dims + drop, value->ndim - drop));
}

// A number that is to be written into a tensor of that dtype.
Scalar written_number(PyObject* value, DType dtype) {
  Scalar number;
  RL_CHECK(PyFloat_Check(value) || PyComplex_Check(value) || PyBool_Check(value) || is_whole_number(value), Type,
           "index: a tensor's elements are set from numbers and tensors, not from %s; convert it with tensor(...)",
           Py_TYPE(value)->tp_name);
  if (PyBool_Check(value) || !is_whole_number(value)) {
    number_from(value, &number);
  } else {
    int64_t whole;
    integer_from(value, &whole);
    number = Scalar(whole);
  }
  RL_CHECK(number.category < Category::Complex || is_complex(dtype) || dtype == DType::Bool, Runtime,
           "index: a complex value does not fit a tensor of dtype %s", name_of(dtype));
  return number;
}

}  // namespace

PyObject* get_item(PyObject* self, PyObject* index) {
  try {
    if ((modes & kFunctionMode) || (!is_exact_tensor(self) && has_torch_function(self)))
      return Call(self, &index, 1, nullptr).torch_function("__getitem__", true);
    Tensor* x = reinterpret_cast<Tensor*>(self);
    if (PyLong_CheckExact(index)) {
      int64_t i;
      integer_from(index, &i);
      RL_CHECK(x->ndim > 0, Index, "index: a 0-d tensor has no dimension to index; use .item() for its value");
      return pick(In(x), 0, i, x, 0).to_python();
    }
    if (PySlice_Check(index) && x->ndim > 0) return take_slice(Ref::retain(x), 0, index).to_python();
    Index i(x, index);
    if (i.advanced()) return ops::_index(i.view(), Tensors(i.indices())).to_python();
    return returned(i.view().get() == x ? ops::alias(In(x)) : i.view());
  } catch (...) {
    return raise_current();
  }
}

int set_item(PyObject* self, PyObject* index, PyObject* value) {
  try {
    RL_CHECK(value, Type, "index: elements of a tensor cannot be deleted");
    if ((modes & kFunctionMode) || (!is_exact_tensor(self) && has_torch_function(self))) {
      PyObject* both[] = {index, value};
      PyRef done = PyRef::steal(Call(self, both, 2, nullptr).torch_function("__setitem__", true));
      return 0;
    }
    Tensor* x = reinterpret_cast<Tensor*>(self);
    Ref source;
    Scalar number;
    if (is_tensor(value))
      source = Ref::retain(reinterpret_cast<Tensor*>(value));
    else
      number = written_number(value, x->dtype);
    if (index == Py_False) return 0;  // not a place, whatever the value is
    Index i(x, index == Py_True ? Py_None : index);
    const Ref& place = i.view();
    if (i.advanced()) {
      if (!source) source = full({}, number, x->dtype);
      ops::index_put_(place, Tensors(i.indices()), without_leading_ones(std::move(source)), false);
    } else if (!source) {
      ops::fill_(place, Arg(number));
    } else if (source->ndim == 0 && place->ndim > 0) {
      ops::fill_(place, Arg(source));
    } else {
      if (source->sizes() != place->sizes()) source = without_leading_ones(std::move(source));
      check_expands("index", source->sizes(), place->sizes());
      ops::copy_(place, source);
    }
    return 0;
  } catch (...) {
    raise_current();
    return -1;
  }
}

}  // namespace rl
