//! Which fragment a frame carries. Another crate joins fragments.

use longwire_wire::frame::{Part, PartError};

use crate::vectors::{case, event};

#[test]
fn parts_of_pushes() {
    let check = |name, expected: Result<Part, PartError>| {
        assert_eq!(case(name).view().part(), expected, "{name}");
    };
    let fragment = |sum, seq| Ok(Part::Fragment { sum, seq });
    check("event_text_p2p", Ok(Part::Whole));
    check("event_missing_sum_seq", Ok(Part::Whole));
    check("event_duplicate_headers", Ok(Part::Whole));
    check("ping_python", Ok(Part::Whole));
    check("chunk_0_of_3", fragment(3, 0));
    check("chunk_1_of_3", fragment(3, 1));
    check("chunk_2_of_3", fragment(3, 2));
    check("chunk_empty_payload", fragment(2, 0));
    check(
        "chunk_seq_out_of_range",
        Err(PartError::OutOfRange { sum: 3, seq: 3 }),
    );
    check(
        "chunk_negative_seq",
        Err(PartError::OutOfRange { sum: 3, seq: -1 }),
    );
    let huge = case("chunk_sum_huge").view().part();
    assert!(matches!(huge, Err(PartError::TooMany { .. })), "{huge:?}");
}

#[test]
fn fragments_in_order_make_the_event() {
    let frames = ["chunk_0_of_3", "chunk_1_of_3", "chunk_2_of_3"];
    let mut joined = Vec::new();
    for (index, name) in frames.into_iter().enumerate() {
        let view = case(name).view();
        let seq = u16::try_from(index).expect("three fragments");
        assert_eq!(view.part(), Ok(Part::Fragment { sum: 3, seq }));
        assert_eq!(view.message_id(), case(frames[0]).view().message_id());
        joined.extend_from_slice(&view.payload().expect(name));
    }
    assert_eq!(joined, event("im_post_group").payload());
    // The cut goes through a character: a fragment alone is not text.
    let last = case("chunk_2_of_3").view().payload().expect("present");
    assert!(std::str::from_utf8(&last).is_err());
}
