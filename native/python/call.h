// What the generated entries use: arguments matched against a row's signature, converted, results handed back.
#pragma once
#include "iterate/pointwise.h"
#include "python/objects.h"

namespace rl {

enum class Kind : uint8_t {
  Tensor,
  TensorOpt,
  Operand,
  Number,
  NumberOpt,
  Int,
  PythonInt,
  IntOpt,
  Float,
  FloatOpt,
  Bool,
  Ints,
  IntList,
  IntsOpt,
  IntsVar,
  Sizes,
  Padding,
  DType,
  DTypeOpt,
  LayoutOpt,
  DeviceOpt,
  MemoryFormatOpt,
  GeneratorOpt,
  TextOpt,
  Tensors,
  Indices,
  TensorsVar,
  TensorsEach,
  Text,
  Out,
  Outs
};

struct ParameterSpec {
  const char* name;
  Kind kind;
  bool has_default;
  bool keyword_only;
};

struct SignatureSpec {
  const char* name;
  const char* text;
  const ParameterSpec* parameters;
  int count;
  PyObject** interned = nullptr;  // the names, for keyword look-up by identity
  int required = 0;               // how many leading parameters a call must give; set with `interned`
};

constexpr int kMaxParameters = 20;

// Integers: int, NumPy's, and one-element integer tensors. False without an exception where it is none.
bool wide_integer_from(PyObject* o, int64_t* out, ErrorType too_wide);
// An int of one digit, and nothing else.
inline bool small_integer_from(PyObject* o, int64_t* out) {
#if PY_VERSION_HEX < 0x030C0000
  if (PyLong_CheckExact(o) && Py_SIZE(o) >= -1 && Py_SIZE(o) <= 1) [[likely]] {
    *out = Py_SIZE(o) * static_cast<int64_t>(reinterpret_cast<PyLongObject*>(o)->ob_digit[0]);
    return true;
  }
#else
  if (PyLong_CheckExact(o) && PyUnstable_Long_IsCompact(reinterpret_cast<PyLongObject*>(o))) [[likely]] {
    *out = PyUnstable_Long_CompactValue(reinterpret_cast<PyLongObject*>(o));
    return true;
  }
#endif
  return false;
}
inline bool integer_from(PyObject* o, int64_t* out, ErrorType too_wide = ErrorType::Value) {
  return small_integer_from(o, out) || wide_integer_from(o, out, too_wide);
}

class Call {
 public:
  Call(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames)
      : self_(self), args_(args), nargs_(nargs), kwnames_(kwnames) {}

  // The argument of a call that gives one; nullptr of any other.
  PyObject* only_argument() const {
    if (kwnames_ || (modes & kFunctionMode)) return nullptr;
    return self_ ? (nargs_ == 0 ? self_ : nullptr) : nargs_ == 1 ? args_[0] : nullptr;
  }
  // A method of an exact tensor, called with small ints and nothing else, which go to `out`.
  bool only_integers(Dims* out) const {
    if (kwnames_ || (modes & kFunctionMode) || !self_ || !is_exact_tensor(self_) || !nargs_) return false;
    out->resize(static_cast<int>(nargs_));
    for (int k = 0; k < out->size(); ++k)
      if (!small_integer_from(args_[k], &(*out)[k])) return false;
    return true;
  }
  // True where the arguments fit; the readers below then take parameter numbers.
  bool bind(SignatureSpec& spec);
  // TypeError: what was given, and what would have fitted.
  [[noreturn, gnu::cold]] void no_match(std::initializer_list<SignatureSpec*> specs);
  // Some argument is of a class with its own __torch_function__.
  bool overloaded() const { return overloaded_; }
  PyObject* torch_function(const char* name, bool method);

  bool has(int i) const { return slots_[i] && slots_[i] != Py_None; }
  In tensor(int i) const { return In(reinterpret_cast<Tensor*>(slots_[i])); }
  In tensor_or_none(int i) const { return In(has(i) ? reinterpret_cast<Tensor*>(slots_[i]) : nullptr); }
  Arg operand(int i) const;
  bool has_tensor(int i) const { return is_tensor(slots_[i]); }
  Ref make_tensor(int i);  // of the number there, which it takes the place of
  Scalar number(int i) const;
  Scalar number(int i, Scalar otherwise) const { return slots_[i] ? number(i) : otherwise; }
  std::optional<Scalar> number_or_none(int i) const { return has(i) ? std::optional<Scalar>(number(i)) : std::nullopt; }
  int64_t integer(int i) const;
  int64_t integer(int i, int64_t otherwise) const { return slots_[i] ? integer(i) : otherwise; }
  std::optional<int64_t> integer_or_none(int i) const {
    return has(i) ? std::optional<int64_t>(integer(i)) : std::nullopt;
  }
  double real(int i) const;
  double real(int i, double otherwise) const { return slots_[i] ? real(i) : otherwise; }
  std::optional<double> real_or_none(int i) const { return has(i) ? std::optional<double>(real(i)) : std::nullopt; }
  bool boolean(int i) const { return slots_[i] == Py_True; }
  bool boolean(int i, bool otherwise) const { return slots_[i] ? boolean(i) : otherwise; }
  Dims ints(int i) const;
  Dims ints(int i, int64_t otherwise) const { return has(i) ? ints(i) : Dims{otherwise}; }
  Dims ints(int i, const Dims& otherwise) const { return has(i) ? ints(i) : otherwise; }
  Dims sizes(int i) const;
  Padding padding(int i, int64_t otherwise) const;
  DType dtype(int i) const;
  std::optional<DType> dtype_or_none(int i) const { return has(i) ? std::optional<DType>(dtype(i)) : std::nullopt; }
  MemoryFormat memory_format(int i) const;
  PyObject* generator(int i) const { return has(i) ? slots_[i] : nullptr; }
  const char* text_or_none(int i) const;
  std::vector<Ref> tensors(int i) const;
  std::string text(int i) const;
  std::string text(int i, const char* otherwise) const { return slots_[i] ? text(i) : otherwise; }
  Options options(int first) const;
  Options options_for(int first, int out) const;  // those of out=, which a dtype and a device must fit
  Tensor* out(int i) const { return reinterpret_cast<Tensor*>(slots_[i]); }
  PyObject* slot(int i) const { return slots_[i]; }
  In self() const { return In(reinterpret_cast<Tensor*>(self_)); }
  const char* name() const { return spec_->name; }

 private:
  bool place(SignatureSpec& spec, bool check);
  bool given_apart(const SignatureSpec& spec, int at) const;
  bool place_named(SignatureSpec& spec, bool check);
  bool fits(const ParameterSpec& p, PyObject* o) {
    if (p.kind <= Kind::Operand && is_exact_tensor(o)) return true;
    return accepts(p, o);
  }
  bool accepts(const ParameterSpec& p, PyObject* o);
  std::string misfit(SignatureSpec& spec);

  PyObject* self_;
  PyObject* const* args_;
  Py_ssize_t nargs_;
  PyObject* kwnames_;
  SignatureSpec* spec_ = nullptr;
  bool overloaded_ = false;
  PyObject* slots_[kMaxParameters];
  PyObject* const* var_ = nullptr;  // positional sizes given one by one
  Py_ssize_t var_count_ = 0;
  int var_at_ = 0;
};

// ------------------------------------------------------------------ operators

enum class Operands { Fit, Foreign, Overloaded };
// Two operands of a number slot, at least one a tensor.
Operands operands(PyObject* a, PyObject* b, Arg* x, Arg* y);
Operands matrix_operands(PyObject* a, PyObject* b, Arg* x, Arg* y);
bool has_torch_function(PyObject* o);
bool number_from(PyObject* o, Scalar* out);

// ------------------------------------------------------------------ results

inline PyObject* returned(Ref r) { return r.to_python(); }
PyObject* returned_tuple(std::vector<Ref> list);
PyTypeObject* named_result(const char* name, std::initializer_list<const char*> fields);
PyObject* returned_named(Ref* first, int n, PyTypeObject* type);
template <size_t N>
PyObject* returned_named(std::array<Ref, N> list, PyTypeObject* type) {
  return returned_named(list.data(), static_cast<int>(N), type);
}
Ref with_requires_grad(Ref x, const Call& c, int first_option);
// out= of rows that compute first and copy then.
void check_outs(const Call& c, int out, int results, bool records);
PyObject* write_out(Tensor* out, Ref result, const char* name, OutRule rule);
inline PyObject* write_outs(const Call& c, int out, Ref result, OutRule rule) {
  return write_out(c.out(out), std::move(result), c.name(), rule);
}
PyObject* write_outs(const Call& c, int out, Ref* results, int n, OutRule rule);
template <size_t N>
PyObject* write_outs(const Call& c, int out, std::array<Ref, N> results, OutRule rule) {
  return write_outs(c, out, results.data(), static_cast<int>(N), rule);
}

}  // namespace rl
