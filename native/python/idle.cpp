// Memory that lies idle goes back to the system though nobody calls the library: a short-lived thread asks the
// interpreter for it.
#include <Python.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <system_error>
#include <thread>

#include "device/allocator.h"
#include "python/module.h"
#include "tensor/tensor.h"

namespace rl {
namespace {

constexpr auto kWait =
    std::chrono::milliseconds(500);  // an idle block is given back after one to one and a half seconds

std::atomic<pid_t> waiting{0};  // the process whose thread waits: a forked child has none
std::atomic<bool> ended{false};

void trim_later();

int trim(void*) {
  waiting = 0;
  if (allocator::trim_idle()) trim_later();
  return 0;
}

void trim_later() {
  const pid_t here = getpid();
  if (waiting == here || ended) return;
  waiting = here;
  try {
    std::thread([] {
      std::this_thread::sleep_for(kWait);
      if (ended || Py_AddPendingCall(trim, nullptr) < 0) waiting = 0;
    }).detach();
  } catch (const std::system_error&) {
    waiting = 0;  // no thread to be had: the next large free tries again
  }
}

PyObject* py_end(PyObject*, PyObject*) {
  ended = true;
  Py_RETURN_NONE;
}
PyMethodDef end = {"_end_idle", py_end, METH_NOARGS, "The interpreter ends: no more calls from a thread."};

}  // namespace

void add_idle(PyObject*) {
  PyRef atexit = PyRef::steal(PyImport_ImportModule("atexit"));
  PyRef function = PyRef::steal(PyCFunction_New(&end, nullptr));
  if (!atexit || !function) throw PythonError();
  PyRef registered = PyRef::steal(PyObject_CallMethod(atexit.get(), "register", "O", function.get()));
  if (!registered) throw PythonError();
  allocator::trim_later = trim_later;
}

}  // namespace rl
