// The one exception that the library throws for reasons a person can act on.
#pragma once

#include <stdexcept>
#include <string>

namespace reluctance {

// Carries one line that names what is at fault (a file, an option), what is wrong with it, and what
// would be right. What only a bug can cause is an assertion instead.
class Error : public std::runtime_error {
 public:
  enum class Kind {
    input,  // bad usage or bad input: the program exits with 2
    job,    // the work itself failed, for example a full disk: the program exits with 1
  };

  explicit Error(const std::string& message, Kind kind = Kind::input)
      : std::runtime_error(message), kind_(kind) {}

  Kind kind() const noexcept { return kind_; }

 private:
  Kind kind_;
};

// LibTorch's messages go on for pages of stack trace; the first line says what happened.
inline std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// Whether the message of an exception, of LibTorch's for example, says that memory ran out.
inline bool says_out_of_memory(const std::string& what) {
  return what.find("can't allocate memory") != std::string::npos ||
         what.find("CUDA out of memory") != std::string::npos;
}

}  // namespace reluctance
