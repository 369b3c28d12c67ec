#include "cpu/rows/generator.h"

#include "base/error.h"

namespace rl {

PyTypeObject* generator_type = nullptr;

Generator& default_generator() {
  static Generator& generator = *new Generator();
  return generator;
}

Generator& generator_of(PyObject* argument) {
  if (!argument || argument == Py_None) return default_generator();
  RL_CHECK(PyObject_TypeCheck(argument, generator_type), Type, "generator must be a Generator or None, got %s",
           Py_TYPE(argument)->tp_name);
  return *reinterpret_cast<GeneratorObject*>(argument)->generator;
}

}  // namespace rl
