//! A new process takes over from a running one.
