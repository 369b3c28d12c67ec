// oneDNN's C functions, found at run time.
#pragma once

#if defined(RL_ONEDNN)

#include <oneapi/dnnl/dnnl.h>

namespace rl::cpu::onednn {

#define RL_ONEDNN_FUNCTIONS(DO)                          \
  DO(version)                                            \
  DO(engine_create)                                      \
  DO(stream_create)                                      \
  DO(stream_destroy)                                     \
  DO(sgemm)                                              \
  DO(memory_desc_create_with_tag)                        \
  DO(memory_desc_equal)                                  \
  DO(memory_desc_get_size)                               \
  DO(memory_desc_destroy)                                \
  DO(memory_create)                                      \
  DO(memory_set_data_handle)                             \
  DO(memory_destroy)                                     \
  DO(convolution_forward_primitive_desc_create)          \
  DO(convolution_backward_data_primitive_desc_create)    \
  DO(convolution_backward_weights_primitive_desc_create) \
  DO(reorder_primitive_desc_create)                      \
  DO(primitive_desc_query_md)                            \
  DO(primitive_desc_destroy)                             \
  DO(primitive_create)                                   \
  DO(primitive_execute)                                  \
  DO(primitive_destroy)

struct Library {
#define RL_DECLARE(name) decltype(&::dnnl_##name) name;
  RL_ONEDNN_FUNCTIONS(RL_DECLARE)
#undef RL_DECLARE
  dnnl_engine_t engine;
};

// Null when oneDNN is not there. Opened by the first call, kept to the end of the process.
const Library* library();

}  // namespace rl::cpu::onednn

#endif
