//! The unfinished pushes, found by their number.
//!
//! Numbers are counted up, so the position of a push is computed from its number, and no hash table has to grow. In an
//! overload millions of pushes wait for their repeat. A growing table would move them all at once and stop the simulator
//! for a second in the middle of a measurement.

use std::collections::VecDeque;

use crate::tracked::TrackedPush;

/// Pushes of one allocation.
const PAGE: usize = 1024;

/// Pages of consecutive pushes. A page whose pushes are all finished is freed, except the newest, which is not full.
#[derive(Debug, Default)]
pub(crate) struct Pushes {
    pages: VecDeque<Page>,
    /// Index of the first page; page 0 begins with number 0.
    first_page: u64,
    len: usize,
}

#[derive(Debug, Default)]
struct Page {
    /// The pushes by number; empty once all have been removed.
    slots: Vec<Option<TrackedPush>>,
    used: usize,
}

impl Pushes {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, number: u64) -> Option<&TrackedPush> {
        let (page, slot) = self.place(number)?;
        self.pages.get(page)?.slots.get(slot)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut TrackedPush> {
        let (page, slot) = self.place(number)?;
        self.pages.get_mut(page)?.slots.get_mut(slot)?.as_mut()
    }

    /// Adds a push. Its number must be above all earlier ones.
    pub(crate) fn add(&mut self, tracked: TrackedPush) {
        let number = tracked.number;
        if self.pages.is_empty() {
            self.first_page = number / PAGE as u64;
        }
        let Some((page, slot)) = self.place(number) else {
            debug_assert!(false, "push {number} comes after later ones");
            return;
        };
        while self.pages.len() <= page {
            self.pages.push_back(Page::default());
        }
        let page = &mut self.pages[page];
        debug_assert!(page.slots.len() <= slot, "push {number} comes once");
        page.slots.reserve_exact(PAGE - page.slots.len());
        page.slots.resize_with(slot, || None);
        page.slots.push(Some(tracked));
        page.used += 1;
        self.len += 1;
    }

    pub(crate) fn remove(&mut self, number: u64) -> Option<TrackedPush> {
        let (index, slot) = self.place(number)?;
        let newest = index + 1 == self.pages.len();
        let page = self.pages.get_mut(index)?;
        let tracked = page.slots.get_mut(slot)?.take()?;
        page.used -= 1;
        self.len -= 1;
        if page.used == 0 && !newest {
            page.slots = Vec::new();
        }
        while self.pages.len() > 1 && self.pages[0].used == 0 {
            self.pages.pop_front();
            self.first_page += 1;
        }
        Some(tracked)
    }

    /// In the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &TrackedPush> {
        self.pages
            .iter()
            .flat_map(|page| page.slots.iter().flatten())
    }

    /// In the order of their numbers.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut TrackedPush> {
        let pages = self.pages.iter_mut();
        pages.flat_map(|page| page.slots.iter_mut().flatten())
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Index of a number's page and of its slot in the page; `None` if the page was freed.
    fn place(&self, number: u64) -> Option<(usize, usize)> {
        let page = (number / PAGE as u64).checked_sub(self.first_page)?;
        let slot = number % PAGE as u64;
        Some((usize::try_from(page).ok()?, usize::try_from(slot).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;
    use crate::message::Template;
    use crate::tracked::PayloadSource;

    fn push(number: u64) -> TrackedPush {
        let body = PayloadSource::MadeUp {
            template: Template::new("cli_a", 1_024, 1, "t").into(),
            created_us: 0,
        };
        TrackedPush::new(number, 0, body, None, Instant::now())
    }

    fn numbers(pushes: &Pushes) -> Vec<u64> {
        pushes.iter().map(|tracked| tracked.number).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Whatever comes and goes, what is there is what a set would hold.
        #[test]
        fn as_a_set_would(steps in prop::collection::vec((1u64..700, 0usize..400), 1..40)) {
            let (mut pushes, mut set) = (Pushes::default(), BTreeSet::new());
            let mut last = 0;
            for (gap, removed) in steps {
                for number in [last + gap, last + gap + 1] {
                    pushes.add(push(number));
                    set.insert(number);
                }
                last += gap + 1;
                if let Some(number) = set.iter().copied().nth(removed % set.len()) {
                    prop_assert_eq!(pushes.remove(number).map(|gone| gone.number), Some(number));
                    prop_assert!(pushes.remove(number).is_none() && pushes.get(number).is_none());
                    set.remove(&number);
                }
                prop_assert_eq!(pushes.len(), set.len());
                prop_assert!(set.iter().all(|number| pushes.get(*number).is_some_and(|is| is.number == *number)));
                prop_assert!(pushes.get_mut(last + 1).is_none());
            }
            prop_assert_eq!(numbers(&pushes), set.into_iter().collect::<Vec<_>>());
            pushes.clear();
            prop_assert_eq!(pushes.len(), 0);
            pushes.add(push(last + 1));
            prop_assert_eq!(numbers(&pushes), vec![last + 1]);
        }
    }

    #[test]
    fn what_has_its_verdict_leaves_no_page() {
        let mut pushes = Pushes::default();
        for number in 1..=10 * PAGE as u64 {
            pushes.add(push(number));
        }
        let stays = 5 * PAGE as u64;
        for number in (1..=10 * PAGE as u64).filter(|number| *number != stays) {
            pushes.remove(number).expect("it was added");
        }
        let held = pushes.pages.iter().filter(|page| page.slots.capacity() > 0);
        assert!(held.count() <= 2, "that of the last one and the newest");
        pushes.remove(stays).expect("it was added");
        assert_eq!(pushes.pages.len(), 1, "the newest");
    }
}
