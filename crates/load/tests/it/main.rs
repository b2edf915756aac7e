//! Whole runs against a switch that does what a test wants: over real TLS, on a port that the system chooses.
//!
//! Nothing here sleeps: the stand-in waits on a condition with a deadline where it is to stall.

mod run;
mod stand_in;
