// The binary case in closed form, exact inside the linear region.
//
// One margin a(x) = z_other - z_label with loss softplus(a) and k = ||da/dx||^2. Along the attack
// da/dtau = k sigmoid(a), which integrates to a - exp(-a) = a_0 - exp(-a_0) + k tau. With the
// Wright omega function omega(y), the solution of w + ln w = y, this is a = -ln omega(-(a_0 -
// exp(-a_0) + k tau)) and delta = (a - a_0) / k * da/dx.
#pragma once

namespace reluctance {

// ln w for the solution w of w + ln w = y, for any finite y. The logarithm, because w itself
// underflows where the margin is large.
double log_wright_omega(double y);

// The margin after strength tau.
double binary_margin(double initial_margin, double squared_gradient_norm, double tau);

}  // namespace reluctance
