//! An acknowledgement is built from a proof that the event is recorded, and one type of the product is such a proof.

use crate::map::crates;
use crate::modules::texts;
use crate::root;

#[test]
fn one_type_proves_that_an_event_is_recorded() {
    let mut found = Vec::new();
    for row in crates() {
        let src = root().join("crates").join(&row.name).join("src");
        for text in texts(&src).values() {
            let words: Vec<&str> = text.split_whitespace().collect();
            let pairs = words.windows(3);
            let implementations =
                pairs.filter(|three| three[0].ends_with("DurableProof") && three[1] == "for");
            found.extend(implementations.map(|three| format!("{}: {}", row.name, three[2])));
        }
    }
    assert_eq!(found, ["store: Receipt"]);
}
