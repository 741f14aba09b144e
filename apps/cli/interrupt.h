// Ctrl-C ends what is being made, and what was made before it is shown.
#pragma once

namespace decant::cli {

/// From now on the first Ctrl-C sets interrupted(); a second one, should that hang, ends the
/// program.
void catch_interrupt();

bool interrupted();

}  // namespace decant::cli
