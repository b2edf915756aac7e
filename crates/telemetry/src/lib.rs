//! Metric and log definitions in one place.
