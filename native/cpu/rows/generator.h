// The Python object around a generator of random numbers, and the one that a random row draws from.
#pragma once
#include "cpu/random.h"
#include "tensor/tensor.h"

namespace rl {

struct GeneratorObject {
  PyObject_HEAD Generator* generator;
};

// Set once by native/python.
extern PyTypeObject* generator_type;

// Lives as long as the process.
Generator& default_generator();

// The generator of an argument `generator=`: the default one for nullptr and None. TypeError where it is something
// else.
Generator& generator_of(PyObject* argument);

}  // namespace rl
