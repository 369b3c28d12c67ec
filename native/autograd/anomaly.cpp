#include "autograd/anomaly.h"

#include "autograd/hooks.h"
#include "gen/ops/pointwise.h"
#include "gen/ops/reduction.h"
#include "iterate/pointwise.h"

namespace rl {

bool anomaly_mode = false;
thread_local Node* Evaluating::current = nullptr;

namespace {
bool checks_nan = true;

// traceback.format_stack(limit): the lines of Python that are being run, the innermost last.
PyRef stack(PyObject* limit) {
  PyRef module = PyRef::steal(PyImport_ImportModule("traceback"));
  PyRef lines =
      module ? PyRef::steal(PyObject_CallMethod(module.get(), "format_stack", "OO", Py_None, limit)) : PyRef();
  if (!lines) throw PythonError();
  return lines;
}

std::string last_of(PyObject* lines) {
  if (!lines || !PyList_Check(lines) || !PyList_GET_SIZE(lines)) return "";
  const char* text = PyUnicode_AsUTF8(PyList_GET_ITEM(lines, PyList_GET_SIZE(lines) - 1));
  return text ? text : "";
}

PyObject* noted(Node* node, const char* key) {
  return node->hooks && node->hooks->metadata ? PyDict_GetItemString(node->hooks->metadata, key) : nullptr;
}

std::string traceback_of(Node* node) {
  PyObject* lines = noted(node, "traceback_");
  std::string text;
  for (Py_ssize_t i = 0; lines && i < PyList_GET_SIZE(lines); ++i)
    if (const char* line = PyUnicode_AsUTF8(PyList_GET_ITEM(lines, i))) text += line;
  return text;
}

void warn(const std::string& text) {
  if (PyErr_WarnEx(PyExc_UserWarning, text.c_str(), 1) < 0) throw PythonError();
}
}  // namespace

void set_anomaly_mode(bool on, bool check) {
  anomaly_mode = on;
  checks_nan = check;
}
bool anomaly_checks_nan() { return checks_nan; }

void note_forward(Node* node) {
  PyObject* metadata = metadata_of(node);
  if (PyDict_SetItemString(metadata, "traceback_", stack(Py_None).get()) < 0) throw PythonError();
  if (Node* parent = Evaluating::current)
    if (PyDict_SetItemString(metadata, "parent_", reinterpret_cast<PyObject*>(parent)) < 0) throw PythonError();
}

void note_write(Storage* s) { note_writer(s, last_of(stack(PyRef::steal(PyLong_FromLong(1)).get()).get())); }

std::string places_of_change(Node* node, const Storage* s, uint32_t version) {
  std::string saved = last_of(noted(node, "traceback_")), changed = writer_of(s, version + 1);
  if (saved.empty() && changed.empty())
    return "; run it under torch.autograd.detect_anomaly() to see the line that saved it and the line that changed it";
  return "\nsaved by:\n" + (saved.empty() ? "  (a line that ran outside anomaly mode)\n" : saved) + "changed by:\n" +
         (changed.empty() ? "  (a line that ran outside anomaly mode)" : changed);
}

void report_failure(Node* node) {
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  try {
    std::string lines = traceback_of(node);
    warn(format_text("an error occurred in %s. %s\n", Py_TYPE(node)->tp_name,
                     lines.empty() ? "No forward call was noted for it: run the forward pass in anomaly mode, too."
                                   : "The forward call that made it:") +
         lines);
    for (PyObject* parent; (parent = noted(node, "parent_")) && is_node(parent);) {
      node = reinterpret_cast<Node*>(parent);
      warn(format_text("that calculation was part of the backward of %s, made by the forward call:\n",
                       Py_TYPE(node)->tp_name) +
           traceback_of(node));
    }
  } catch (const Error&) {
    PyErr_WriteUnraisable(reinterpret_cast<PyObject*>(node));
  }
  PyErr_Restore(type, value, trace);
}

void check_nan(Node* node, const Ref* out) {
  if (!checks_nan) return;
  ModeGuard unrecorded(kHooked, kGradOff);
  for (int i = 0; i < node->n_edges; ++i) {
    if (!out[i] || !out[i]->numel || !is_differentiable(out[i]->dtype)) continue;
    Ref found = ops::any(ops::isnan(out[i]));
    RL_CHECK(!*found->data_as<bool>(), Runtime, "backward: %s returned NaN in gradient %d (of shape %s)",
             Py_TYPE(node)->tp_name, i, to_string(out[i]->sizes()).c_str());
  }
}

}  // namespace rl
