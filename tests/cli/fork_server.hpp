// Starts the program without loading its libraries each time: a process that was forked from the
// tests before their first thread, and forks once more for each start.
#pragma once

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace reluctance {

class ForkServer {
 public:
  // `program` runs in each new process, with the words that `start` was given.
  using Program = std::function<void(const std::vector<std::string>& words)>;

  explicit ForkServer(const Program& program) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) fail("socketpair");
    // What the server starts becomes a child of the tests, who wait for it.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    std::fflush(nullptr);
    server_ = ::fork();
    if (server_ < 0) fail("fork");
    if (server_ == 0) {
      ::close(ends[0]);
      serve(ends[1], program);
    }
    ::close(ends[1]);
    socket_ = ends[0];
  }
  ~ForkServer() {
    ::close(socket_);
    ::waitpid(server_, nullptr, 0);
  }
  ForkServer(const ForkServer&) = delete;
  ForkServer& operator=(const ForkServer&) = delete;

  // A new child of this process with these standard streams.
  pid_t start(const std::vector<std::string>& words, int out, int err) const {
    std::string text;
    for (const std::string& word : words) text += word + '\0';
    std::uint64_t size = text.size();
    const std::array<int, 2> streams{out, err};
    iovec bytes{&size, sizeof size};
    Message message(bytes);
    std::memcpy(message.streams(), streams.data(), sizeof streams);
    if (::sendmsg(socket_, &message.header, MSG_NOSIGNAL) != sizeof size) fail("sendmsg");
    for (std::size_t sent = 0; sent < text.size();) {
      const ssize_t count = ::send(socket_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) fail("send");
      sent += static_cast<std::size_t>(count);
    }
    pid_t child = -1;
    if (::recv(socket_, &child, sizeof child, MSG_WAITALL) != sizeof child) fail("recv");
    return child;
  }

 private:
  // A message of some bytes and two streams.
  struct Message {
    explicit Message(iovec& bytes) {
      header.msg_iov = &bytes;
      header.msg_iovlen = 1;
      header.msg_control = control.data();
      header.msg_controllen = control.size();
      cmsghdr* first = CMSG_FIRSTHDR(&header);
      first->cmsg_level = SOL_SOCKET;
      first->cmsg_type = SCM_RIGHTS;
      first->cmsg_len = CMSG_LEN(2 * sizeof(int));
    }
    unsigned char* streams() { return CMSG_DATA(CMSG_FIRSTHDR(&header)); }

    alignas(cmsghdr) std::array<char, CMSG_SPACE(2 * sizeof(int))> control{};
    msghdr header{};
  };

  [[noreturn]] static void fail(const char* what) { throw std::runtime_error(what); }

  [[noreturn]] static void serve(int socket, const Program& program) {
    for (;;) {
      std::uint64_t size = 0;
      iovec bytes{&size, sizeof size};
      Message message(bytes);
      if (::recvmsg(socket, &message.header, MSG_CMSG_CLOEXEC) != sizeof size) ::_exit(0);
      std::array<int, 2> streams{};
      std::memcpy(streams.data(), message.streams(), sizeof streams);
      std::string text(size, '\0');
      if (::recv(socket, text.data(), size, MSG_WAITALL) != static_cast<ssize_t>(size)) ::_exit(1);
      std::array<int, 2> numbers{};
      if (::pipe2(numbers.data(), O_CLOEXEC) != 0) ::_exit(1);
      // Forked twice: the process between ends, and its child becomes one of the tests.
      const pid_t between = ::fork();
      if (between == 0) {
        const pid_t child = ::fork();
        if (child == 0) {
          ::dup2(streams[0], STDOUT_FILENO);
          ::dup2(streams[1], STDERR_FILENO);
          for (const int end : {socket, streams[0], streams[1], numbers[0], numbers[1]})
            ::close(end);
          std::vector<std::string> words;
          for (std::size_t at = 0; at < text.size(); at += words.back().size() + 1) {
            words.emplace_back(text.c_str() + at);
          }
          program(words);
          std::exit(127);
        }
        const bool told = ::write(numbers[1], &child, sizeof child) == sizeof child;
        ::_exit(told ? 0 : 1);
      }
      ::waitpid(between, nullptr, 0);
      pid_t child = -1;
      const bool known = ::read(numbers[0], &child, sizeof child) == sizeof child;
      for (const int end : {streams[0], streams[1], numbers[0], numbers[1]}) ::close(end);
      if (!known || ::send(socket, &child, sizeof child, MSG_NOSIGNAL) != sizeof child) ::_exit(1);
    }
  }

  pid_t server_ = -1;
  int socket_ = -1;
};

}  // namespace reluctance
