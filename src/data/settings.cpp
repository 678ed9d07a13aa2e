#include "reluctance/data/settings.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <sstream>

#include "reluctance/base/error.hpp"

namespace reluctance {

Tensor text_array(const std::string& text) {
  Tensor bytes = at::empty({static_cast<int64_t>(text.size())}, at::kByte);
  std::copy(text.begin(), text.end(), bytes.data_ptr<uint8_t>());
  return bytes;
}

std::string array_text(const Tensor& bytes) {
  return {reinterpret_cast<const char*>(bytes.data_ptr<uint8_t>()),
          static_cast<std::size_t>(bytes.numel())};
}

void require_same_settings(const std::filesystem::path& path, const std::string& saved,
                           const std::string& wanted, const std::string& remedy) {
  std::istringstream saved_lines(saved);
  std::istringstream wanted_lines(wanted);
  std::string was;
  std::string is;
  for (;;) {
    if (!std::getline(saved_lines, was)) was.clear();
    if (!std::getline(wanted_lines, is)) is.clear();
    if (!saved_lines && !wanted_lines) return;
    if (was != is) {
      throw Error(path.string() + ": was saved with '" + was + "', but this run has '" + is +
                  "'; " + remedy);
    }
  }
}

}  // namespace reluctance
