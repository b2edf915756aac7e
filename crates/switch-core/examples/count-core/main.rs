//! Does one operation so many times, for counting instructions: `count-core OPERATION N`; without arguments it lists them.

#![expect(clippy::print_stdout, reason = "it lists its operations")]

mod scenario;

use scenario::Scenario;

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(operation), Some(times)) = (arguments.next(), arguments.next()) else {
        println!("message\nreception\nreception-and-checkpoint\nlarge-reception");
        return;
    };
    let times: usize = times.parse().expect("N is a number");
    if operation == "reception-and-checkpoint" {
        // So many receptions, and one checkpoint of them all, written and read again.
        let checkpoint = Scenario::new().fold(times).checkpoint();
        std::hint::black_box((checkpoint.bytes(), checkpoint.restore()));
        return;
    }
    if operation == "large-reception" {
        // So many receptions in a whole network, and as many copies that go out; the network itself costs more than these.
        let mut scenario = Scenario::large();
        for _ in 0..times {
            let (link, message) = scenario.inquiry();
            std::hint::black_box(scenario.receive(link, message));
            scenario.finish_one();
        }
        return;
    }
    let mut scenario = Scenario::new();
    let mut sum = 0;
    for _ in 0..times {
        sum += match operation.as_str() {
            "message" => scenario.message(),
            "reception" => scenario.reception(),
            other => panic!("no such operation: {other}"),
        };
    }
    std::hint::black_box(sum);
}
