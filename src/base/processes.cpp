#include "reluctance/base/processes.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cstring>
#include <utility>

#include "connection.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/progress.hpp"

namespace reluctance {
namespace {

Launch own_launch;
// Never destroyed where the work ends early: Gloo's threads may still wait for processes that are
// gone.
Connection* connection = nullptr;
thread_local bool at_own_share = false;

// What comes before the numbers of a tensor: whether there is one, its type, where it was, and its
// shape.
void describe(const Tensor& tensor, std::vector<int64_t>& head) {
  head.push_back(tensor.defined());
  if (!tensor.defined()) return;
  head.push_back(static_cast<int64_t>(tensor.scalar_type()));
  head.push_back(tensor.is_cpu());
  head.push_back(tensor.dim());
  for (const int64_t size : tensor.sizes()) head.push_back(size);
}

// Every part of a row begins where numbers of any type may.
int64_t padded(int64_t bytes) { return (bytes + 7) / 8 * 8; }

// Of one process: its head, then its tensors, which stay where they are.
Tensors unpacked(const Tensor& bytes, int64_t heads, const c10::Device& device) {
  const auto* head = reinterpret_cast<const int64_t*>(bytes.data_ptr<std::uint8_t>());
  const int64_t* end = head + heads;
  int64_t from = heads * static_cast<int64_t>(sizeof(int64_t));
  Tensors tensors;
  while (head < end) {
    if (*head++ == 0) {
      tensors.emplace_back();
      continue;
    }
    const auto type = static_cast<at::ScalarType>(*head++);
    const bool on_cpu = *head++ != 0;
    const int64_t dims = *head++;
    const at::IntArrayRef shape(head, static_cast<std::size_t>(dims));
    head += dims;
    int64_t size = static_cast<int64_t>(c10::elementSize(type));
    for (const int64_t each : shape) size *= each;
    const Tensor tensor = bytes.slice(0, from, from + size).view(type).view(shape);
    from += padded(size);
    tensors.push_back(on_cpu ? tensor : tensor.to(device));
  }
  return tensors;
}

}  // namespace

bool can_be_several() {
#ifdef RELUCTANCE_HAS_GLOO
  return true;
#else
  return false;
#endif
}

void set_launch(const Launch& launch) { own_launch = launch; }

const Launch& launch() { return own_launch; }

void join_processes() {
  if (own_launch.count > 1 && !connection) connection = new Connection(own_launch);
}

bool leave_processes() {
  if (!connection) return true;
  const bool all_is_well = fault_of_processes().text.empty() && !interrupt_requested();
  connection->heartbeat().leave();
  if (all_is_well) delete connection;
  connection = nullptr;
  return all_is_well;
}

bool divides() { return connection && !at_own_share && !at::in_parallel_region(); }

OwnShare::OwnShare() : before_(std::exchange(at_own_share, true)) {}
OwnShare::~OwnShare() { at_own_share = before_; }

std::vector<Tensors> gather(const Tensors& own, const c10::Device& device) {
  std::vector<int64_t> head;
  Tensors parts;
  for (const Tensor& each : own) {
    describe(each, head);
    if (each.defined()) parts.push_back(each.to(at::kCPU).contiguous());
  }
  auto size = static_cast<int64_t>(head.size() * sizeof(int64_t));
  for (const Tensor& each : parts) size += padded(static_cast<int64_t>(each.nbytes()));
  const Tensor sizes =
      connection->rows(at::tensor({static_cast<int64_t>(head.size()), size}, at::kLong));
  const int64_t most = sizes.select(1, 1).max().item<int64_t>();
  std::vector<Tensors> all(static_cast<std::size_t>(own_launch.count));
  if (most == 0) return all;
  const Tensor packed = at::zeros({most}, at::kByte);
  auto* to = packed.data_ptr<std::uint8_t>();
  if (!head.empty()) std::memcpy(to, head.data(), head.size() * sizeof(int64_t));
  to += head.size() * sizeof(int64_t);
  for (const Tensor& each : parts) {
    if (each.nbytes() > 0) std::memcpy(to, each.data_ptr(), each.nbytes());
    to += padded(static_cast<int64_t>(each.nbytes()));
  }
  const Tensor rows = connection->rows(packed);
  for (int rank = 0; rank < own_launch.count; ++rank) {
    all[static_cast<std::size_t>(rank)] =
        unpacked(rows[rank], sizes[rank][0].item<int64_t>(), device);
  }
  return all;
}

Tensors sum_over_processes(const Tensors& own) {
  Tensors sums(own.size());
  // As each process added them up: half the bytes that float64 would take.
  std::vector<std::size_t> single, others;
  for (std::size_t k = 0; k < own.size(); ++k) {
    (own[k].scalar_type() == at::kFloat ? single : others).push_back(k);
  }
  for (const auto& [places, type] : {std::pair(single, at::kFloat), {others, at::kDouble}}) {
    if (places.empty()) continue;
    Tensors rows;
    for (const std::size_t k : places) rows.push_back(own[k].to(at::kCPU, type).flatten());
    Tensor sum = at::cat(rows);
    connection->sum(sum);
    int64_t begin = 0;
    for (const std::size_t k : places) {
      const int64_t end = begin + own[k].numel();
      sums[k] = sum.slice(0, begin, end).view(own[k].sizes()).to(own[k].options());
      begin = end;
    }
  }
  return sums;
}

void await_processes() {
  if (!divides()) return;
  Tensor nothing = at::zeros({1});
  connection->sum(nothing);
}

void require_agreement(const std::string& what, const std::string& text) {
  if (!divides()) return;
  const Tensor own = at::empty({static_cast<int64_t>(text.size())}, at::kByte);
  if (!text.empty()) std::memcpy(own.data_ptr(), text.data(), text.size());
  const std::vector<Tensors> all = gather({own}, at::kCPU);
  for (std::size_t rank = 0; rank < all.size(); ++rank) {
    if (at::equal(all[rank][0], all[0][0])) continue;
    throw Error(what + " of rank " + std::to_string(rank) +
                " differs from that of rank 0; all processes must be given the same, and see the "
                "same files");
  }
}

void tell_activity(const std::string& activity) {
  if (connection) connection->heartbeat().tell(activity);
}

Fault fault_of_processes() { return connection ? connection->heartbeat().fault() : Fault{}; }

bool report_failure(const std::string& message) {
  return !connection || connection->heartbeat().report(message);
}

}  // namespace reluctance
