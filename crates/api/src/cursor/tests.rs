use longwire_store::{Store, StoreSettings};
use proptest::prelude::*;

use super::*;

fn identity() -> (StoreIdentity, tempfile::TempDir) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let url = format!("sqlite:{}", directory.path().join("test.db").display());
    let store = Store::open(&StoreSettings::at(url)).expect("a new store opens");
    (store.identity(), directory)
}

#[test]
fn a_cursor_leads_back_and_an_altered_one_is_refused() {
    let (store, _directory) = identity();
    let (other_store, _other) = identity();
    let (space, other_space) = (Space::default(), "shop".parse().expect("a space"));
    let cursors = Cursors {
        store,
        space: &space,
    };
    let config = ProptestConfig::with_cases(200);
    proptest!(config, |(place: u128, at in 0..LENGTH, bit in 0..8_u8)| {
        let text = cursors.write(CursorList::Events, place);
        let read = |cursors: Cursors<'_>, list, text: &str| {
            cursors.read(list, text).map_err(|problem| problem.code())
        };
        prop_assert_eq!(read(cursors, CursorList::Events, &text), Ok(place));

        let refused = Err("cursor_invalid");
        prop_assert_eq!(read(cursors, CursorList::Consumers, &text), refused);
        let of_other_store = Cursors { store: other_store, space: &space };
        prop_assert_eq!(read(of_other_store, CursorList::Events, &text), refused);
        let of_other_space = Cursors { store, space: &other_space };
        prop_assert_eq!(read(of_other_space, CursorList::Events, &text), refused);
        let mut bytes = URL_SAFE_NO_PAD.decode(&text).expect("base64");
        bytes[at] ^= 1_u8 << bit;
        let altered = URL_SAFE_NO_PAD.encode(&bytes);
        prop_assert_eq!(read(cursors, CursorList::Events, &altered), refused);
        prop_assert_eq!(read(cursors, CursorList::Events, &text[1..]), refused);
    });
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".*") {
        let (store, _directory) = {
            static ONE: std::sync::OnceLock<StoreIdentity> = std::sync::OnceLock::new();
            (*ONE.get_or_init(|| identity().0), ())
        };
        let space = Space::default();
        let cursors = Cursors { store, space: &space };
        if let Ok(place) = cursors.read(CursorList::Events, &text) {
            prop_assert_eq!(cursors.write(CursorList::Events, place), text);
        }
    }
}
