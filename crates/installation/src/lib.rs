//! What a bot is: its name, platform, policies and identity, as every other crate knows them. No I/O, clock or log.

mod credentials;
mod desired;
mod guarantee;
mod id;
mod labels;
mod name;
mod origin;
mod platform;
mod public_id;
mod stray;
mod take_back;

pub use credentials::{Credentials, Misfit, Written, take_back};
pub use desired::Desired;
pub use guarantee::Guarantee;
pub use id::InstallationId;
pub use name::is_valid_name;
pub use origin::Origin;
pub use platform::Platform;
pub use public_id::{PublicId, PublicIdError};
pub use stray::StrayCharacter;
pub use take_back::{TakeBack, TakeBackError};
