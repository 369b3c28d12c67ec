// The Python type Generator: seeds and states of a stream of random numbers.
#include <mutex>

#include "cpu/rows/generator.h"
#include "device/create.h"
#include "python/module.h"
#include "python/objects.h"

namespace rl {
namespace {

Generator& generator_in(PyObject* self) { return *reinterpret_cast<GeneratorObject*>(self)->generator; }

template <class F>
PyObject* guarded(F&& f) {
  try {
    return f();
  } catch (...) {
    return raise_current();
  }
}

PyObject* generator_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"device", nullptr};
  PyObject* device = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:Generator", const_cast<char**>(names), &device)) return nullptr;
  return guarded([&]() -> PyObject* {
    DeviceId id;
    if (device && device != Py_None && !device_from(device, &id)) {
      if (!PyErr_Occurred())
        PyErr_Format(PyExc_TypeError, "Generator: device must be a device or a string, got %s",
                     Py_TYPE(device)->tp_name);
      return nullptr;
    }
    RL_CHECK(id.type == DeviceType::Cpu, Runtime,
             "Generator: there are no random numbers on device %s; use device='cpu'", name_of(id));
    PyObject* self = type->tp_alloc(type, 0);
    if (self) reinterpret_cast<GeneratorObject*>(self)->generator = new Generator();
    return self;
  });
}

void generator_dealloc(PyObject* self) {
  Generator* generator = reinterpret_cast<GeneratorObject*>(self)->generator;
  if (generator != &default_generator()) delete generator;
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

// Whole numbers of 64 bits, signed or not; a negative one counts back from 2^64.
bool seed_from(PyObject* o, uint64_t* seed) {
  if (PyBool_Check(o) || !PyIndex_Check(o)) {
    PyErr_Format(PyExc_RuntimeError, "manual_seed: the seed must be an int, got %s", Py_TYPE(o)->tp_name);
    return false;
  }
  PyRef number = PyRef::steal(PyNumber_Index(o));
  if (!number) return false;
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(number.get(), &overflow);
  *seed = overflow > 0 ? PyLong_AsUnsignedLongLong(number.get()) : static_cast<uint64_t>(value);
  if (overflow < 0 || PyErr_Occurred()) {
    PyErr_Clear();
    PyErr_Format(PyExc_ValueError, "manual_seed: the seed must be from -2**63 to 2**64 - 1, got %S", o);
    return false;
  }
  return true;
}

PyObject* generator_manual_seed(PyObject* self, PyObject* argument) {
  uint64_t seed;
  if (!seed_from(argument, &seed)) return nullptr;
  const std::lock_guard<std::mutex> lock(generator_in(self).mutex);
  generator_in(self).manual_seed(seed);
  return Py_NewRef(self);
}

PyObject* generator_seed(PyObject* self, PyObject*) {
  return guarded([&] {
    const std::lock_guard<std::mutex> lock(generator_in(self).mutex);
    return PyLong_FromUnsignedLongLong(generator_in(self).seed());
  });
}

PyObject* generator_initial_seed(PyObject* self, PyObject*) {
  return PyLong_FromUnsignedLongLong(generator_in(self).initial_seed());
}

PyObject* generator_get_state(PyObject* self, PyObject*) {
  return guarded([&] {
    Ref state = empty({static_cast<int64_t>(Generator::state_size)}, DType::UInt8);
    const std::lock_guard<std::mutex> lock(generator_in(self).mutex);
    generator_in(self).get_state(state->data_as<uint8_t>());
    return state.to_python();
  });
}

PyObject* generator_set_state(PyObject* self, PyObject* argument) {
  return guarded([&] {
    RL_CHECK(is_tensor(argument), Type, "set_state: expected a uint8 tensor that get_state gave, got %s",
             Py_TYPE(argument)->tp_name);
    const Tensor* state = reinterpret_cast<Tensor*>(argument);
    RL_CHECK(state->dtype == DType::UInt8 && state->device.type == DeviceType::Cpu && state->contiguous(), Type,
             "set_state: expected a contiguous uint8 tensor on the CPU, got %s on %s with shape %s and strides %s",
             name_of(state->dtype), name_of(state->device), to_string(state->sizes()).c_str(),
             to_string(state->strides()).c_str());
    RL_CHECK(state->numel == static_cast<int64_t>(Generator::state_size), Runtime,
             "set_state: a state has %zu bytes, got %lld", Generator::state_size, (long long)state->numel);
    const std::lock_guard<std::mutex> lock(generator_in(self).mutex);
    RL_CHECK(generator_in(self).set_state(state->data_as<uint8_t>(), Generator::state_size), Runtime,
             "set_state: the bytes are no state of a generator; pass what get_state gave");
    return Py_NewRef(self);
  });
}

PyObject* generator_clone_state(PyObject* self, PyObject*) {
  PyObject* copy = PyObject_CallNoArgs(reinterpret_cast<PyObject*>(Py_TYPE(self)));
  if (!copy) return nullptr;
  uint8_t state[Generator::state_size];
  const std::lock_guard<std::mutex> lock(generator_in(self).mutex);
  generator_in(self).get_state(state);
  generator_in(copy).set_state(state, sizeof state);
  return copy;
}

PyObject* generator_reduce(PyObject* self, PyObject*) {
  PyRef state = PyRef::steal(generator_get_state(self, nullptr));
  if (!state) return nullptr;
  return Py_BuildValue("O(s)(KOO)", Py_TYPE(self), "cpu",
                       static_cast<unsigned long long>(generator_in(self).initial_seed()), Py_None, state.get());
}

PyObject* generator_setstate(PyObject* self, PyObject* argument) {
  PyObject *seed, *offset, *state;
  if (!PyTuple_Check(argument)) {
    PyErr_Format(PyExc_TypeError, "Generator.__setstate__: expected a tuple (seed, offset, state), got %s",
                 Py_TYPE(argument)->tp_name);
    return nullptr;
  }
  if (!PyArg_ParseTuple(argument, "OOO:__setstate__", &seed, &offset, &state)) return nullptr;
  PyRef seeded = PyRef::steal(generator_manual_seed(self, seed));
  if (!seeded) return nullptr;
  PyRef set = PyRef::steal(generator_set_state(self, state));
  return set ? Py_NewRef(Py_None) : nullptr;
}

PyObject* generator_device(PyObject*, void*) { return device_object(DeviceId{}); }

// Counter-based generators of accelerators have these; a CPU generator refuses them.
PyObject* refuse_offset(PyObject*, PyObject*) {
  PyErr_SetString(PyExc_RuntimeError, "a CPU generator has no offset; its place in the stream is part of get_state()");
  return nullptr;
}
PyObject* refuse_graphsafe(PyObject*, PyObject*) {
  PyErr_SetString(PyExc_NotImplementedError,
                  "a CPU generator takes no part in CUDA graphs; use get_state() and set_state()");
  return nullptr;
}

PyMethodDef methods[] = {
    {"manual_seed", generator_manual_seed, METH_O,
     "manual_seed(seed)\n\nStarts the stream that belongs to the seed; returns the generator."},
    {"seed", generator_seed, METH_NOARGS, "seed()\n\nStarts a stream that differs from run to run; returns its seed."},
    {"initial_seed", generator_initial_seed, METH_NOARGS, "initial_seed()\n\nThe seed that the stream started from."},
    {"get_state", generator_get_state, METH_NOARGS,
     "get_state()\n\nThe place in the stream: a uint8 tensor of 5056 bytes, in PyTorch's layout."},
    {"set_state", generator_set_state, METH_O,
     "set_state(new_state)\n\nGoes to the place in the stream that get_state gave."},
    {"clone_state", generator_clone_state, METH_NOARGS,
     "clone_state()\n\nAnother generator at the same place of the same stream."},
    {"get_offset", refuse_offset, METH_NOARGS, "get_offset()\n\nRefused by CPU generators."},
    {"set_offset", refuse_offset, METH_O, "set_offset(offset)\n\nRefused by CPU generators."},
    {"graphsafe_get_state", refuse_graphsafe, METH_NOARGS, "graphsafe_get_state()\n\nRefused by CPU generators."},
    {"graphsafe_set_state", refuse_graphsafe, METH_O, "graphsafe_set_state(state)\n\nRefused by CPU generators."},
    {"__reduce__", generator_reduce, METH_NOARGS, nullptr},
    {"__setstate__", generator_setstate, METH_O, nullptr},
    {}};
PyGetSetDef attributes[] = {{"device", generator_device, nullptr, "Where the numbers are made: the CPU.", nullptr}, {}};
PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(generator_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(generator_dealloc)},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {Py_tp_doc, const_cast<char*>(
                    "Generator(device='cpu')\n\nA stream of random numbers, the same as PyTorch's for the same seed.")},
    {0, nullptr}};
PyType_Spec spec = {"rushlight._native.Generator", sizeof(GeneratorObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                    slots};

}  // namespace

// Adds `Generator` and `default_generator` to the module; returns the type, borrowed.
PyObject* make_generator_type(PyObject* module) {
  PyObject* type = PyType_FromSpec(&spec);
  if (!type || PyModule_AddObjectRef(module, "Generator", type) < 0) throw PythonError();
  generator_type = reinterpret_cast<PyTypeObject*>(type);
  PyRef object = PyRef::steal(generator_type->tp_alloc(generator_type, 0));
  if (!object) throw PythonError();
  reinterpret_cast<GeneratorObject*>(object.get())->generator = &default_generator();
  if (PyModule_AddObjectRef(module, "default_generator", object.get()) < 0) throw PythonError();
  return type;
}

}  // namespace rl
