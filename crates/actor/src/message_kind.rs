//! Which message an actor handled last, as a number that fits an atomic of its card.
//!
//! The number stands for the message's type and is given when the first message of that type is handled; the label is
//! the type's own name. So there is no list of messages that somebody would have to keep.

use std::any::{TypeId, type_name};
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{PoisonError, RwLock};

/// A type of message, or of work that comes by no mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageKind(u16);

/// Every type that has a number, which is its index and one.
static KINDS: RwLock<Vec<(TypeId, &'static str)>> = RwLock::new(Vec::new());

thread_local! {
    /// What this thread has asked for before, so that a message costs no lock.
    static KNOWN: RefCell<HashMap<TypeId, u16, BuildHasherDefault<TypeIdHasher>>> = RefCell::default();
}

impl MessageKind {
    /// The kind of messages of type `M`.
    #[must_use]
    pub fn of<M: 'static>() -> Self {
        let id = TypeId::of::<M>();
        let known = KNOWN.try_with(|known| {
            let mut known = known.borrow_mut();
            *known
                .entry(id)
                .or_insert_with(|| number_of(id, type_name::<M>()))
        });
        // The thread is about to end and has forgotten what it knew.
        Self(known.unwrap_or_else(|_| number_of(id, type_name::<M>())))
    }

    /// The kind of that number; 0 is none.
    pub(crate) fn from_number(number: u16) -> Option<Self> {
        (number != 0).then_some(Self(number))
    }

    pub(crate) fn number(self) -> u16 {
        self.0
    }

    /// The name of the type, without its path.
    #[must_use]
    pub fn label(self) -> &'static str {
        let kinds = KINDS.read().unwrap_or_else(PoisonError::into_inner);
        usize::from(self.0)
            .checked_sub(1)
            .and_then(|index| kinds.get(index))
            .map_or("", |(_, label)| label)
    }
}

fn number_of(id: TypeId, path: &'static str) -> u16 {
    let mut kinds = KINDS.write().unwrap_or_else(PoisonError::into_inner);
    let index = kinds.iter().position(|(known, _)| *known == id);
    let index = index.unwrap_or_else(|| {
        kinds.push((id, name_of(path)));
        kinds.len() - 1
    });
    // A program has some hundred types of messages; past the end they would share a number without a name.
    u16::try_from(index + 1).unwrap_or(u16::MAX)
}

/// `Opened` of `longwire_fleet::socket::Opened`, and `Inspect` of `longwire_actor::Inspect<…>`.
fn name_of(path: &'static str) -> &'static str {
    let plain = path.split('<').next().unwrap_or(path);
    plain.rsplit("::").next().unwrap_or(plain)
}

/// A `TypeId` is a good hash already.
#[derive(Default)]
struct TypeIdHasher(u64);

impl Hasher for TypeIdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, part: u64) {
        self.0 = part;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Plain;
    struct Generic<T>(std::marker::PhantomData<T>);

    #[test]
    fn a_kind_is_named_by_its_type_on_every_thread() {
        let plain = MessageKind::of::<Plain>();
        assert_eq!(plain.label(), "Plain");
        assert_eq!(MessageKind::from_number(plain.number()), Some(plain));
        assert_eq!(MessageKind::from_number(0), None);
        let elsewhere = std::thread::spawn(MessageKind::of::<Plain>);
        assert_eq!(elsewhere.join().expect("no panic"), plain);
        let generic = MessageKind::of::<Generic<Plain>>();
        assert_eq!(generic.label(), "Generic");
        assert_ne!(generic, MessageKind::of::<Generic<u8>>());
    }
}
