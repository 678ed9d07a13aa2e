// Files that are written whole or not at all, and read within bounds.
#include "reluctance/base/files.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <string>

#include "reluctance/base/error.hpp"
#include "temporary_folder.hpp"

namespace reluctance {
namespace {

namespace fs = std::filesystem;

TEST(Files, WriteThenReadReturnsTheBytes) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "deep" / "file.bin";
  const std::string bytes("a\0b\n", 4);
  write_file(path, bytes);
  write_file(path, bytes + "more");
  EXPECT_EQ(read_file(path, 100), bytes + "more");
}

TEST(Files, NothingButTheFileStaysBehind) {
  const TemporaryFolder folder;
  write_file(folder.path() / "file", "x");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
}

TEST(Files, WhatAKilledProcessWasWritingIsRemoved) {
  const TemporaryFolder folder;
  const pid_t gone = ::fork();
  if (gone == 0) ::_exit(0);
  ::waitpid(gone, nullptr, 0);
  const std::string part = ".reluctance-part-";
  const auto names = [&] {
    std::set<std::string> all;
    for (const auto& entry : fs::directory_iterator(folder.path())) {
      all.insert(entry.path().filename().string());
    }
    return all;
  };
  const std::string left = part + std::to_string(gone) + "-0";
  const std::string written = "a.npz" + part + std::to_string(::getpid()) + "-0";
  const std::set<std::string> others{"a.npz", written, "a.npz" + part, "a.part-1-0"};
  for (const std::string& name : others) write_file(folder.path() / name, "x");
  for (const std::string name : {"a.npz", "a.npz.checkpoint", "b.json"}) {
    write_file(folder.path() / (name + left + ".Xy12"), "x");
  }
  require_writable_file("--save", folder.path() / "a.npz");
  std::set<std::string> still = others;
  still.insert("b.json" + left + ".Xy12");
  EXPECT_EQ(names(), still);
  require_writable_folder("--out", folder.path());
  EXPECT_EQ(names(), others);
}

TEST(Files, FullDiskLeavesTheOldFile) {
  // /dev/full refuses every write; a folder cannot be created below a device.
  EXPECT_THROW(write_file("/dev/full/file", "x"), Error);
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "name";
  fs::create_directories(path / "occupied");
  try {
    write_file(path, "x");
    FAIL() << "a folder that is not empty was replaced";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Error::Kind::job);
    EXPECT_NE(std::string(error.what()).find(path.string()), std::string::npos);
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
}

TEST(Files, ReadingIsBounded) {
  const TemporaryFolder folder;
  write_file(folder.path() / "file", "12345");
  EXPECT_THROW(read_file(folder.path() / "file", 4), Error);
  EXPECT_THROW(read_file(folder.path() / "missing", 4), Error);
  EXPECT_THROW(read_file(folder.path(), 4), Error);
}

TEST(Files, AnUnwritableFolderIsAnInputError) {
  try {
    require_writable_folder("--out", "/proc/nowhere");
    FAIL() << "/proc/nowhere cannot be created";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Error::Kind::input);
  }
}

}  // namespace
}  // namespace reluctance
