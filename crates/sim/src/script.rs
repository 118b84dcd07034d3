//! Scripts: answers that replace the nominal ones.
//!
//! Scripts are kept in a queue. On each occasion the oldest script that fits is used; scripts for the app (or bot) come
//! before scripts for all. A script with a number of times is removed after its last use. Without a fitting script the
//! answer is the nominal one.

use serde::{Deserialize, Serialize};

/// A behaviour that can be scripted.
pub(crate) trait Scripted: Clone {
    /// The occasions on which it can be used.
    type Occasion: Copy;

    /// Whether it removes the scripts.
    fn is_nominal(&self) -> bool;

    /// Whether it can be used on this occasion.
    fn fits(&self, occasion: Self::Occasion) -> bool;
}

/// A behaviour, how often it is used, and after how many occasions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Script<B> {
    /// The behaviour.
    pub behaviour: B,
    /// How often it is used; `None` for always.
    #[serde(default)]
    pub times: Option<u32>,
    /// Number of occasions that pass first.
    #[serde(default)]
    pub after: u32,
}

impl<B> Script<B> {
    /// The same script, used `times` times.
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// The same script, used after `after` occasions have passed.
    pub fn after(mut self, after: u32) -> Self {
        self.after = after;
        self
    }
}

impl<B> From<B> for Script<B> {
    fn from(behaviour: B) -> Self {
        Self {
            behaviour,
            times: None,
            after: 0,
        }
    }
}

/// The queue of scripts.
#[derive(Debug)]
pub(crate) struct Scripts<B> {
    queue: Vec<(Option<String>, Script<B>)>,
}

impl<B> Default for Scripts<B> {
    fn default() -> Self {
        Self { queue: Vec::new() }
    }
}

impl<B: Scripted> Scripts<B> {
    pub(crate) fn add(&mut self, app: Option<&str>, script: Script<B>) {
        if script.behaviour.is_nominal() {
            self.queue
                .retain(|(of, _)| app.is_some() && of.as_deref() != app);
        } else if script.times != Some(0) {
            self.queue.push((app.map(str::to_owned), script));
        }
    }

    pub(crate) fn clear(&mut self) {
        self.queue.clear();
    }

    /// The behaviour for this occasion. The call counts as one use of its script.
    pub(crate) fn take(&mut self, occasion: B::Occasion, app: &str) -> Option<B> {
        if self.queue.is_empty() {
            return None;
        }
        let fits = |of: &Option<String>, script: &Script<B>, own: bool| {
            of.is_some() == own
                && of.as_deref().is_none_or(|of| of == app)
                && script.behaviour.fits(occasion)
        };
        let index = [true, false].into_iter().find_map(|own| {
            self.queue
                .iter()
                .position(|(of, script)| fits(of, script, own))
        })?;
        let (_, script) = &mut self.queue[index];
        if script.after > 0 {
            script.after -= 1;
            return None;
        }
        let behaviour = script.behaviour.clone();
        if let Some(times) = &mut script.times {
            *times -= 1;
            if *times == 0 {
                self.queue.remove(index);
            }
        }
        Some(behaviour)
    }
}
