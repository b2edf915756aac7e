//! A run from its first link to its report: starts the threads, tells them when to do what, puts together what they tell.

mod crew;
mod judge;

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use jiff::Timestamp;
use link::tls::TlsError;

use self::crew::Crew;
use self::judge::{Found, Usage, evaluate};
use crate::harness::{Observed, bottleneck};
use crate::io::order::{Follow, Group, Order, Work};
use crate::io::proc::{command, processor_name, processors};
use crate::knee::Knee;
use crate::message::ComposeError;
use crate::meter::{Count, Latencies, Stage};
use crate::plan::{Plan, Shape};
use crate::rate::{RateCurve, Spacing};
use crate::report::{
    FORMAT, Handshakes, Harness, KindSetup, KneeFound, KneeStep, Latency, Machine, Percentiles, Point, Rates, Recovery,
    Run, Setup, Verdict, Watched, named,
};

/// Why a run came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The files of a station cannot be used.
    #[error(transparent)]
    Files(#[from] TlsError),
    /// Messages of the mix cannot be made.
    #[error(transparent)]
    Messages(#[from] ComposeError),
    /// The plan asks for something that cannot be.
    #[error("{0}")]
    Plan(String),
    /// The system refuses something that a run needs.
    #[error("the system gives no thread, no timer or no sockets")]
    System(#[from] std::io::Error),
    /// Too few links came up.
    #[error("{up} of {wanted} links came up within {within:?}{why}")]
    Links {
        /// How many did.
        up: usize,
        /// How many should have.
        wanted: usize,
        /// The time that they had.
        within: Duration,
        /// What was said of one that did not, after a colon; empty if nothing was.
        why: String,
    },
    /// A thread ended without a word.
    #[error("a thread of the harness ended by itself")]
    Thread,
}

impl RunError {
    /// Whether what was asked for is at fault.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Files(_) | Self::Messages(_) | Self::Plan(_))
    }
}

/// What a run tells while it goes on: one for each interval.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// What it is doing, in a word or two.
    pub phase: &'a str,
    /// The interval that has ended.
    pub point: &'a Point,
}

/// Runs a plan to its end, or until `stop` is set, and reports. `observe` is called for each interval.
///
/// # Errors
/// If it cannot begin. What goes wrong later is part of the report.
pub fn run(plan: &Plan, stop: &AtomicBool, observe: &mut dyn FnMut(Progress<'_>)) -> Result<Run, RunError> {
    check(plan)?;
    let began = Timestamp::now();
    let before = Usage::read(&plan.watch);
    let mut crew = Crew::start(plan, stop, observe)?;
    crew.attach(Group::Senders)?;
    if !matches!(plan.shape, Shape::Recovery { .. }) {
        crew.attach(Group::Receivers)?;
    }
    let linked = Usage::read(&plan.watch);
    let mut timeline = Timeline { plan, crew, knee: None, recovery: None };
    let measured = match plan.shape {
        Shape::Open { rate, duration } => timeline.open(rate, duration)?,
        Shape::Closed { per_link, duration } => timeline.closed(per_link, duration)?,
        Shape::Knee { from, most, step } => timeline.knee(from, most, step)?,
        Shape::Recovery { backlog, rate, duration } => timeline.recovery(backlog, rate, duration)?,
    };
    Ok(timeline.report(began, &before, &linked, measured))
}

fn check(plan: &Plan) -> Result<(), RunError> {
    let plans = |problem: &str| Err(RunError::Plan(problem.to_owned()));
    if plan.links < plan.mix.senders.len() {
        return plans("there must be at least as many links as the mix has senders");
    }
    if plan.threads == 0 || plan.threads > crate::control::SHARDS_MAX {
        return plans("threads must be 1 to 36");
    }
    match plan.shape {
        Shape::Open { rate, .. } | Shape::Recovery { rate, .. } if !(rate.is_finite() && rate > 0.0) => {
            plans("the rate must be above 0")
        }
        Shape::Knee { from, most, .. } if !(from > 0.0 && most >= from && most.is_finite()) => {
            plans("the rates of a search must be above 0 and must not fall")
        }
        Shape::Knee { .. } if plan.requirements.is_empty() => plans("a search for the knee needs a requirement"),
        Shape::Recovery { .. } if plan.mix.receivers.is_empty() => {
            plans("an outage needs a receiver in the mix that can be away")
        }
        Shape::Closed { per_link: 0, .. } => plans("a closed loop needs at least one message at a time"),
        Shape::Open { .. } | Shape::Closed { .. } | Shape::Knee { .. } | Shape::Recovery { .. } => Ok(()),
    }
}

/// What was measured, and over what time.
struct Measured {
    /// The place of its stretch in the collector.
    stretch: usize,
    from: Duration,
    until: Duration,
    begin: Usage,
    end: Usage,
    due: f64,
    latencies: Latencies,
}

struct Timeline<'a> {
    plan: &'a Plan,
    crew: Crew<'a>,
    knee: Option<KneeFound>,
    recovery: Option<Recovery>,
}

/// Time for threads to be told before something begins.
const NOTICE: Duration = Duration::from_millis(50);

/// The number of the only window of a run that is no search.
const WINDOW: u32 = 1;

impl Timeline<'_> {
    /// Ramp, warm-up, measured time, and the wait for what is on its way.
    fn open(&mut self, rate: f64, duration: Duration) -> Result<Measured, RunError> {
        let mut measured = self.open_window(rate, self.plan.ramp, self.plan.warmup, duration, WINDOW)?;
        self.crew.settle("settling", self.plan.settle)?;
        measured.latencies = self.crew.finish()?;
        Ok(measured)
    }

    /// An open load until the end of its measured time; its latencies are still with the threads.
    fn open_window(
        &mut self,
        rate: f64,
        ramp: Duration,
        warmup: Duration,
        duration: Duration,
        number: u32,
    ) -> Result<Measured, RunError> {
        let begin = self.crew.next_border(NOTICE);
        let from = self.crew.border_after(begin + ramp + warmup);
        let until = self.crew.border_after(from + duration);
        let curve = RateCurve::ramped(rate, ramp, until - begin - ramp);
        self.crew.open(begin, &curve, self.plan.spacing, self.plan.seed.wrapping_add(number.into()));
        let mut measured = self.measure("warming up", from, until, number)?;
        measured.due = rate * (measured.until - from).as_secs_f64();
        self.crew.tell_all(|| Order::Work(Work::Nothing));
        self.crew.collector.set_curve(None);
        Ok(measured)
    }

    fn closed(&mut self, per_link: usize, duration: Duration) -> Result<Measured, RunError> {
        let begin = self.crew.next_border(NOTICE);
        let from = self.crew.border_after(begin + self.plan.ramp + self.plan.warmup);
        let until = self.crew.border_after(from + duration);
        self.crew.tell_all(|| Order::Work(Work::Closed { per_link, limit: None, follow: Follow::Done }));
        let mut measured = self.measure("warming up", from, until, WINDOW)?;
        self.crew.tell_all(|| Order::Work(Work::Nothing));
        self.crew.settle("settling", self.plan.settle)?;
        measured.latencies = self.crew.finish()?;
        Ok(measured)
    }

    /// Waits for a measured time and for its end.
    fn measure(
        &mut self,
        before: &'static str,
        from: Duration,
        until: Duration,
        number: u32,
    ) -> Result<Measured, RunError> {
        self.crew.tell_all(|| Order::Window { number, from, until });
        let stretch = self.crew.collector.follow(from, until);
        self.crew.wait_until(before, from)?;
        let begin = Usage::read(&self.plan.watch);
        self.crew.wait_until("measuring", until)?;
        let end = Usage::read(&self.plan.watch);
        let ended = if self.crew.is_stopped() { self.crew.now().clamp(from, until) } else { until };
        self.crew.collector.cut(stretch, ended);
        let latencies = Latencies::new(self.plan.mix.kinds.len());
        Ok(Measured { stretch, from, until: ended, begin, end, due: 0.0, latencies })
    }

    fn knee(&mut self, from: f64, most: f64, step: Duration) -> Result<Measured, RunError> {
        let mut knee = Knee::new(from, most);
        let mut found = KneeFound { rate: None, steps: Vec::new(), ended: None };
        let mut best = None;
        let mut number = 0;
        while let Some(rate) = knee.next_rate() {
            number += 1;
            // A fifth of each step is for getting there.
            let mut measured = self.open_window(rate, step / 10, step / 10, step, number)?;
            let tail = self.crew.collector.follow(measured.from, Duration::from_secs(u32::MAX.into()));
            self.crew.settle("settling", self.plan.timeout + self.plan.settle)?;
            let end = self.crew.now();
            self.crew.collector.cut(tail, self.crew.border_after(end));
            measured.latencies = self.crew.take_window()?;
            let results = self.found(&measured, Some(tail));
            let requirements = evaluate(&self.plan.requirements, &results);
            let reasons = bottleneck(&self.observed(&measured, &results));
            let held = requirements.iter().all(|one| one.met);
            let stage = |stage| Percentiles::of(&results.latencies.stage(stage));
            found.steps.push(KneeStep {
                rate,
                acked: results.rate_of(Count::Acked),
                ack_us: stage(Stage::Ack),
                final_us: stage(Stage::Final),
                requirements,
                bottleneck: reasons.clone(),
            });
            if held {
                knee.held(rate);
                best = Some(measured);
            } else {
                knee.broke(rate);
                // Where the bounds hold nowhere, this is what there is to show.
                best = best.filter(|_| knee.found().is_some()).or(Some(measured));
                if !reasons.is_empty() {
                    found.ended =
                        Some(format!("the harness was the bottleneck at {rate:.1}/s: {}", reasons.join("; ")));
                    break;
                }
            }
            if self.crew.is_stopped() {
                found.ended = Some("it was interrupted".to_owned());
                break;
            }
        }
        found.rate = knee.found();
        self.knee = Some(found);
        self.crew.finish()?;
        Ok(match best {
            Some(best) => best,
            None => self.nothing_measured(),
        })
    }

    fn nothing_measured(&mut self) -> Measured {
        let now = self.crew.now();
        let usage = Usage::read(&self.plan.watch);
        Measured {
            stretch: self.crew.collector.follow(now, now),
            from: now,
            until: now,
            begin: usage.clone(),
            end: usage,
            due: 0.0,
            latencies: Latencies::new(self.plan.mix.kinds.len()),
        }
    }

    /// Fills the switch's store while the receivers are away, brings them back, and measures new messages until the old
    /// ones are gone.
    fn recovery(&mut self, backlog: u64, rate: f64, duration: Duration) -> Result<Measured, RunError> {
        // Nothing that waits is given up: that it waits is the point.
        self.crew.tell_all(|| Order::Timeout(Duration::MAX));
        let began = self.crew.now();
        let threads = self.plan.threads as u64;
        let shares: Vec<u64> = (0..threads).map(|at| backlog / threads + u64::from(at < backlog % threads)).collect();
        self.crew.tell_each(|at| {
            let limit = shares.get(at).copied();
            Order::Work(Work::Closed { per_link: FILLING, limit, follow: Follow::Acknowledged })
        });
        let filling_until = began.saturating_add(duration);
        self.crew.wait_for("filling", filling_until, |counts| {
            let ended = [Count::Acked, Count::Nacked, Count::Overflowed, Count::Linkless];
            ended.iter().map(|count| counts.get(*count)).sum::<u64>() >= backlog
        })?;
        let filled = self.crew.now() - began;
        let waiting = self.crew.collector.series.last().map_or(0, |point| point.waiting as u64);
        let delivered_before = self.crew.collector.all.get(Count::Delivered);

        let begin = self.crew.next_border(NOTICE);
        let until = self.crew.border_after(begin + duration);
        let curve = RateCurve::ramped(rate, Duration::ZERO, until - begin);
        self.crew.open(begin, &curve, self.plan.spacing, self.plan.seed);
        self.crew.tell_all(|| Order::Window { number: WINDOW, from: begin, until });
        let stretch = self.crew.collector.follow(begin, until);
        let usage = Usage::read(&self.plan.watch);
        let attached = self.crew.now();
        self.crew.tell_all(|| Order::Attach(Group::Receivers));
        self.crew.wait_for("draining", until, |counts| counts.get(Count::Delivered) - delivered_before >= waiting)?;
        let drained = self.crew.now() - attached;
        let delivered = self.crew.collector.all.get(Count::Delivered) - delivered_before;
        let done = delivered >= waiting;
        // A while longer: how long new messages take once the old ones are gone.
        let ended = self.crew.border_after(self.crew.now() + self.plan.warmup).min(until);
        self.crew.wait_until("afterwards", ended)?;
        let end = Usage::read(&self.plan.watch);
        self.crew.collector.cut(stretch, ended);
        self.crew.tell_all(|| Order::Work(Work::Nothing));
        self.crew.collector.set_curve(None);
        self.crew.tell_all(|| Order::Timeout(self.plan.timeout));
        self.crew.settle("settling", self.plan.settle)?;
        self.recovery = Some(Recovery {
            backlog: waiting,
            filled_seconds: filled.as_secs_f64(),
            drained_seconds: done.then_some(drained.as_secs_f64()),
            drain_rate: delivered as f64 / drained.as_secs_f64().max(1e-9),
        });
        let due = rate * (ended - begin).as_secs_f64();
        let latencies = self.crew.finish()?;
        Ok(Measured { stretch, from: begin, until: ended, begin: usage, end, due, latencies })
    }

    /// What thresholds are held against.
    fn found(&self, measured: &Measured, counted: Option<usize>) -> Found {
        let collector = &self.crew.collector;
        let stretch = collector.stretches.get(measured.stretch).cloned().unwrap_or_default();
        let counts = counted.and_then(|at| collector.stretches.get(at)).map(|stretch| stretch.sum.counts.clone());
        Found {
            keys: self.plan.mix.kinds.iter().map(|kind| kind.spec.key).collect(),
            latencies: measured.latencies.clone(),
            counts: counts.unwrap_or_else(|| collector.all.clone()),
            stretch,
            seconds: (measured.until - measured.from).as_secs_f64(),
        }
    }

    fn observed(&self, measured: &Measured, found: &Found) -> Observed {
        let sum = &found.stretch.sum;
        let intervals = found.stretch.intervals.max(1) as f64;
        let open = !matches!(self.plan.shape, Shape::Closed { .. });
        let seconds = found.seconds.max(1e-9);
        Observed {
            due: measured.due,
            sent: sum.counts.get(Count::Sent) + sum.counts.get(Count::Linkless),
            overflowed: sum.counts.get(Count::Overflowed),
            lag_p99: sum.lag.quantile(0.99),
            ack_p99: sum.stages[Stage::Ack as usize].quantile(0.99),
            busiest: found.stretch.busiest_permille as f64 / 1000.0 / intervals,
            starved: sum.scheduling.waited.as_secs_f64() / seconds / self.plan.threads as f64,
            open,
        }
    }

    fn report(mut self, began: Timestamp, before: &Usage, linked: &Usage, measured: Measured) -> Run {
        self.crew.collector.take_rest();
        let found = self.found(&measured, None);
        let observed = self.observed(&measured, &found);
        let reasons = bottleneck(&observed);
        let mut requirements = evaluate(&self.plan.requirements, &found);
        let mut verdict = match requirements.iter().all(|one| one.met) {
            _ if requirements.is_empty() => Verdict::Unjudged,
            true => Verdict::Met,
            false if reasons.is_empty() => Verdict::Missed,
            false => Verdict::HarnessBound,
        };
        if let Some(knee) = &self.knee {
            // A search breaks the bounds on purpose: it has succeeded if they held anywhere.
            verdict = if knee.rate.is_some() { Verdict::Met } else { verdict };
            let held = knee.steps.iter().rev().find(|step| Some(step.rate) == knee.rate);
            requirements = held.map_or(requirements, |step| step.requirements.clone());
        }
        let end = Usage::read(&self.plan.watch);
        let seconds = found.seconds.max(1e-9);
        let durable = found.rate_of(Count::Acked) + found.rate_of(Count::RepliesAcked);
        let cpu = |end: Duration, begin: Duration| end.saturating_sub(begin).as_secs_f64() / seconds;
        let own = cpu(measured.end.own.cpu, measured.begin.own.cpu);
        let watched: Vec<Watched> = self
            .plan
            .watch
            .iter()
            .enumerate()
            .map(|(at, pid)| {
                let of = |usage: &Usage| usage.watched.get(at).copied().unwrap_or_default();
                let cpu = cpu(of(&measured.end).cpu, of(&measured.begin).cpu);
                Watched {
                    pid: *pid,
                    command: command(*pid),
                    cpu,
                    cpu_us_per_message: if durable > 0.0 { cpu / durable * 1e6 } else { 0.0 },
                    resident_bytes_before: of(before).resident_bytes,
                    resident_bytes_linked: of(linked).resident_bytes,
                    resident_bytes: of(&end).resident_bytes,
                }
            })
            .collect();
        let machine = cpu(measured.end.machine, measured.begin.machine);
        let others = (machine - own - watched.iter().map(|one| one.cpu).sum::<f64>()).max(0.0);
        let closed = matches!(self.plan.shape, Shape::Closed { .. });
        let offered = if closed { found.rate_of(Count::Sent) } else { measured.due / seconds };
        let collector = &self.crew.collector;
        let interval = self.plan.shape.interval().as_secs_f64();
        Run {
            format: FORMAT,
            tool: format!("orinet load {}", env!("CARGO_PKG_VERSION")),
            began: began.to_string(),
            machine: Machine { processor: processor_name(), processors: processors() },
            setup: self.setup(&measured, offered),
            verdict,
            requirements,
            counts: named(&collector.all),
            er: collector.all.er.clone(),
            sm: collector.all.sm.clone(),
            rates: Rates {
                offered,
                sent: found.rate_of(Count::Sent),
                acked: found.rate_of(Count::Acked),
                durable,
                answered: found.rate_of(Count::Answered),
                delivered: found.rate_of(Count::Delivered),
            },
            latencies: latencies(&found),
            handshakes: Handshakes {
                count: collector.handshakes.len(),
                seconds: collector.last_link_up.map_or(0.0, |index| (index + 1) as f64 * interval),
                percentiles_us: Percentiles::of(&collector.handshakes),
            },
            harness: Harness {
                lag_us: Percentiles::of(&found.stretch.sum.lag),
                cpu: own,
                busiest: observed.busiest,
                starved: observed.starved,
                resident_bytes: end.own.resident_bytes,
                resident_bytes_before: before.own.resident_bytes,
                bottleneck: reasons,
            },
            watched,
            others_cpu: others,
            series: collector.series.clone(),
            knee: self.knee.take(),
            recovery: self.recovery.take(),
            troubles: self.crew.troubles.clone(),
        }
    }

    fn setup(&self, measured: &Measured, offered: f64) -> Setup {
        let plan = self.plan;
        let per_link = if let Shape::Closed { per_link, .. } = plan.shape { per_link } else { 0 };
        let whole: f64 = plan.mix.kinds.iter().map(|kind| kind.weight).sum();
        let kinds = plan.mix.kinds.iter().map(|kind| KindSetup {
            key: kind.spec.key.to_string(),
            share: kind.weight / whole,
            bytes: [*kind.bytes.start(), *kind.bytes.end()],
            to: kind.to.iter().map(|route| route.addresses.join(" ")).collect(),
        });
        Setup {
            address: plan.address.to_string(),
            load: plan.title.clone(),
            rate: if per_link > 0 { 0.0 } else { offered },
            spacing: if plan.spacing == Spacing::Fixed { "fixed" } else { "poisson" }.to_owned(),
            per_link,
            ramp_seconds: plan.ramp.as_secs_f64(),
            warmup_seconds: plan.warmup.as_secs_f64(),
            measured_seconds: (measured.until - measured.from).as_secs_f64(),
            measured_from_seconds: measured.from.as_secs_f64(),
            links: plan.links,
            idle: plan.idle,
            receiver_links: plan.mix.receivers.iter().map(|receiver| receiver.links).sum(),
            threads: plan.threads,
            seed: plan.seed,
            tag: self.crew.tag().to_owned(),
            malformed: plan.mix.malformed,
            repeated: plan.mix.repeated,
            kinds: kinds.collect(),
        }
    }
}

/// Messages at a time on each link while the store is filled.
const FILLING: usize = 32;

/// By kind and stage where there are any, then over all kinds.
fn latencies(found: &Found) -> Vec<Latency> {
    let mut all = Vec::new();
    for stage in Stage::ALL {
        let sum = found.latencies.stage(stage);
        if sum.is_empty() {
            continue;
        }
        all.push(Latency::of("all", stage, &sum));
        for (kind, key) in found.keys.iter().enumerate() {
            if let Some(one) = found.latencies.of(kind, stage).filter(|one| !one.is_empty()) {
                all.push(Latency::of(key.as_str(), stage, one));
            }
        }
    }
    all
}
