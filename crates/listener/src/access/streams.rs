//! How many streams may be open: connections over which events are read for as long as the client likes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::http::StatusCode;
use longwire_access::Space;

use crate::Problem;

/// The bounds of open streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamLimits {
    /// Of one space.
    pub per_space: usize,
    /// Of all together. Fewer than the clients of the listener, so that other requests find a place.
    pub per_process: usize,
}

/// The streams of a process. Its clones share the places.
#[derive(Debug, Clone)]
pub struct StreamPlaces(Arc<Places>);

#[derive(Debug)]
struct Places {
    limits: StreamLimits,
    /// Spaces with an open stream.
    open: Mutex<HashMap<Space, usize>>,
}

/// One open stream. Dropping it gives its place back.
#[derive(Debug)]
pub struct StreamPermit {
    places: Arc<Places>,
    space: Space,
}

impl StreamPlaces {
    /// With these bounds, and none open.
    pub fn new(limits: StreamLimits) -> Self {
        Self(Arc::new(Places {
            limits,
            open: Mutex::default(),
        }))
    }

    /// A place for a stream of this space.
    ///
    /// # Errors
    /// 429 with the code `too_many_streams`, and the limit that is reached.
    pub fn take(&self, space: &Space) -> Result<StreamPermit, Problem> {
        let StreamLimits {
            per_space,
            per_process,
        } = self.0.limits;
        let mut open = self.0.open();
        if open.values().sum::<usize>() >= per_process {
            return Err(full("this gateway", per_process));
        }
        let of_space = open.entry(space.clone()).or_default();
        if *of_space >= per_space {
            return Err(full("this space", per_space));
        }
        *of_space += 1;
        Ok(StreamPermit {
            places: Arc::clone(&self.0),
            space: space.clone(),
        })
    }

    /// Streams that are open.
    pub fn open(&self) -> usize {
        self.0.open().values().sum()
    }
}

fn full(whose: &str, limit: usize) -> Problem {
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_streams",
        format!("{whose} has {limit} streams open, and no more are allowed. Close one first"),
    )
    .with("limit", limit)
}

impl Places {
    fn open(&self) -> MutexGuard<'_, HashMap<Space, usize>> {
        // Each change is one number, so a poisoned map is a whole one.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        let mut open = self.places.open();
        if let Some(of_space) = open.get_mut(&self.space) {
            *of_space -= 1;
            if *of_space == 0 {
                open.remove(&self.space);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_per_space_and_in_all() {
        let places = StreamPlaces::new(StreamLimits {
            per_space: 2,
            per_process: 3,
        });
        let shop: Space = "shop".parse().expect("a space");
        let take = |space: &Space| places.take(space).map_err(|problem| problem.to_string());
        let first = take(&shop).expect("a place");
        let _second = take(&shop).expect("a place");
        let refused = take(&shop).expect_err("the space is full");
        assert!(refused.contains("this space has 2"), "{refused}");
        let third = take(&Space::default()).expect("a place");
        let refused = take(&Space::default()).expect_err("all are taken");
        assert!(refused.contains("this gateway has 3"), "{refused}");
        drop((first, third));
        assert_eq!(places.open(), 1);
        let _again = take(&shop).expect("one was given back");
    }
}
