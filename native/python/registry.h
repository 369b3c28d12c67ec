// The generated tables that module initialisation walks.
#pragma once
#include <Python.h>

namespace rl {
extern PyMethodDef* const function_tables[];  // each ended by an empty entry; the list by nullptr
extern PyMethodDef* const method_tables[];
extern const PyType_Slot number_slots[];
extern PyObject* (*const compare_operators[6])(PyObject*, PyObject*);
extern const int operation_count;
}  // namespace rl
