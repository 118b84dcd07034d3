//! Makes what users install.

fn main() {}
