// Text from files and other processes, for a terminal.
#pragma once

#include <cctype>
#include <string>

namespace reluctance {

// With a question mark for every control character: they could end a line or steer the terminal.
inline std::string printable(std::string text) {
  for (char& c : text) {
    if (std::iscntrl(static_cast<unsigned char>(c))) c = '?';
  }
  return text;
}

}  // namespace reluctance
