// Every earlier finding: a new one is a new file, a line here and one in list.cpp.
#pragma once

#include "reluctance/claims/findings.hpp"

namespace reluctance {

EarlierFinding few_directions_finding();
EarlierFinding flatter_input_finding();
EarlierFinding sharper_weights_finding();
EarlierFinding logistic_regression_finding();
EarlierFinding near_boundary_finding();
EarlierFinding hard_samples_finding();
EarlierFinding capacity_and_data_finding();
EarlierFinding single_step_finding();
EarlierFinding learning_rate_finding();
EarlierFinding flat_weights_gap_finding();
EarlierFinding linf_less_smooth_finding();
EarlierFinding label_smoothing_finding();
EarlierFinding vanishing_gradients_finding();
EarlierFinding early_stopping_finding();

}  // namespace reluctance
