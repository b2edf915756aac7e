//! The processes that answer: the support centre.
