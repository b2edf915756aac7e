//! Does one operation of the codec's benches so many times, for counting instructions: `count-codec OPERATION N`; without
//! arguments it lists them.
//!
//! ```text
//! valgrind --tool=callgrind --callgrind-out-file=/dev/null target/release/examples/count-codec decode_and_check_iaq 1000
//! ```
//!
//! Two runs with different numbers, the difference of their counts divided by the difference of the numbers, is what
//! one operation costs; what the program does before it cancels out.

#[path = "../benches/operations/mod.rs"]
mod operations;

use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let operations = operations::all();
    let mut arguments = std::env::args().skip(1);
    let operation = arguments.next().and_then(|name| operations.iter().find(|operation| operation.name == name));
    let times = arguments.next().and_then(|times| times.parse::<u64>().ok());
    let (Some(operation), Some(times)) = (operation, times) else {
        let names: String = operations.iter().map(|operation| format!("{}\n", operation.name)).collect();
        return std::io::stdout().write_all(names.as_bytes()).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS);
    };
    for _ in 0..times {
        (operation.run)();
    }
    ExitCode::SUCCESS
}
