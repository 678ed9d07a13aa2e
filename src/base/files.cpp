#include "reluctance/base/files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "reluctance/base/error.hpp"

namespace reluctance {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, const std::string& what, int code) {
  throw Error(path.string() + ": " + what + ": " + std::strerror(code), Error::Kind::job);
}

// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  ~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return descriptor_; }
  // Closing can report what a write could not, so it is asked for by name.
  int close() { return ::close(std::exchange(descriptor_, -1)); }

 private:
  int descriptor_;
};

void create_parent(const fs::path& path) {
  if (!path.has_parent_path()) return;
  std::error_code code;
  fs::create_directories(path.parent_path(), code);
  if (code) fail(path.parent_path(), "cannot create the folder", code.value());
}

}  // namespace

fs::path temporary_beside(const fs::path& path) {
  static std::atomic<int> counter{0};
  return path.string() + ".part-" + std::to_string(::getpid()) + "-" +
         std::to_string(counter.fetch_add(1));
}

void replace_file(const fs::path& temporary, const fs::path& path) {
  std::error_code unreadable;  // then it does not exist, and the rename will tell
  if (fs::exists(path, unreadable) && !fs::is_regular_file(path, unreadable)) {
    ::unlink(temporary.c_str());
    throw Error(path.string() + ": is not a regular file, and is left alone", Error::Kind::job);
  }
  auto give_up = [&](const char* what) {
    const int code = errno;
    ::unlink(temporary.c_str());
    fail(path, what, code);
  };
  {
    const Descriptor file(::open(temporary.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0 || ::fsync(file.get()) != 0) give_up("cannot flush to the disk");
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) give_up("cannot replace the file");
}

void write_file(const fs::path& path, std::string_view bytes) {
  create_parent(path);
  const fs::path temporary = temporary_beside(path);
  Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (file.get() < 0) fail(path, "cannot create the file", errno);
  auto give_up = [&] {
    const int code = errno;
    ::unlink(temporary.c_str());
    fail(path, "cannot write", code);
  };
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) give_up();
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  if (file.close() != 0) give_up();
  replace_file(temporary, path);
}

std::string read_file(const fs::path& path, std::uint64_t limit) {
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  if (!fs::exists(status)) throw Error(path.string() + ": no such file");
  if (!fs::is_regular_file(status)) throw Error(path.string() + ": not a regular file");
  const std::uint64_t size = fs::file_size(path, code);
  if (code) throw Error(path.string() + ": cannot read its size: " + code.message());
  if (size > limit) {
    throw Error(path.string() + ": has " + std::to_string(size) +
                " bytes, more than the limit of " + std::to_string(limit));
  }
  std::ifstream stream(path, std::ios::binary);
  std::string bytes(size, '\0');
  if (!stream || (size > 0 && !stream.read(bytes.data(), static_cast<std::streamsize>(size)))) {
    throw Error(path.string() + ": cannot be read: " + std::strerror(errno));
  }
  return bytes;
}

void require_writable_folder(const std::string& option, const fs::path& folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  if (code) {
    throw Error(folder.string() + ": cannot create the folder: " + code.message() +
                "; choose another with " + option);
  }
  const fs::path probe = temporary_beside(folder / "probe");
  const Descriptor file(::open(probe.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (file.get() < 0) {
    throw Error(folder.string() + ": cannot write there: " + std::strerror(errno) +
                "; choose another with " + option);
  }
  ::unlink(probe.c_str());
}

}  // namespace reluctance
