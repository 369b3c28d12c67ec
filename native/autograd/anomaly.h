// Anomaly mode: where in the program nodes were made and tensors written, so that a failing backward can say so.
#pragma once
#include <string>

#include "autograd/node.h"

namespace rl {

void set_anomaly_mode(bool on, bool check_nan);
bool anomaly_checks_nan();
// Notes the line that has just written to `s`.
void note_write(Storage* s);
// The end of an error's text: the line that saved a value at `version` of `s`, and the one that changed it, or how to
// learn them.
std::string places_of_change(Node* node, const Storage* s, uint32_t version);
// Warns that `node` failed, with the traceback of its forward call.
void report_failure(Node* node);
// Raises if one of a node's gradients holds a NaN.
void check_nan(Node* node, const Ref* out);

// The node whose backward runs: nodes made meanwhile are its children.
class Evaluating {
 public:
  explicit Evaluating(Node* node) : before_(current) { current = node; }
  ~Evaluating() { current = before_; }
  Evaluating(const Evaluating&) = delete;
  static thread_local Node* current;

 private:
  Node* before_;
};

}  // namespace rl
