//! What a run says of a switch that stalls, loses, repeats, refuses or hangs up.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use load::meter::Stage;
use load::mix::Mix;
use load::plan::{Plan, Shape};
use load::rate::Spacing;
use load::report::{Run, Verdict};
use rustls_pki_types::ServerName;

use crate::stand_in::{Act, StandIn};

const NOTES: &str =
    "[[sender]]\nstation = \"ZA0010000\"\n[[message]]\nkey = \"AM\"\nto = [\"ZB\"]\nweight = 1\nbytes = 200\n";

const INQUIRIES: &str =
    "[[sender]]\nstation = \"ZA0010000\"\n[[message]]\nkey = \"IAQ\"\nto = [\"AX\"]\nweight = 1\nbytes = 250\n";

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn plan(switch: &StandIn, mix: &str, shape: Shape) -> Plan {
    Plan {
        address: switch.address,
        server_name: ServerName::IpAddress(switch.address.ip().into()),
        pki: switch.pki(),
        mix: Mix::parse("test", mix).unwrap(),
        shape,
        title: "a test".to_owned(),
        links: 4,
        idle: 0,
        threads: 1,
        spacing: Spacing::Fixed,
        seed: 7,
        ramp: Duration::ZERO,
        warmup: ms(200),
        settle: Duration::from_secs(20),
        timeout: Duration::from_secs(20),
        connect: Duration::from_secs(20),
        connecting_max: 8,
        connect_rate: None,
        in_flight_max: 10_000,
        resend_after: None,
        requirements: Vec::new(),
        watch: Vec::new(),
    }
}

fn run(plan: &Plan) -> Run {
    load::run(plan, &AtomicBool::new(false), &mut |_| {}).unwrap_or_else(|error| panic!("{error}"))
}

fn open(rate: f64, duration: Duration) -> Shape {
    Shape::Open { rate, duration }
}

/// How many acknowledgements took longer than that.
fn slower(run: &Run, than: Duration) -> u64 {
    let latency = run.latency("all", Stage::Ack).expect("acknowledgements were measured");
    let than = u64::try_from(than.as_micros()).unwrap();
    latency.buckets.iter().filter(|(micros, _)| *micros > than).map(|(_, count)| count).sum()
}

const STALL: Duration = Duration::from_millis(800);

/// Acknowledges everything, and stalls once: with the first message that comes a second after the first of all.
fn stalling() -> StandIn {
    let (first, stalled) = (OnceLock::new(), AtomicBool::new(false));
    StandIn::new(move |_, _| {
        let due = first.get_or_init(Instant::now).elapsed() >= Duration::from_secs(1);
        let stalls = due && !stalled.swap(true, Ordering::Relaxed);
        if stalls { vec![Act::Stall(STALL), Act::Ack] } else { vec![Act::Ack] }
    })
}

#[test]
fn a_stall_shows_in_the_latency_of_every_message_that_was_due_in_it() {
    let switch = stalling();
    let run = run(&plan(&switch, NOTES, open(200.0, ms(2000))));
    // 200 a second over 800 ms: 160 were due while nothing was answered, and waited 400 ms on average.
    let latency = run.latency("all", Stage::Ack).unwrap();
    assert_eq!((latency.count, run.lost()), (400, 0), "all that were due are measured");
    let slow = slower(&run, ms(100));
    assert!((130..=250).contains(&slow), "{slow} messages waited over 100 ms");
    assert!(latency.percentiles_us.max >= 780_000, "{:?}", latency.percentiles_us);
    assert!(latency.percentiles_us.p90 >= 350_000, "{:?}", latency.percentiles_us);
}

#[test]
fn a_closed_loop_hides_the_same_stall_which_is_why_it_is_not_the_rule() {
    let switch = stalling();
    let run = run(&plan(&switch, NOTES, Shape::Closed { per_link: 1, duration: ms(2000) }));
    let slow = slower(&run, ms(100));
    assert!((1..=4).contains(&slow), "no more than there are links: {slow}");
    assert!(run.count("acked") > 500, "it goes as fast as the stand-in answers: {}", run.count("acked"));
    assert!(load::report::text::summary(&run).contains("closed loop: while the switch stalls nothing is sent"));
}

#[test]
fn what_a_switch_loses_is_counted_and_makes_no_percentile_look_better() {
    let answer = |number: u64| Act::Answer {
        key: "IAR",
        from: "ZZLESC000",
        body: "ANSWER".to_owned(),
        validation: u32::try_from(number).unwrap(),
    };
    let switch = StandIn::new(move |number, _| match number {
        number if number.is_multiple_of(10) => vec![],
        number if number.is_multiple_of(4) => vec![Act::Ack, answer(2 * number)],
        number => vec![Act::Ack, answer(2 * number), answer(2 * number + 1)],
    });
    let mut plan = plan(&switch, INQUIRIES, open(100.0, ms(1000)));
    plan.warmup = Duration::ZERO;
    plan.timeout = ms(1500);
    plan.requirements = vec!["lost==0".parse().unwrap(), "acked>=90".parse().unwrap()];
    let run = run(&plan);
    let (unacked, unanswered) = (run.count("lost_acks"), run.count("lost_answers"));
    assert_eq!((run.count("sent"), unacked), (100, 10));
    // Each tenth got neither; each fourth, but for each twentieth, one of two.
    assert_eq!(unanswered, 10 * 2 + 20);
    assert_eq!(run.count("answered"), 70);
    // The machine may be busy with other tests; then it is said whose fault that is.
    let kept_up = run.harness.bottleneck.is_empty();
    assert_eq!(run.verdict, if kept_up { Verdict::Missed } else { Verdict::HarnessBound });
    assert_eq!(run.requirements.iter().map(|one| one.met).collect::<Vec<_>>(), [false, true]);
    let latency = run.latency("all", Stage::Final).unwrap();
    assert_eq!(latency.count, 100, "a message without its answer counts with the time that it was waited for");
    assert!(latency.percentiles_us.p90 >= 1_400_000, "{:?}", latency.percentiles_us);
}

#[test]
fn answers_too_many_and_copies_that_come_again_are_told_apart() {
    let switch = StandIn::new(|number, _| {
        let answer = |validation| Act::Answer {
            key: "IAR",
            from: "ZZLESC000",
            body: String::new(),
            validation: u32::try_from(validation).unwrap(),
        };
        let first = 10 * number;
        // The first again, as after a lost link; then a third, which no inquiry has.
        vec![Act::Ack, answer(first), answer(first), answer(first + 1), answer(first + 2)]
    });
    let run = run(&plan(&switch, INQUIRIES, open(50.0, ms(1000))));
    let sent = run.count("sent");
    assert_eq!((run.count("redelivered"), run.count("extra")), (sent, sent));
    assert_eq!((run.count("answered"), run.lost()), (sent, 0));
}

#[test]
fn refusals_are_counted_by_their_numbers() {
    let switch = StandIn::new(|number, _| {
        let notice = |key, body: &str| Act::Answer {
            key,
            from: "NL0000000",
            body: body.to_owned(),
            validation: u32::try_from(number).unwrap(),
        };
        match number % 4 {
            0 => vec![Act::Nack],
            1 => vec![Act::Ack, notice("ER", ".14. FIELDS MISSING - DOB\r\n")],
            2 => vec![Act::Ack, notice("SM", ".04. USER OUT OF SERVICE - AX\r\n")],
            _ => vec![Act::Ack, notice("SM", ".02. USER OUT OF SERVICE - AX\r\n")],
        }
    });
    let mut plan = plan(&switch, INQUIRIES, open(80.0, ms(1000)));
    plan.timeout = ms(500);
    plan.warmup = Duration::ZERO;
    let run = run(&plan);
    assert_eq!((run.count("sent"), run.count("nacked"), run.count("refused")), (80, 20, 40));
    assert_eq!((run.er.get(&14), run.sm.get(&2), run.sm.get(&4)), (Some(&20), Some(&20), Some(&20)));
    // Only what was neither refused nor given back is still waited for.
    assert_eq!(run.count("lost_answers"), 40);
}

#[test]
fn a_lost_link_is_made_again_and_nothing_is_lost_with_it() {
    let switch = StandIn::new(|number, _| if number.is_multiple_of(40) { vec![Act::Hang] } else { vec![Act::Ack] });
    let run = run(&plan(&switch, NOTES, open(200.0, ms(1500))));
    assert!(run.count("links_lost") >= 5, "{}", run.count("links_lost"));
    assert_eq!((run.count("acked"), run.lost()), (run.count("sent"), 0));
    assert!(run.count("resent") >= 5 && switch.messages() > run.count("sent"));
    assert!(run.troubles.iter().any(|trouble| trouble.contains("ZA0010000: closed by the peer")), "{:?}", run.troubles);
}

#[test]
fn what_is_not_sent_for_want_of_room_is_counted_and_the_harness_says_so() {
    let switch = StandIn::new(|_, _| vec![]);
    let mut plan = plan(&switch, NOTES, open(200.0, ms(1000)));
    (plan.in_flight_max, plan.settle) = (50, ms(300));
    plan.requirements = vec!["ack_p99<10ms".parse().unwrap()];
    let run = run(&plan);
    assert_eq!((run.count("sent"), run.count("lost_acks")), (50, 50));
    assert!((150..=200).contains(&run.count("overflowed")), "{}", run.count("overflowed"));
    assert_eq!(run.verdict, Verdict::HarnessBound);
    assert!(run.harness.bottleneck.iter().any(|reason| reason.contains("too many were waited for")));
}

#[test]
fn the_same_seed_sends_the_same_number_and_a_stopped_run_reports_what_it_has() {
    let switch = StandIn::new(|_, _| vec![Act::Ack]);
    let mut plan = plan(&switch, NOTES, open(300.0, ms(800)));
    plan.spacing = Spacing::Poisson;
    assert_eq!(run(&plan).count("sent"), run(&plan).count("sent"));

    plan.shape = open(300.0, Duration::from_secs(600));
    let stop = AtomicBool::new(false);
    let stopped = load::run(&plan, &stop, &mut |progress| {
        if progress.point.acked > 0.0 {
            stop.store(true, Ordering::Relaxed);
        }
    });
    let stopped = stopped.unwrap();
    assert!(stopped.setup.measured_seconds < 60.0 && stopped.count("sent") > 0);
    assert_eq!(stopped.lost(), stopped.count("sent") - stopped.count("acked"));
}

#[test]
fn links_that_do_not_come_up_are_an_error_with_the_reason() {
    let switch = StandIn::new(|_, _| vec![Act::Ack]);
    let mut plan = plan(&switch, NOTES, open(10.0, ms(500)));
    plan.connect = ms(700);
    plan.server_name = ServerName::try_from("somebody.example").unwrap();
    let error = load::run(&plan, &AtomicBool::new(false), &mut |_| {}).unwrap_err();
    assert!(!error.is_usage() && error.to_string().starts_with("0 of 4 links came up"), "{error}");
    assert!(error.to_string().contains("certificate"), "{error}");
    plan.pki = "nowhere".into();
    assert!(load::run(&plan, &AtomicBool::new(false), &mut |_| {}).unwrap_err().is_usage());
}
