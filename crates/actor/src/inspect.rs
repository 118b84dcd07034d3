//! Asking an actor for its state.

use actix::Message;
use std::marker::PhantomData;
use std::time::Duration;

/// Say how you are, as a `T`. From the admin endpoint, answered within the handler; each actor has a type of its own.
pub struct Inspect<T>(PhantomData<fn() -> T>);

impl<T> Inspect<T> {
    /// How long to wait for the answer. An actor that takes longer is stuck or busy, and its card says with what.
    pub const LIMIT: Duration = Duration::from_millis(500);

    /// The question.
    #[must_use]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Default for Inspect<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: 'static> Message for Inspect<T> {
    type Result = T;
}
