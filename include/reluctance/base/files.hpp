// Files that are written whole or not at all, and read within bounds. Of several processes
// (base/processes.hpp) the first one writes; in the others nothing here writes, locks or removes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace reluctance {

// Removes the file, if it is there.
void remove_file(const std::filesystem::path& path);

// Writes `bytes` to a temporary file beside `path`, flushes it to the disk, and renames it over
// `path`: a reader sees the old file or the new one. Creates missing parent folders.
// A folder or device in its place is left alone. Throws Error (Kind::job) naming the path and the
// system's reason; no temporary file stays.
void write_file(const std::filesystem::path& path, std::string_view bytes);

// A regular file, read from front to back.
class FileReader {
 public:
  // Throws Error naming the path if it is missing, not a regular file, unreadable, larger than
  // `limit` bytes, or a pointer of Git LFS.
  FileReader(const std::filesystem::path& path, std::uint64_t limit);
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  std::uint64_t size() const { return size_; }
  std::uint64_t left() const { return size_ - at_; }

  // Copies the next `count` bytes to `out`, or all that are left, and returns their number. Throws
  // Error if they cannot be read.
  std::size_t read(void* out, std::size_t count);

  // The same, and they stay the next ones.
  std::size_t peek(void* out, std::size_t count) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0, at_ = 0;
};

// The bytes of such a file. Throws as FileReader does.
std::string read_file(const std::filesystem::path& path, std::uint64_t limit);

// A name beside `path` for a file that is to be renamed over it, unique to this process.
std::filesystem::path temporary_beside(const std::filesystem::path& path);

// Flushes `temporary` to the disk and renames it over `path`. Throws as write_file does.
void replace_file(const std::filesystem::path& temporary, const std::filesystem::path& path);

// Creates `folder`, which `option` names, and proves that files can be created in it; removes what
// killed processes were writing there. Throws Error (Kind::input).
void require_writable_folder(const std::string& option, const std::filesystem::path& folder);

// Proves, before the work, that the file which `option` names can be written after it: it is a
// regular file or a free name, in a folder where files can be created; removes what killed
// processes were writing in its place. Throws Error.
void require_writable_file(const std::string& option, const std::filesystem::path& path);

// A writable folder for this process alone, as long as the object lives. Throws Error with the
// number of the process that has it.
class FolderLock {
 public:
  FolderLock(const std::string& option, const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace reluctance
