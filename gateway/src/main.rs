//! The command line of the gateway.

use mimalloc::MiMalloc;
use std::process::ExitCode;

/// A request takes and gives back some hundred small pieces of memory. This allocator spares a tenth of a request's time
/// beside that of the GNU library, and gives back to the system what is not needed any more.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    gateway::cli::main(std::env::args_os())
}
