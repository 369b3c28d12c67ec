// Errors that become Python exceptions: a type and a text. Thrown in C++, translated once at the Python border.
#pragma once
#include <cstdint>
#include <exception>
#include <string>

namespace rl {

enum class ErrorType : uint8_t { Runtime, Type, Value, Index, NotImplemented, OutOfMemory, Import, Assertion, Python };

class Error : public std::exception {
 public:
  Error(ErrorType type, std::string text) : type(type), text(std::move(text)) {}
  const char* what() const noexcept override { return text.c_str(); }
  ErrorType type;
  std::string text;
};

// Thrown when a Python exception is already set and only has to travel up.
struct PythonError : Error {
  PythonError() : Error(ErrorType::Python, "a Python exception is set") {}
};

// printf-like; out of the hot path by being cold and never inlined.
[[noreturn, gnu::cold, gnu::noinline, gnu::format(printf, 2, 3)]] void fail(ErrorType type, const char* format, ...);
[[gnu::cold, gnu::noinline, gnu::format(printf, 1, 2)]] std::string format_text(const char* format, ...);

#define RL_CHECK(condition, type, ...)                \
  do {                                                \
    if (!(condition)) [[unlikely]]                    \
      ::rl::fail(::rl::ErrorType::type, __VA_ARGS__); \
  } while (0)

}  // namespace rl
