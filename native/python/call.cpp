#include "python/call.h"

#include <string>

#include "autograd/history.h"
#include "cpu/rows/generator.h"
#include "device/device.h"
#include "iterate/pointwise.h"

namespace rl {

// ------------------------------------------------------------------ matching

static bool is_zero_dim_integer(PyObject* o) {
  if (!is_tensor(o)) return false;
  Tensor* t = reinterpret_cast<Tensor*>(o);
  return t->numel == 1 && is_integral(t->dtype);
}

static inline bool is_integer(PyObject* o) {
  return PyLong_Check(o) || (!PyFloat_Check(o) && !is_tensor(o) && PyIndex_Check(o)) || is_zero_dim_integer(o);
}

bool wide_integer_from(PyObject* o, int64_t* out, ErrorType too_wide) {
  if (!is_integer(o)) return false;
  if (PyLong_Check(o)) {
    *out = PyLong_AsLongLong(o);
  } else {
    PyRef index = PyRef::steal(PyNumber_Index(o));
    if (!index) throw PythonError();
    *out = PyLong_AsLongLong(index.get());
  }
  if (*out == -1 && PyErr_Occurred()) {
    PyErr_Clear();
    fail(too_wide, "an integer argument does not fit into 64 bits");
  }
  return true;
}

static bool is_number(PyObject* o) {
  if (PyFloat_Check(o) || PyLong_Check(o) || PyComplex_Check(o)) return true;
  return !is_tensor(o) && !PySequence_Check(o) && PyNumber_Check(o) && !PyUnicode_Check(o) &&
         (PyIndex_Check(o) || Py_TYPE(o)->tp_as_number->nb_float);
}

bool number_from(PyObject* o, Scalar* out) {
  if (PyFloat_CheckExact(o)) {
    *out = Scalar(PyFloat_AS_DOUBLE(o));
    return true;
  }
  if (PyBool_Check(o)) {
    *out = Scalar(o == Py_True);
    return true;
  }
  if (PyLong_Check(o)) {
    int64_t v = PyLong_AsLongLong(o);
    bool wide = v == -1 && PyErr_Occurred();
    if (wide) {
      PyErr_Clear();
      v = static_cast<int64_t>(PyLong_AsUnsignedLongLong(o));
      if (PyErr_Occurred()) throw PythonError();
    }
    *out = Scalar(v);
    out->is_unsigned = wide;
    return true;
  }
  if (PyComplex_Check(o)) {
    *out = Scalar(std::complex<double>(PyComplex_RealAsDouble(o), PyComplex_ImagAsDouble(o)));
    return true;
  }
  if (!is_number(o)) return false;
  if (PyIndex_Check(o)) {
    int64_t v;
    if (integer_from(o, &v)) {
      *out = Scalar(v);
      return true;
    }
  }
  double v = PyFloat_AsDouble(o);
  if (v == -1 && PyErr_Occurred()) throw PythonError();
  *out = Scalar(v);
  return true;
}

static bool is_int_sequence(PyObject* o) {
  if (!PyTuple_Check(o) && !PyList_Check(o)) return false;
  Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
  for (Py_ssize_t i = 0; i < n; ++i)
    if (!is_integer(PySequence_Fast_GET_ITEM(o, i))) return false;
  return true;
}

static bool is_tensor_sequence(PyObject* o, bool* overloaded, bool none_allowed = false) {
  if (!PyTuple_Check(o) && !PyList_Check(o)) return false;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(o); ++i) {
    PyRef item = PyRef::retain(PySequence_Fast_GET_ITEM(o, i));
    if (is_exact_tensor(item.get()) || (none_allowed && item.get() == Py_None)) continue;
    bool own = has_torch_function(item.get());
    *overloaded |= own;
    if (!own && !is_tensor(item.get())) return false;
  }
  return true;
}

// A tensor, or something whose class has a __torch_function__ of its own.
static bool is_tensor_like(PyObject* o, bool* overloaded) {
  if (is_exact_tensor(o)) [[likely]]
    return true;
  const bool own = has_torch_function(o);
  *overloaded |= own;
  return own || is_tensor(o);
}

static bool takes_tensors_apart(Kind kind) { return kind == Kind::TensorsVar || kind == Kind::TensorsEach; }

static bool takes_none(Kind kind) {
  switch (kind) {
    case Kind::TensorOpt:
    case Kind::NumberOpt:
    case Kind::IntOpt:
    case Kind::FloatOpt:
    case Kind::IntsOpt:
    case Kind::DTypeOpt:
    case Kind::LayoutOpt:
    case Kind::DeviceOpt:
    case Kind::MemoryFormatOpt:
    case Kind::GeneratorOpt:
    case Kind::TextOpt:
    case Kind::Out:
    case Kind::Outs: return true;
    default: return false;
  }
}

bool Call::accepts(const ParameterSpec& p, PyObject* o) {
  if (o == Py_None) return takes_none(p.kind);
  switch (p.kind) {
    case Kind::Tensor:
    case Kind::TensorOpt: return is_tensor_like(o, &overloaded_);
    case Kind::Operand: return is_exact_tensor(o) || is_number(o) || is_tensor_like(o, &overloaded_);
    case Kind::Number:
    case Kind::NumberOpt:
      return is_number(o) || (is_tensor(o) && reinterpret_cast<Tensor*>(o)->ndim == 0 &&
                              !reinterpret_cast<Tensor*>(o)->requires_grad());
    case Kind::PythonInt: return (PyLong_Check(o) && !PyBool_Check(o)) || is_zero_dim_integer(o);
    case Kind::Int:
    case Kind::IntOpt: return !PyBool_Check(o) && is_integer(o);
    case Kind::Float:
    case Kind::FloatOpt: return is_number(o) || (is_tensor(o) && reinterpret_cast<Tensor*>(o)->ndim == 0);
    case Kind::Bool: return PyBool_Check(o);
    case Kind::Ints:
    case Kind::IntsOpt: return is_int_sequence(o) || (!PyBool_Check(o) && is_integer(o));
    case Kind::IntList: return var_ || is_int_sequence(o);
    case Kind::IntsVar: return !PyBool_Check(o) && (var_ || is_int_sequence(o));
    case Kind::Sizes: return is_int_sequence(o) || is_tensor(o);
    case Kind::Padding: return is_int_sequence(o) || is_integer(o) || PyUnicode_Check(o);
    case Kind::DType:
    case Kind::DTypeOpt: {
      DType d;
      return dtype_from(o, &d);
    }
    case Kind::LayoutOpt: return is_layout(o);
    case Kind::DeviceOpt: {
      DeviceId d;
      return device_from(o, &d);
    }
    case Kind::MemoryFormatOpt: {
      MemoryFormat f;
      return memory_format_from(o, &f);
    }
    case Kind::GeneratorOpt: return PyObject_TypeCheck(o, generator_type);
    case Kind::TextOpt: return PyUnicode_Check(o);
    case Kind::Tensors: return is_tensor_sequence(o, &overloaded_);
    case Kind::TensorsVar:
    case Kind::TensorsEach:
      for (Py_ssize_t k = 0; k < var_count_; ++k)
        if (!is_tensor(var_[k]) && !has_torch_function(var_[k])) return false;
      for (Py_ssize_t k = 0; k < var_count_; ++k) overloaded_ |= has_torch_function(var_[k]);
      return var_ || (p.kind == Kind::TensorsVar && is_tensor_sequence(o, &overloaded_));
    case Kind::Text: return PyUnicode_Check(o);
    case Kind::Indices: return is_tensor_sequence(o, &overloaded_, true);
    case Kind::Out: return is_tensor(o);
    case Kind::Outs: return is_tensor_sequence(o, &overloaded_);
  }
  return false;
}

// NumPy's names for common arguments, which PyTorch takes too.
static bool same_name(PyObject* keyword, const char* name) {
  if (PyUnicode_CompareWithASCIIString(keyword, name) == 0) return true;
  struct Alias {
    const char *numpy, *own;
  };
  static const Alias aliases[] = {{"axis", "dim"},
                                  {"keepdims", "keepdim"},
                                  {"x", "input"},
                                  {"a", "input"},
                                  {"x1", "input"},
                                  {"x2", "other"},
                                  {"split_size", "split_size_or_sections"}};
  for (const Alias& a : aliases)
    if (!std::strcmp(a.own, name) && PyUnicode_CompareWithASCIIString(keyword, a.numpy) == 0) return true;
  return false;
}

static bool is_grouped(const ParameterSpec& p) { return p.kind == Kind::IntsVar || takes_tensors_apart(p.kind); }
static bool takes_integers(Kind kind) {
  return kind == Kind::IntsVar || kind == Kind::Ints || kind == Kind::IntsOpt || kind == Kind::IntList;
}
static bool is_required(const ParameterSpec& p) { return !p.has_default && !takes_tensors_apart(p.kind); }

[[gnu::cold]] static void prepare(SignatureSpec& spec) {
  spec.interned = new PyObject*[spec.count];
  for (int i = 0; i < spec.count; ++i) {
    const ParameterSpec& p = spec.parameters[i];
    spec.interned[i] = PyUnicode_InternFromString(p.name);
    if (is_required(p)) spec.required = i + 1;
  }
}

// Whether the arguments from `at` on stand for one list: sizes, dims or tensors given one by one, behind nothing but
// self. A method whose only parameter is a list of integers takes them so, too.
bool Call::given_apart(const SignatureSpec& spec, int at) const {
  const ParameterSpec& p = spec.parameters[at];
  PyObject* first = args_[at - (self_ ? 1 : 0)];
  if (PyTuple_Check(first) || PyList_Check(first)) return false;
  if (is_grouped(p)) return true;
  const bool last = at + 1 == spec.count || spec.parameters[at + 1].kind == Kind::Out;
  return self_ && at == 1 && last && takes_integers(p.kind) && (nargs_ > 1 || p.kind == Kind::IntList);
}

// Puts each argument into its parameter's slot; with `check`, only where it fits.
bool Call::place(SignatureSpec& spec, bool check) {
  spec_ = &spec;
  var_ = nullptr;
  var_count_ = 0;
  overloaded_ = modes & kFunctionMode;
  int at = 0;
  if (self_) {
    slots_[at++] = self_;
    if (check && !fits(spec.parameters[0], self_)) return false;
  }
  for (Py_ssize_t k = 0; k < nargs_; ++k, ++at) {
    if (at >= spec.count || spec.parameters[at].keyword_only) return false;
    const ParameterSpec& p = spec.parameters[at];
    PyObject* o = slots_[at] = args_[k];
    if (given_apart(spec, at)) {
      if (k) return false;
      var_ = args_;
      var_count_ = nargs_;
      var_at_ = at;
      for (; takes_integers(p.kind) && k < nargs_; ++k)
        if ((k == 0 && PyBool_Check(o)) || !is_integer(args_[k])) return false;
      k = nargs_;
    }
    if (check && !fits(p, o)) return false;
  }
  for (int i = at; i < spec.count; ++i) slots_[i] = nullptr;
  return kwnames_ ? place_named(spec, check) : !check || at >= spec.required;
}

bool Call::place_named(SignatureSpec& spec, bool check) {
  for (Py_ssize_t j = 0; j < PyTuple_GET_SIZE(kwnames_); ++j) {
    PyObject* keyword = PyTuple_GET_ITEM(kwnames_, j);
    int i = 0;
    while (i < spec.count && !(spec.interned && spec.interned[i] == keyword)) ++i;
    if (i == spec.count)
      for (i = 0; i < spec.count && !same_name(keyword, spec.parameters[i].name); ++i) {
      }
    if (i == spec.count || slots_[i]) return false;
    if (self_ && (spec.parameters[i].kind == Kind::Out || spec.parameters[i].kind == Kind::Outs)) return false;
    const ParameterSpec& p = spec.parameters[i];
    PyObject* o = slots_[i] = args_[nargs_ + j];
    if (check && !fits(p, o)) return false;
  }
  for (int i = 0; check && i < spec.required; ++i)
    if (!slots_[i] && is_required(spec.parameters[i])) return false;
  return true;
}

bool Call::bind(SignatureSpec& spec) {
  if (!spec.interned) [[unlikely]]
    prepare(spec);
  return place(spec, true);
}

static std::string describe(PyObject* o) {
  if (is_tensor(o)) {
    Tensor* t = reinterpret_cast<Tensor*>(o);
    return std::string("Tensor(") + name_of(t->dtype) + ", " + to_string(t->sizes()) + ")";
  }
  if (PyTuple_Check(o) || PyList_Check(o)) {
    std::string text = PyTuple_Check(o) ? "(" : "[";
    Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
    for (Py_ssize_t i = 0; i < n && i < 6; ++i) text += (i ? ", " : "") + describe(PySequence_Fast_GET_ITEM(o, i));
    return text + (n > 6 ? ", ..." : "") + (PyTuple_Check(o) ? ")" : "]");
  }
  return Py_TYPE(o)->tp_name;
}

// Why the arguments do not fit one signature; empty where that is beyond a few words.
std::string Call::misfit(SignatureSpec& spec) {
  if (kwnames_)
    for (Py_ssize_t j = 0; j < PyTuple_GET_SIZE(kwnames_); ++j) {
      PyObject* keyword = PyTuple_GET_ITEM(kwnames_, j);
      bool known = false;
      for (int i = 0; i < spec.count; ++i) known |= same_name(keyword, spec.parameters[i].name);
      if (self_ && same_name(keyword, "out")) return "methods take no out=; call the function";
      if (!known) return std::string("there is no argument '") + PyUnicode_AsUTF8(keyword) + "'";
    }
  if (!place(spec, false)) {
    const int first = self_ ? 1 : 0;
    for (Py_ssize_t k = 0; k < nargs_ && first < spec.count && spec.parameters[first].kind == Kind::IntsVar; ++k)
      if (!is_integer(args_[k])) return std::string("sizes and dims are integers, not ") + describe(args_[k]);
    return "";
  }
  for (int i = 0; i < spec.count; ++i) {
    const ParameterSpec& p = spec.parameters[i];
    if (!slots_[i] && is_required(p)) return std::string("the argument '") + p.name + "' is missing";
    if (!slots_[i] || accepts(p, slots_[i])) continue;
    const bool wants_tensor = p.kind == Kind::Tensor || p.kind == Kind::TensorOpt || p.kind == Kind::Operand;
    const bool data = wants_tensor && !PyUnicode_Check(slots_[i]) && PySequence_Check(slots_[i]);
    return std::string("the argument '") + p.name + "' cannot be " + describe(slots_[i]) +
           (data ? "; make it a tensor first, with tensor(...)" : "");
  }
  return "";
}

void Call::no_match(std::initializer_list<SignatureSpec*> specs) {
  if (PyErr_Occurred()) throw PythonError();
  std::string given, why, expected;
  for (Py_ssize_t i = 0; i < nargs_; ++i) given += (given.empty() ? "" : ", ") + describe(args_[i]);
  if (kwnames_)
    for (Py_ssize_t j = 0; j < PyTuple_GET_SIZE(kwnames_); ++j)
      given += (given.empty() ? "" : ", ") + std::string(PyUnicode_AsUTF8(PyTuple_GET_ITEM(kwnames_, j))) + "=" +
               describe(args_[nargs_ + j]);
  for (SignatureSpec* s : specs) {
    const std::string reason = misfit(*s);
    if (s == *specs.begin()) why = reason;
    if (why != reason) why.clear();  // no reason that holds for all forms
    expected += std::string(expected.empty() ? "" : "\n      or ") + s->text;
  }
  fail(ErrorType::Type, "%s: the arguments (%s) do not fit%s%s\nexpected %s", (*specs.begin())->name, given.c_str(),
       why.empty() ? "" : ": ", why.c_str(), expected.c_str());
}

// ------------------------------------------------------------------ reading

static Scalar tensor_number(PyObject* o) {
  Tensor* t = reinterpret_cast<Tensor*>(o);
  PyRef item = PyRef::steal(element_to_python(t->dtype, t->data()));
  Scalar s;
  number_from(item.get(), &s);
  return s;
}

Arg Call::operand(int i) const {
  PyObject* o = slots_[i];
  if (is_tensor(o)) [[likely]]
    return Arg(reinterpret_cast<Tensor*>(o));
  return Arg(number(i));
}

Ref Call::make_tensor(int i) {
  const Scalar value = number(i);
  Ref x = full({}, value, dtype_of_number(value));
  slots_[i] = reinterpret_cast<PyObject*>(x.get());
  return x;
}

Scalar Call::number(int i) const {
  Scalar s;
  if (is_tensor(slots_[i])) return tensor_number(slots_[i]);
  number_from(slots_[i], &s);
  return s;
}

int64_t Call::integer(int i) const {
  int64_t v = 0;
  integer_from(slots_[i], &v);
  return v;
}

double Call::real(int i) const {
  if (PyLong_Check(slots_[i])) {  // which may have more than 64 bits
    const double v = PyLong_AsDouble(slots_[i]);
    if (v == -1 && PyErr_Occurred()) throw PythonError();
    return v;
  }
  Scalar s = number(i);
  RL_CHECK(s.category < Category::Complex, Type, "%s: the argument '%s' must be real, got a complex number",
           spec_->name, spec_->parameters[i].name);
  return s.to_double();
}

Dims Call::ints(int i) const {
  Dims dims;
  PyObject* o = slots_[i];
  if (var_ && i == var_at_) {
    for (Py_ssize_t k = 0; k < var_count_; ++k) {
      int64_t v;
      integer_from(var_[k], &v, ErrorType::Type);
      dims.push_back(v);
    }
    return dims;
  }
  if (!o || o == Py_None) return dims;
  if (!PyTuple_Check(o) && !PyList_Check(o)) {
    int64_t v;
    integer_from(o, &v);
    dims.push_back(v);
    return dims;
  }
  for (Py_ssize_t k = 0; k < PySequence_Fast_GET_SIZE(o); ++k) {
    int64_t v = 0;
    PyRef item = PyRef::retain(PySequence_Fast_GET_ITEM(o, k));  // its __index__ may change the list
    RL_CHECK(integer_from(item.get(), &v, ErrorType::Type), Type, "%s: expected integers in '%s', got %s", spec_->name,
             spec_->parameters[i].name, Py_TYPE(item.get())->tp_name);
    dims.push_back(v);
  }
  return dims;
}

Dims Call::sizes(int i) const {
  return is_tensor(slots_[i]) ? Dims(reinterpret_cast<Tensor*>(slots_[i])->sizes()) : ints(i);
}

Padding Call::padding(int i, int64_t otherwise) const {
  if (!slots_[i]) return Padding(otherwise);
  if (!PyUnicode_Check(slots_[i])) return Padding(DimSpan(ints(i)));
  Padding p;
  if (!PyUnicode_CompareWithASCIIString(slots_[i], "same")) {
    p.rule = Padding::Rule::Same;
  } else if (!PyUnicode_CompareWithASCIIString(slots_[i], "valid")) {
    p.rule = Padding::Rule::Valid;
  } else {
    fail(ErrorType::Runtime, "%s: padding='%s' is not a rule; expected 'same', 'valid' or numbers", spec_->name,
         PyUnicode_AsUTF8(slots_[i]));
  }
  return p;
}

DType Call::dtype(int i) const {
  DType d = DType::Float32;
  dtype_from(slots_[i], &d);
  return d;
}

MemoryFormat Call::memory_format(int i) const {
  MemoryFormat f = MemoryFormat::Preserve;
  if (has(i)) memory_format_from(slots_[i], &f);
  return f;
}

const char* Call::text_or_none(int i) const {
  if (!has(i)) return nullptr;
  const char* text = PyUnicode_AsUTF8(slots_[i]);
  if (!text) throw PythonError();
  return text;
}

std::vector<Ref> Call::tensors(int i) const {
  std::vector<Ref> list;
  if (var_ && takes_tensors_apart(spec_->parameters[i].kind)) {
    for (Py_ssize_t k = 0; k < var_count_; ++k) list.push_back(Ref::retain(reinterpret_cast<Tensor*>(var_[k])));
    return list;
  }
  PyObject* o = slots_[i];
  if (!o) return list;
  for (Py_ssize_t k = 0; k < PySequence_Fast_GET_SIZE(o); ++k) {
    PyObject* item = PySequence_Fast_GET_ITEM(o, k);
    RL_CHECK(item == Py_None || is_tensor(item), Type, "%s: expected tensors in '%s', got %s", spec_->name,
             spec_->parameters[i].name, Py_TYPE(item)->tp_name);
    list.push_back(item == Py_None ? Ref() : Ref::retain(reinterpret_cast<Tensor*>(item)));
  }
  return list;
}

std::string Call::text(int i) const {
  const char* characters = PyUnicode_AsUTF8(slots_[i]);
  if (!characters) throw PythonError();
  return characters;
}

Options Call::options(int first) const {
  Options o;
  o.dtype = dtype_or_none(first);
  if (has(first + 2)) {
    DeviceId d;
    device_from(slots_[first + 2], &d);
    device(d);  // raises where there is none
    if (d.type != DeviceType::Cuda) d.index = -1;
    o.device = d;
  } else if (default_device && spec_->parameters[0].kind != Kind::Tensor) [[unlikely]] {
    device(*default_device);
    o.device = *default_device;  // the rows that take a tensor stay on its device
  }
  PyObject* layout = slots_[first + 1];
  RL_CHECK(!layout || layout == Py_None || layout == layout_strided(), Runtime,
           "%s: only the layout torch.strided is there yet", spec_->name);
  return o;
}

Options Call::options_for(int first, int k) const {
  Options o = options(first);
  const Tensor* written = out(k);
  RL_CHECK(!o.dtype || *o.dtype == written->dtype, Runtime, "%s: dtype is %s, but out= has dtype %s; leave dtype= away",
           name(), name_of(*o.dtype), name_of(written->dtype));
  o.dtype = written->dtype;
  if (!o.device) o.device = written->device;
  return o;
}

// ------------------------------------------------------------------ operators

static inline bool operand_from(PyObject* o, Arg* out, bool* overloaded) {
  if (is_exact_tensor(o)) [[likely]] {
    *out = Arg(reinterpret_cast<Tensor*>(o));
    return true;
  }
  if (is_tensor(o)) {
    *overloaded |= !(modes & kFunctionOff) && has_torch_function(o);
    *out = Arg(reinterpret_cast<Tensor*>(o));
    return true;
  }
  if (PyFloat_CheckExact(o)) {
    *out = Arg(PyFloat_AS_DOUBLE(o));
    return true;
  }
  if (has_torch_function(o)) return *overloaded = true;
  Scalar s;
  if (!number_from(o, &s)) return false;
  *out = Arg(s);
  return true;
}

Operands operands(PyObject* a, PyObject* b, Arg* x, Arg* y) {
  bool overloaded = modes & kFunctionMode;
  if (!operand_from(a, x, &overloaded) || !operand_from(b, y, &overloaded)) return Operands::Foreign;
  return overloaded ? Operands::Overloaded : Operands::Fit;
}

Operands matrix_operands(PyObject* a, PyObject* b, Arg* x, Arg* y) {
  if (!is_tensor(a) || !is_tensor(b))
    return has_torch_function(a) || has_torch_function(b) ? Operands::Overloaded : Operands::Foreign;
  return operands(a, b, x, y);
}

}  // namespace rl
