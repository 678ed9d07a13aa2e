// Runs a test's body in several processes that are connected.
#pragma once

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <vector>

#include "reluctance/base/processes.hpp"
#include "several_processes.hpp"

namespace reluctance {

// `body` says what is wrong in its process; "" if all is well.
inline void in_processes(int count, const std::function<std::string()>& body) {
  if (!can_be_several()) GTEST_SKIP() << "built without Gloo";
  const std::uint16_t port = free_port();
  std::vector<pid_t> children;
  for (int rank = 0; rank < count; ++rank) {
    std::fflush(nullptr);
    children.push_back(::fork());
    if (children.back() != 0) continue;
    // The threads of the parent are not there.
    at::set_num_threads(1);
    std::string fault;
    try {
      set_launch({rank, count, count, rank, "127.0.0.1", port});
      join_processes();
      fault = body();
      await_processes();
      leave_processes();
    } catch (const std::exception& error) {
      fault = error.what();
    }
    if (!fault.empty()) std::fprintf(stderr, "rank %d of %d: %s\n", rank, count, fault.c_str());
    ::_exit(fault.empty() ? 0 : 1);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "in " << count << " processes";
  }
}

}  // namespace reluctance
