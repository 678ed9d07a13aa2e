#include "reluctance/base/launch.hpp"

#include <gtest/gtest.h>

#include <map>

#include "base/error_of.hpp"

namespace reluctance {
namespace {

using Variables = std::map<std::string, std::string>;

Launch launch_of(const Variables& variables) {
  return read_launch([&](const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  });
}

Variables with(Variables variables, const Variables& more) {
  for (const auto& [name, value] : more) variables[name] = value;
  return variables;
}

const Variables torchrun{{"RANK", "5"},
                         {"WORLD_SIZE", "8"},
                         {"LOCAL_WORLD_SIZE", "4"},
                         {"MASTER_ADDR", "host"},
                         {"MASTER_PORT", "29501"}};
const Variables open_mpi{{"OMPI_COMM_WORLD_RANK", "1"},
                         {"OMPI_COMM_WORLD_SIZE", "4"},
                         {"OMPI_COMM_WORLD_LOCAL_SIZE", "4"},
                         {"PMIX_NAMESPACE", "1234567"}};
const Variables slurm{
    {"SLURM_PROCID", "3"},  {"SLURM_STEP_NUM_TASKS", "6"},        {"SLURM_JOB_ID", "77"},
    {"SLURM_STEP_ID", "4"}, {"SLURM_STEP_NODELIST", "node[3-4]"}, {"SLURM_STEP_NUM_NODES", "2"}};

TEST(Launch, WithoutVariablesIsAlone) {
  const Launch launch = launch_of({});
  EXPECT_EQ(launch.rank, 0);
  EXPECT_EQ(launch.count, 1);
  EXPECT_EQ(launch.local_count, 1);
  EXPECT_EQ(launch.port, 0);
}

TEST(Launch, OfTorchrun) {
  const Launch launch = launch_of(torchrun);
  EXPECT_EQ(launch.rank, 5);
  EXPECT_EQ(launch.count, 8);
  EXPECT_EQ(launch.local_count, 4);
  EXPECT_EQ(launch.address, "host");
  EXPECT_EQ(launch.port, 29501);
}

// Some of its backends listen at MASTER_PORT themselves.
TEST(Launch, OfTorchrunLeavesThePortOfItsAgent) {
  const Variables agent{{"TORCHELASTIC_USE_AGENT_STORE", "True"}};
  EXPECT_EQ(launch_of(with(torchrun, agent)).port, 29502);
  EXPECT_EQ(launch_of(with(with(torchrun, agent), {{"MASTER_PORT", "65535"}})).port, 65534);
  EXPECT_EQ(launch_of(with(torchrun, {{"TORCHELASTIC_USE_AGENT_STORE", "False"}})).port, 29501);
}

TEST(Launch, KnowsThePlaceOnItsMachine) {
  EXPECT_EQ(launch_of({}).local_rank, 0);
  EXPECT_EQ(launch_of(with(torchrun, {{"LOCAL_RANK", "3"}})).local_rank, 3);
  EXPECT_EQ(launch_of(with(open_mpi, {{"OMPI_COMM_WORLD_LOCAL_RANK", "2"}})).local_rank, 2);
  EXPECT_EQ(launch_of(with(slurm, {{"SLURM_LOCALID", "4"}})).local_rank, 4);
  // Unsaid, machines are filled one after the other.
  EXPECT_EQ(launch_of(torchrun).local_rank, 1);
  EXPECT_EQ(launch_of(open_mpi).local_rank, 1);
  EXPECT_EQ(launch_of(slurm).local_rank, 0);
  EXPECT_NE(error_of([] {
              launch_of(with(torchrun, {{"LOCAL_RANK", "4"}}));
            }).find("LOCAL_RANK"),
            std::string::npos);
}

TEST(Launch, JobsAndTheirStepsAreToldApart) {
  const auto job = [](const Variables& base, const char* name, const char* value) {
    return launch_of(with(base, {{name, value}})).job;
  };
  EXPECT_NE(launch_of(slurm).job, job(slurm, "SLURM_STEP_ID", "5"));
  EXPECT_NE(launch_of(slurm).port, launch_of(with(slurm, {{"SLURM_STEP_ID", "5"}})).port);
  EXPECT_EQ(launch_of(slurm).job, job(slurm, "SLURM_PROCID", "4"));
  EXPECT_NE(launch_of(open_mpi).job, job(open_mpi, "PMIX_NAMESPACE", "7"));
  EXPECT_NE(launch_of(torchrun).job, job(torchrun, "TORCHELASTIC_RUN_ID", "7"));
  // Both start what runs on other machines in steps of their own.
  EXPECT_EQ(launch_of(open_mpi).job, job(open_mpi, "SLURM_STEP_ID", "7"));
  EXPECT_EQ(launch_of(torchrun).job, job(torchrun, "SLURM_STEP_ID", "7"));
}

TEST(Launch, OfOpenMpiOnOneMachineNeedsNoAddress) {
  const Launch launch = launch_of(open_mpi);
  EXPECT_EQ(launch.rank, 1);
  EXPECT_EQ(launch.count, 4);
  EXPECT_EQ(launch.address, "127.0.0.1");
  EXPECT_GE(launch.port, 20000);
  EXPECT_EQ(launch.port, launch_of(with(open_mpi, {{"OMPI_COMM_WORLD_RANK", "2"}})).port);
  EXPECT_NE(launch.port, launch_of(with(open_mpi, {{"PMIX_NAMESPACE", "1234568"}})).port);
}

TEST(Launch, OfOpenMpiOnSeveralMachinesNeedsOne) {
  const Variables several = with(open_mpi, {{"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}});
  EXPECT_NE(error_of([&] { launch_of(several); }).find("-x MASTER_ADDR"), std::string::npos);
  const Launch launch =
      launch_of(with(several, {{"MASTER_ADDR", "first"}, {"MASTER_PORT", "4000"}}));
  EXPECT_EQ(launch.address, "first");
  EXPECT_EQ(launch.port, 4000);
}

TEST(Launch, OfSlurmListensOnTheFirstMachine) {
  const Launch launch = launch_of(slurm);
  EXPECT_EQ(launch.rank, 3);
  EXPECT_EQ(launch.count, 6);
  EXPECT_EQ(launch.local_count, 3);
  EXPECT_EQ(launch.address, "node3");
  EXPECT_GE(launch.port, 20000);
}

// The batch script has the job's variables; it is one process, whatever the job's tasks.
TEST(Launch, OfABatchScriptOfSlurmIsAlone) {
  EXPECT_EQ(launch_of({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}}).count, 1);
  EXPECT_EQ(launch_of({{"SLURM_PROCID", "1"},
                       {"SLURM_NTASKS", "4"},
                       {"SLURM_STEP_ID", "0"},
                       {"SLURM_NODELIST", "here"}})
                .count,
            4);
}

// mpirun within a job of Slurm: what Slurm says of the job is not what mpirun started.
TEST(Launch, OfOpenMpiGoesBeforeSlurm) {
  Variables both = open_mpi;
  both.insert(slurm.begin(), slurm.end());
  EXPECT_EQ(launch_of(both).count, 4);
}

TEST(Launch, OfOneProcessOpensNoPort) {
  EXPECT_EQ(launch_of({{"RANK", "0"}, {"WORLD_SIZE", "1"}, {"MASTER_PORT", "29500"}}).port, 0);
}

TEST(Launch, RefusesWhatIsBroken) {
  const auto refused = [](const Variables& variables, const std::string& words) {
    const std::string message = error_of([&] { launch_of(variables); });
    EXPECT_NE(message.find(words), std::string::npos) << message;
  };
  refused({{"RANK", "0"}}, "WORLD_SIZE");
  refused({{"WORLD_SIZE", "2"}}, "RANK");
  refused(with(torchrun, {{"RANK", "8"}}), "RANK=8");
  refused(with(torchrun, {{"RANK", "-1"}}), "RANK=-1");
  refused(with(torchrun, {{"RANK", "one"}}), "RANK=one");
  refused(with(torchrun, {{"WORLD_SIZE", "0"}}), "WORLD_SIZE=0");
  refused(with(torchrun, {{"WORLD_SIZE", "8 "}}), "WORLD_SIZE=8 ");
  refused(with(torchrun, {{"WORLD_SIZE", "100000"}}), "to 4096");
  refused(with(torchrun, {{"WORLD_SIZE", "99999999999"}}), "WORLD_SIZE=99999999999");
  refused(with(torchrun, {{"MASTER_PORT", "70000"}}), "MASTER_PORT=70000");
  refused(with(torchrun, {{"MASTER_PORT", ""}}), "MASTER_PORT");
  refused(with(torchrun, {{"MASTER_ADDR", ""}}), "MASTER_ADDR");
  refused(with(torchrun, {{"LOCAL_WORLD_SIZE", "9"}}), "LOCAL_WORLD_SIZE=9");
  refused(with(torchrun, open_mpi), "OMPI_COMM_WORLD_RANK");
  refused(with(slurm, {{"SLURM_STEP_NODELIST", ""}}), "MASTER_ADDR");
}

TEST(Launch, FirstMachineOfAList) {
  EXPECT_EQ(first_machine("rack[07-09,12]-a,login"), "rack07-a");
  EXPECT_EQ(first_machine("node1,node2"), "node1");
  EXPECT_EQ(first_machine("node1"), "node1");
  EXPECT_EQ(first_machine("a[3,5]"), "a3");
  EXPECT_EQ(first_machine("r[1-2]n[04-05]"), "r1n04");
  EXPECT_EQ(first_machine(""), "");
  EXPECT_EQ(first_machine("a["), "");
}

}  // namespace
}  // namespace reluctance
