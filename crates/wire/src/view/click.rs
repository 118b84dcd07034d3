//! Recognises a click on a card that comes a second time under another event id.

use std::fmt;

use sha2::{Digest, Sha256};

use super::EventView;

/// What two pushes of one click have in common: the card, who clicked, and what was done. A user who does the same thing
/// twice has the same identity twice, so equal identities within a short time make a click a possible repeat, no more.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClickIdentity(pub [u8; 16]);

/// The identity of a click; `None` if the event is no click, or does not say on which card or by whom.
pub fn click_identity(view: &EventView) -> Option<ClickIdentity> {
    let click = view.card.as_deref()?;
    let card = click.message_id.as_ref().or(click.task_id.as_ref())?;
    let operator = view.sender.as_ref()?.id.as_ref()?;
    let checked = click.checked.map(|checked| match checked {
        true => "true",
        false => "false",
    });
    let mut hash = Sha256::new();
    // Each part is preceded by its length plus one, an absent part is a zero: no two lists of parts look alike.
    let mut add = |part: Option<&str>| match part {
        Some(part) => {
            hash.update((part.len() as u64 + 1).to_le_bytes());
            hash.update(part);
        }
        None => hash.update(0u64.to_le_bytes()),
    };
    for part in [
        Some(&**card),
        Some(&**operator),
        click.tag.as_deref(),
        click.name.as_deref(),
        click.value.as_ref().map(|json| json.get()),
        click.form.as_ref().map(|json| json.get()),
        click.input.as_deref(),
        click.option.as_deref(),
        checked,
    ] {
        add(part);
    }
    for option in &click.options {
        add(Some(option));
    }
    let digest = hash.finalize();
    let mut identity = [0; 16];
    identity.copy_from_slice(&digest[..16]);
    Some(ClickIdentity(identity))
}

impl fmt::Debug for ClickIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
