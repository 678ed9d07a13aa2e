// Batches as CIFAR's "Python version" has them, written instruction by instruction.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace reluctance {

inline std::string little_endian(std::uint32_t number, std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(number >> (8 * i));
  return bytes;
}

inline std::string pickled_text(const std::string& text) {
  return "U" + little_endian(static_cast<std::uint32_t>(text.size()), 1) + text;
}

inline std::string pickled_number(std::uint32_t number) {
  return number < 256 ? "K" + little_endian(number, 1) : "M" + little_endian(number, 2);
}

// A list is filled after it has been made.
inline std::string pickled_list(const std::vector<std::string>& parts) {
  std::string bytes = "]q\x05(";
  for (const std::string& part : parts) bytes += part;
  return bytes + "e";
}

// An array of so many rows of bytes, as NumPy describes it.
inline std::string pickled_array(std::uint32_t rows, const std::string& data) {
  const auto columns = static_cast<std::uint32_t>(data.size() / rows);
  const std::string shape = pickled_number(rows) + pickled_number(columns) + "\x86";
  const std::string nothing_known = "NNNJ" + little_endian(~0U, 4) + "J" + little_endian(~0U, 4);
  return "cnumpy.core.multiarray\n_reconstruct\nq\x07"
         "cnumpy\nndarray\nq\x08K" +
         std::string(1, '\0') + "\x85" + pickled_text("b") + "\x87Rq\x09(K\x01" + shape +
         "cnumpy\ndtype\nq\x0a" + pickled_text("u1") + "K" + std::string(1, '\0') +
         "K\x01\x87Rq\x0b(K\x03" + pickled_text("|") + nothing_known + "K" + std::string(1, '\0') +
         "tb\x89T" + little_endian(static_cast<std::uint32_t>(data.size()), 4) + data + "tb";
}

inline std::string pickled_dictionary(const std::string& entries) {
  return "\x80\x02}q\x01(" + entries + "u.";
}

// The whole of a batch.
inline std::string pickled_batch(const std::vector<std::uint32_t>& labels,
                                 const std::string& data) {
  std::vector<std::string> numbers, names;
  for (const std::uint32_t label : labels) {
    numbers.push_back(pickled_number(label));
    names.push_back(pickled_text("image_s_000" + std::to_string(label) + ".png"));
  }
  const auto rows = static_cast<std::uint32_t>(labels.size());
  return pickled_dictionary(
      pickled_text("batch_label") + "q\x02" + pickled_text("testing batch 1 of 1") + "q\x03" +
      pickled_text("labels") + "q\x04" + pickled_list(numbers) + pickled_text("data") + "q\x06" +
      pickled_array(rows, data) + pickled_text("filenames") + "q\x10" + pickled_list(names));
}

}  // namespace reluctance
