// From a file that may hold anything to a network or one line on what is wrong.
#include <onnx/onnx_pb.h>

#include <cstdint>
#include <new>
#include <optional>
#include <string_view>

#include "graph.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/base/printable.hpp"
#include "reluctance/network/onnx.hpp"

namespace reluctance {
namespace {

// What protocol buffers can hold. Larger weights lie in files of their own.
constexpr std::uint64_t largest_model = (std::uint64_t{1} << 31) - 1;

ImportedNetwork imported(std::string_view bytes, const std::string& name,
                         const std::optional<std::filesystem::path>& folder, const Answer& answer) {
  onnx::ModelProto model;
  if (bytes.size() > largest_model ||
      !model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || !model.has_graph()) {
    throw Error(name + ": is not an ONNX model, or is incomplete");
  }
  std::string what;
  try {
    return onnx_import::Graph(model, folder).network(answer);
  } catch (const Error& error) {
    what = error.what();
  } catch (const std::bad_alloc&) {
    throw;                                 // not the file's fault
  } catch (const std::exception& error) {  // LibTorch's go on with a backtrace
    if (says_out_of_memory(error.what())) throw std::bad_alloc();
    what = first_line(error.what());
  }
  throw Error(name + ": " + printable(what));
}

}  // namespace

ImportedNetwork read_onnx(const std::filesystem::path& path, const Answer& answer) {
  return imported(read_file(path, largest_model), path.string(), path.parent_path(), answer);
}

ImportedNetwork read_onnx_bytes(std::string_view bytes, const std::string& name,
                                const Answer& answer) {
  return imported(bytes, name, std::nullopt, answer);
}

}  // namespace reluctance
