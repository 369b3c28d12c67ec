#include "cpu/onednn/library.h"

#include "base/parallel.h"
#include "cpu/onednn/onednn.h"

#if defined(RL_ONEDNN)

#include <dlfcn.h>

#include <cstdlib>
#include <string>

namespace rl::cpu::onednn {
namespace {

std::string library_path() {
  if (const char* asked = std::getenv("RUSHLIGHT_ONEDNN")) return std::string(asked) == "off" ? "" : asked;
  Dl_info here;
  if (!dladdr(reinterpret_cast<void*>(&library_path), &here)) return "";
  const std::string file = here.dli_fname;
  const size_t slash = file.find_last_of('/');
  return (slash == std::string::npos ? "" : file.substr(0, slash + 1)) + "lib/libdnnl.so.3";
}

const Library* open_library() {
  const std::string path = library_path();
  void* handle = path.empty() ? nullptr : dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) return nullptr;
  static Library found;
#define RL_FIND(name)                                                                \
  found.name = reinterpret_cast<decltype(found.name)>(dlsym(handle, "dnnl_" #name)); \
  if (!found.name) return nullptr;
  RL_ONEDNN_FUNCTIONS(RL_FIND)
#undef RL_FIND
  if (found.version()->major != DNNL_VERSION_MAJOR) return nullptr;
  return found.engine_create(&found.engine, dnnl_cpu, 0) == dnnl_success ? &found : nullptr;
}

}  // namespace

const Library* library() {
  static const Library* opened = open_library();
  return opened;
}

bool available() { return library() != nullptr; }

bool sgemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float* a,
           int64_t lda, const float* b, int64_t ldb, float beta, float* c, int64_t ldc) {
  const Library* dnnl = library();
  if (!dnnl) return false;
  OpenMPThreads threads(num_threads());
  return dnnl->sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k, alpha, a, lda, b, ldb, beta, c, ldc) ==
         dnnl_success;
}

}  // namespace rl::cpu::onednn

#else

namespace rl::cpu::onednn {

bool available() { return false; }
bool sgemm(bool, bool, int64_t, int64_t, int64_t, float, const float*, int64_t, const float*, int64_t, float, float*,
           int64_t) {
  return false;
}
bool conv_forward(const ConvShape&, const float*, const float*, const float*, float*) { return false; }
bool conv_backward_input(const ConvShape&, const float*, const float*, float*) { return false; }
bool conv_backward_weight(const ConvShape&, const float*, const float*, float*) { return false; }

}  // namespace rl::cpu::onednn

#endif
