#include "reluctance/base/large_tensor.hpp"

#include <ATen/ATen.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include "reluctance/base/error.hpp"

namespace reluctance {
namespace {

constexpr std::size_t most_in_memory = std::size_t{512} << 20;
constexpr int64_t piece_bytes = int64_t{32} << 20;

// Not /tmp, which is memory on many systems.
std::string scratch_folder() {
  const char* chosen = std::getenv("TMPDIR");
  return chosen && *chosen ? chosen : "/var/tmp";
}

// A file that no name leads to and that nobody else can open.
int open_scratch(const std::string& folder) {
  const int file = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
  if (file >= 0 || errno == ENOENT) return file;
  std::string name = folder + "/reluctance-XXXXXX";  // where a file system has no files without one
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(name.c_str());
  return named;
}

void* map_scratch(std::size_t bytes) {
  const std::string folder = scratch_folder();
  const auto fail = [&](int code) {
    constexpr double gibibyte = 1 << 30;
    std::string needed = std::to_string(static_cast<double>(bytes) / gibibyte);
    needed.resize(needed.find('.') + 2);
    throw Error(folder + ": cannot hold the " + needed + " GiB of a large array: " +
                    std::strerror(code) + "; set TMPDIR to a folder with room",
                Error::Kind::job);
  };
  const int file = open_scratch(folder);
  if (file < 0) fail(errno);
  // Reserved now: a disk that fills up later would end the process.
  const int code = ::posix_fallocate(file, 0, static_cast<off_t>(bytes));
  void* memory = MAP_FAILED;
  if (code == 0) memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  const int reason = code != 0 ? code : errno;
  ::close(file);
  if (memory == MAP_FAILED) fail(reason);
  return memory;
}

}  // namespace

Tensor large_empty(const Shape& shape, c10::ScalarType dtype) {
  const auto bytes = static_cast<std::size_t>(elements(shape)) * at::elementSize(dtype);
  if (bytes <= most_in_memory) return at::empty(shape, dtype);
  return at::from_blob(
      map_scratch(bytes), shape, [bytes](void* memory) { ::munmap(memory, bytes); },
      at::TensorOptions().dtype(dtype));
}

void fill_tensor(Tensor& tensor, const std::function<void(void* out, std::size_t count)>& read,
                 const Progress& progress) {
  auto* bytes = static_cast<char*>(tensor.data_ptr());
  const auto total = static_cast<int64_t>(tensor.nbytes());
  for (int64_t done = 0; done < total;) {
    check_interrupt();
    const int64_t count = std::min(piece_bytes, total - done);
    read(bytes + done, static_cast<std::size_t>(count));
    done += count;
    if (progress) progress(done, total);
  }
}

void for_each_piece(const Tensor& rows,
                    const std::function<bool(int64_t begin, const Tensor& piece)>& body) {
  const int64_t count = rows.size(0);
  const int64_t row_bytes = std::max<int64_t>(1, rows.numel() / std::max<int64_t>(1, count)) *
                            static_cast<int64_t>(rows.element_size());
  const int64_t step = std::max<int64_t>(1, piece_bytes / row_bytes);
  for (int64_t begin = 0; begin < count; begin += step) {
    check_interrupt();
    if (!body(begin, rows.slice(0, begin, std::min(begin + step, count)))) return;
  }
}

Tensor large_copy(const Tensor& rows, c10::ScalarType dtype,
                  const std::function<void(Tensor& piece)>& change) {
  if (rows.dim() == 0) return large_copy(rows.unsqueeze(0), dtype, change).squeeze(0);
  Tensor copy = rows.is_cpu() ? large_empty(rows.sizes().vec(), dtype)
                              : at::empty(rows.sizes(), rows.options().dtype(dtype));
  for_each_piece(rows, [&](int64_t begin, const Tensor& piece) {
    Tensor place = copy.slice(0, begin, begin + piece.size(0));
    place.copy_(piece);
    if (change) change(place);
    return true;
  });
  return copy;
}

}  // namespace reluctance
