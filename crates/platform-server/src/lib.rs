//! The platforms' server side: what a client of theirs is answered, and how frames go out.
