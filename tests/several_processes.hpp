// What tests of several processes share: a free port, and the environment of a launcher.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>

namespace reluctance {

// A port of the loopback address that nobody listens at; the system gives each one once in a while.
inline std::uint16_t free_port() {
  const int end = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  const bool known = ::bind(end, any, sizeof address) == 0 && ::getsockname(end, any, &size) == 0;
  ::close(end);
  if (!known) throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

// What torchrun sets for a process on one machine.
inline std::map<std::string, std::string> as_torchrun(int rank, int count, std::uint16_t port) {
  return {{"RANK", std::to_string(rank)},       {"WORLD_SIZE", std::to_string(count)},
          {"LOCAL_RANK", std::to_string(rank)}, {"LOCAL_WORLD_SIZE", std::to_string(count)},
          {"MASTER_ADDR", "127.0.0.1"},         {"MASTER_PORT", std::to_string(port)}};
}

}  // namespace reluctance
