//! One conversation on one link as a state machine, for both ends. No I/O, no clock.
