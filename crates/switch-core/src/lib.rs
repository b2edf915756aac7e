//! The switch as a state machine: directory, admission, routing, queues. No I/O, no clock.
