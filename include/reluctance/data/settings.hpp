// The settings that a checkpoint was saved with: a run goes on only with the same ones.
#pragma once

#include <filesystem>
#include <string>

#include "reluctance/base/tensor.hpp"

namespace reluctance {

// Text as an array of a checkpoint, and back: its bytes, uint8.
Tensor text_array(const std::string& text);
std::string array_text(const Tensor& bytes);

// Settings are lines of "key: value". Throws Error naming the file, the first line that differs and
// `remedy`, which says what to do about it.
void require_same_settings(const std::filesystem::path& path, const std::string& saved,
                           const std::string& wanted, const std::string& remedy);

}  // namespace reluctance
