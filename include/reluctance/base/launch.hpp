// Which of the processes of one program this one is, as a launcher says by environment variables.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace reluctance {

struct Launch {
  int rank = 0;                       // from 0
  int count = 1;                      // processes on all machines
  int local_count = 1;                // those on this machine
  int local_rank = 0;                 // among them
  std::string address = "127.0.0.1";  // where rank 0 listens
  std::uint16_t port = 0;             // 0: nobody listens, one process is alone
  std::string job{};                  // its launcher's name for it: others do not meet it
};

// The value of a variable; empty if it is not set.
using Environment = std::function<std::string(const std::string& name)>;
std::string variable_of_process(const std::string& name);

// The first of these that is there:
//
//   torchrun   RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR, MASTER_PORT
//   Open MPI   OMPI_COMM_WORLD_RANK, _SIZE, _LOCAL_RANK, _LOCAL_SIZE
//   Slurm      SLURM_PROCID, SLURM_LOCALID, SLURM_STEP_NODELIST or SLURM_NODELIST, and
//              SLURM_STEP_NUM_TASKS or, with SLURM_STEP_ID, SLURM_NTASKS: what srun sets and a
//              batch script has not
//
// MASTER_ADDR and MASTER_PORT count with each of them; where TORCHELASTIC_USE_AGENT_STORE says that
// torchrun itself listens at that port, it is the next one. Else the address is the loopback one
// where all processes are on one machine, with Slurm the first machine of the list, and the port
// follows from the numbers of the job and its step. Throws Error for variables that contradict each
// other or say nothing, and for several machines without an address.
Launch read_launch(const Environment& environment = variable_of_process);

// The first machine of a list as Slurm writes it: of "rack[07-09,12]-a,login" it is "rack07-a".
std::string first_machine(const std::string& list);

}  // namespace reluctance
