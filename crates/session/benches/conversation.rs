//! What one message costs both sessions together: cut, written, read, accepted, acknowledged, delivered.

use std::hint::black_box;
use std::num::NonZeroU32;

use bytes::{Bytes, BytesMut};
use codec::time::Tick;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use session::{Config, Event, Outgoing, Role, Session};

/// Sends one window of messages through and settles them all.
fn window(sessions: &mut [Session; 2], buffers: &mut [BytesMut; 2], message: &Bytes, now: Tick) -> usize {
    let [switch, station] = sessions;
    let [to_station, to_switch] = buffers;
    let mut delivered = 0;
    for validation in (1..=32).filter_map(NonZeroU32::new) {
        station.send(Outgoing { id: u64::from(validation.get()), validation, bytes: message.clone() });
    }
    loop {
        station.transmit(now, to_switch);
        if to_switch.is_empty() {
            return delivered;
        }
        switch.handle_bytes(now, to_switch);
        while let Some(event) = switch.poll_event() {
            if let Event::Received { token, bytes, .. } = event {
                black_box(bytes);
                switch.accept(token);
            }
        }
        switch.transmit(now, to_station);
        station.handle_bytes(now, to_station);
        while let Some(event) = station.poll_event() {
            delivered += usize::from(matches!(event, Event::Delivered { .. }));
        }
    }
}

fn conversation(c: &mut Criterion) {
    let mut group = c.benchmark_group("window of 32 messages");
    for (name, bytes) in [("250 bytes", 250), ("4 KiB", 4096), ("100 kB", 100_000)] {
        let message = Bytes::from(vec![b'X'; bytes]);
        let now = Tick(0);
        let mut sessions = [Role::Switch, Role::Station].map(|role| Session::new(Config::new(role), now));
        let mut buffers = [BytesMut::new(), BytesMut::new()];
        group.throughput(Throughput::Elements(32));
        group.bench_function(name, |b| {
            b.iter(|| assert_eq!(window(&mut sessions, &mut buffers, &message, now), 32));
        });
    }
    group.finish();
}

criterion_group!(benches, conversation);
criterion_main!(benches);
