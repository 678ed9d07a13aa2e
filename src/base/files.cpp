#include "reluctance/base/files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <utility>

#include "reluctance/base/error.hpp"
#include "reluctance/base/processes.hpp"

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
  int close() { return ::close(release()); }
  int release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

void create_parent(const fs::path& path) {
  if (!path.has_parent_path()) return;
  std::error_code code;
  fs::create_directories(path.parent_path(), code);
  if (code) fail(path.parent_path(), "cannot create the folder", code.value());
}

// Creates a file in the folder and removes it; the system's reason if it cannot.
int probe(const fs::path& folder) {
  const fs::path path = temporary_beside(folder / "probe");
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (file.get() < 0) return errno;
  ::unlink(path.c_str());
  return 0;
}

// Between the name of a file and the number of the process that is writing it.
constexpr std::string_view part = ".reluctance-part-";

// Removes what processes that are no more left of files in the folder whose names begin like that.
void remove_leftovers(const fs::path& folder, const std::string& begin) {
  std::error_code code;  // what cannot be listed or removed does no harm
  for (fs::directory_iterator entry(folder, code), end; !code && entry != end;
       entry.increment(code)) {
    const std::string name = entry->path().filename().string();
    const std::size_t at = name.rfind(part);
    if (!name.starts_with(begin) || at == name.npos) continue;
    pid_t process = 0;
    const char* number = name.data() + at + part.size();
    const auto [rest, fault] = std::from_chars(number, name.data() + name.size(), process);
    const bool ours = fault == std::errc() && process > 0 && *rest == '-';
    if (!ours || ::kill(process, 0) == 0 || errno != ESRCH) continue;
    ::unlink(entry->path().c_str());
  }
}

}  // namespace

fs::path temporary_beside(const fs::path& path) {
  static std::atomic<int> counter{0};
  return path.string() + std::string(part) + std::to_string(::getpid()) + "-" +
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
  // The new name is safe once its folder is; some file systems cannot be asked for that.
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const Descriptor parent(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent.get() >= 0) ::fsync(parent.get());
}

void write_file(const fs::path& path, std::string_view bytes) {
  if (!is_first_process()) return;
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

void remove_file(const fs::path& path) {
  if (is_first_process()) fs::remove(path);
}

FileReader::FileReader(const fs::path& path, std::uint64_t limit) : path_(path) {
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  if (!fs::exists(status)) throw Error(path.string() + ": no such file");
  if (!fs::is_regular_file(status)) throw Error(path.string() + ": not a regular file");
  size_ = fs::file_size(path, code);
  if (code) throw Error(path.string() + ": cannot read its size: " + code.message());
  if (size_ > limit) {
    throw Error(path.string() + ": has " + std::to_string(size_) +
                " bytes, more than the limit of " + std::to_string(limit));
  }
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) throw Error(path.string() + ": cannot be read: " + std::strerror(errno));
  descriptor_ = file.get();
  constexpr std::string_view pointer = "version https://git-lfs.github.com/spec/";
  std::array<char, pointer.size()> start{};
  if (std::string_view(start.data(), peek(start.data(), start.size())) == pointer) {
    throw Error(path.string() +
                ": is a pointer that Git LFS left in the place of the file; get the file with: git "
                "lfs pull");
  }
  file.release();
}

FileReader::~FileReader() { ::close(descriptor_); }

std::size_t FileReader::peek(void* out, std::size_t count) const {
  auto* position = static_cast<char*>(out);
  const std::size_t wanted = std::min<std::uint64_t>(count, left());
  std::size_t done = 0;
  while (done < wanted) {
    const ssize_t got =
        ::pread(descriptor_, position + done, wanted - done, static_cast<off_t>(at_ + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error(path_.string() + ": cannot be read: " + std::strerror(errno));
    if (got == 0) throw Error(path_.string() + ": has become shorter while it was read");
    done += static_cast<std::size_t>(got);
  }
  return done;
}

std::size_t FileReader::read(void* out, std::size_t count) {
  const std::size_t done = peek(out, count);
  at_ += done;
  return done;
}

std::string read_file(const fs::path& path, std::uint64_t limit) {
  FileReader reader(path, limit);
  std::string bytes(reader.size(), '\0');
  reader.read(bytes.data(), bytes.size());
  return bytes;
}

void require_writable_folder(const std::string& option, const fs::path& folder) {
  if (!is_first_process()) return;
  std::error_code code;
  fs::create_directories(folder, code);
  if (code) {
    throw Error(folder.string() + ": cannot create the folder: " + code.message() +
                "; choose another with " + option);
  }
  if (const int fault = probe(folder)) {
    throw Error(folder.string() + ": cannot write there: " + std::strerror(fault) +
                "; choose another with " + option);
  }
  remove_leftovers(folder, "");
}

void require_writable_file(const std::string& option, const fs::path& path) {
  if (!is_first_process()) return;
  std::error_code ignored;  // what cannot be asked is not there
  if (fs::exists(path, ignored) && !fs::is_regular_file(path, ignored)) {
    throw Error(option + " " + path.string() +
                ": is there and no regular file; choose another name");
  }
  // The nearest folder that is there; those below it are made when the file is written.
  fs::path folder = fs::absolute(path).parent_path();
  while (!fs::exists(folder, ignored) && folder.has_relative_path()) folder = folder.parent_path();
  const int fault = fs::is_directory(folder, ignored) ? probe(folder) : ENOTDIR;
  if (fault != 0) {
    throw Error(option + " " + path.string() + ": cannot write in " + folder.string() + ": " +
                std::strerror(fault) + "; choose another place");
  }
  remove_leftovers(fs::absolute(path).parent_path(), path.filename().string());
}

FolderLock::FolderLock(const std::string& option, const fs::path& folder)
    : path_(folder / ".reluctance.lock") {
  if (!is_first_process()) return;
  require_writable_folder(option, folder);
  for (;;) {
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor_ < 0) fail(path_, "cannot create the file", errno);
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      std::array<char, 32> text{};
      const ssize_t size = ::pread(descriptor_, text.data(), text.size() - 1, 0);
      ::close(std::exchange(descriptor_, -1));
      throw Error(folder.string() + ": process " +
                  std::string(text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))) +
                  " writes there; wait for it, or choose another folder with " + option);
    }
    // Its last holder may have removed the file between the two calls.
    struct stat named {};
    struct stat held {};
    if (::stat(path_.c_str(), &named) == 0 && ::fstat(descriptor_, &held) == 0 &&
        named.st_ino == held.st_ino) {
      break;
    }
    ::close(std::exchange(descriptor_, -1));
  }
  const std::string process = std::to_string(::getpid());
  const bool written = ::ftruncate(descriptor_, 0) == 0 &&
                       ::pwrite(descriptor_, process.data(), process.size(), 0) > 0;
  static_cast<void>(written);  // only the message of another process would lack the number
}

FolderLock::~FolderLock() {
  if (descriptor_ < 0) return;
  ::unlink(path_.c_str());
  ::close(descriptor_);
}

}  // namespace reluctance
