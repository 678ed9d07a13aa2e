#include "reluctance/base/launch.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <initializer_list>
#include <optional>

#include "reluctance/base/error.hpp"

namespace reluctance {
namespace {

constexpr int most_processes = 4096;
constexpr int largest_port = 65535;

class Variables {
 public:
  explicit Variables(const Environment& environment) : environment_(environment) {}

  std::string text(const std::string& name) const { return environment_(name); }
  bool has(const std::string& name) const { return !text(name).empty(); }

  int whole(const std::string& name, int least, int most) const {
    const std::string value = text(name);
    int number = 0;
    const char* end = value.data() + value.size();
    const auto [rest, fault] = std::from_chars(value.data(), end, number);
    if (value.empty() || fault != std::errc() || rest != end || number < least || number > most) {
      throw Error(name + "=" + value + ": must be a whole number from " + std::to_string(least) +
                  " to " + std::to_string(most) + ", as launchers set it");
    }
    return number;
  }

  int whole_or(const std::string& name, int otherwise, int least, int most) const {
    return has(name) ? whole(name, least, most) : otherwise;
  }

 private:
  const Environment& environment_;
};

struct Names {
  const char *rank, *count, *local_rank, *local_count;
};
constexpr Names torchrun{"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"};
constexpr Names open_mpi{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE",
                         "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"};

// Their values one after the other: the same for all processes of a job.
std::string job_of(const Variables& variables, std::initializer_list<const char*> names) {
  std::string job;
  for (const char* name : names) job += variables.text(name) + ".";
  return job;
}

// If a launcher with these names has started the process.
std::optional<Launch> launched(const Variables& variables, const Names& names) {
  for (const auto& [set, other] : {std::pair(names.rank, names.count), {names.count, names.rank}}) {
    if (variables.has(set) && !variables.has(other)) {
      throw Error(std::string(set) + " is set and " + other +
                  " is not; start the program by a launcher, or set both");
    }
  }
  if (!variables.has(names.rank)) return {};
  Launch launch;
  launch.address.clear();
  launch.count = variables.whole(names.count, 1, most_processes);
  launch.rank = variables.whole(names.rank, 0, launch.count - 1);
  launch.local_count = variables.whole_or(names.local_count, launch.count, 1, launch.count);
  launch.local_rank = variables.whole_or(names.local_rank, launch.rank % launch.local_count, 0,
                                         launch.local_count - 1);
  return launch;
}

std::optional<Launch> launched_by_slurm(const Variables& variables) {
  const bool of_step = variables.has("SLURM_STEP_NUM_TASKS");
  if (!variables.has("SLURM_PROCID") || !(of_step || variables.has("SLURM_STEP_ID"))) return {};
  Launch launch;
  launch.count =
      variables.whole(of_step ? "SLURM_STEP_NUM_TASKS" : "SLURM_NTASKS", 1, most_processes);
  launch.rank = variables.whole("SLURM_PROCID", 0, launch.count - 1);
  const int machines = variables.whole_or("SLURM_STEP_NUM_NODES",
                                          variables.whole_or("SLURM_NNODES", 1, 1, most_processes),
                                          1, most_processes);
  launch.local_count = std::max(1, (launch.count + machines - 1) / machines);
  // Machines may have more than their even share.
  launch.local_rank =
      variables.whole_or("SLURM_LOCALID", launch.rank % launch.local_count, 0, launch.count - 1);
  launch.job = job_of(variables, {"SLURM_JOB_ID", "SLURM_STEP_ID"});
  const std::string list = variables.text("SLURM_STEP_NODELIST");
  launch.address = first_machine(list.empty() ? variables.text("SLURM_NODELIST") : list);
  return launch;
}

// The same for all processes of a job, likely another one for another job.
std::uint16_t port_of(const std::string& job) {
  constexpr std::uint32_t first = 20000;  // below those that systems give away
  constexpr std::uint32_t ports = 12000;
  std::uint32_t mixed = 2166136261;  // FNV-1a
  for (const char c : job) mixed = (mixed ^ static_cast<unsigned char>(c)) * 16777619;
  return static_cast<std::uint16_t>(first + mixed % ports);
}

void find_address(Launch& launch, const Variables& variables, bool by_torchrun) {
  const bool one_machine = !by_torchrun && launch.local_count == launch.count;
  if (variables.has("MASTER_ADDR")) {
    launch.address = variables.text("MASTER_ADDR");
  } else if (one_machine) {
    launch.address = Launch().address;
  } else if (launch.address.empty()) {
    throw Error(
        "MASTER_ADDR is not set: the processes need the name of the machine of rank 0, for example "
        "by mpirun -x MASTER_ADDR=name");
  }
  if (variables.has("MASTER_PORT")) {
    launch.port = static_cast<std::uint16_t>(variables.whole("MASTER_PORT", 1, largest_port));
  } else if (by_torchrun) {
    throw Error("MASTER_PORT is not set: the processes need a free port of the machine of rank 0");
  } else {
    launch.port = port_of(launch.job);
  }
  // There torchrun itself listens, for workers that ask its store.
  const bool taken = by_torchrun && variables.text("TORCHELASTIC_USE_AGENT_STORE") == "True";
  if (taken) launch.port += launch.port < largest_port ? 1 : -1;
}

}  // namespace

std::string variable_of_process(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value ? value : "";
}

std::string first_machine(const std::string& list) {
  std::string name;
  for (std::size_t i = 0; i < list.size() && list[i] != ','; ++i) {
    if (list[i] != '[') {
      name += list[i];
      continue;
    }
    const std::size_t close = list.find(']', i);
    if (close == list.npos) return "";
    name += list.substr(i + 1, list.find_first_of("-,]", i) - i - 1);
    i = close;
  }
  return name;
}

Launch read_launch(const Environment& environment) {
  const Variables variables(environment);
  std::optional<Launch> launch = launched(variables, torchrun);
  const bool by_torchrun = launch.has_value();
  const std::optional<Launch> by_mpi = launched(variables, open_mpi);
  if (launch && by_mpi && (launch->rank != by_mpi->rank || launch->count != by_mpi->count)) {
    throw Error(
        "RANK and WORLD_SIZE contradict OMPI_COMM_WORLD_RANK and OMPI_COMM_WORLD_SIZE; use one "
        "launcher, or unset the variables of the other");
  }
  if (launch) launch->job = job_of(variables, {"TORCHELASTIC_RUN_ID"});
  if (!launch && by_mpi) {
    launch = by_mpi;
    // No step of Slurm: mpirun starts processes of other machines in steps of its own.
    launch->job = job_of(variables, {"PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid", "SLURM_JOB_ID"});
  }
  if (!launch) launch = launched_by_slurm(variables);
  if (!launch || launch->count == 1) return {};
  find_address(*launch, variables, by_torchrun);
  return *launch;
}

}  // namespace reluctance
