//! What a bot is: its name, platform, policies and identity, as every other crate knows them. No I/O, clock or log.

// Unit tests may read a clock to have some instant to begin with.
#![cfg_attr(
    not(test),
    forbid(
        clippy::disallowed_macros,
        clippy::disallowed_methods,
        clippy::disallowed_types
    )
)]
#![cfg_attr(not(test), warn(clippy::wildcard_enum_match_arm))]

mod base_url;
mod bot;
mod credentials;
mod desired;
mod guarantee;
mod id;
mod labels;
mod misfit;
mod name;
mod origin;
mod platform;
mod public_id;
mod revision;
mod stray;
mod take_back;

pub use base_url::{BaseUrl, BaseUrlError};
pub use bot::{BotIdentity, BotNames};
pub use credentials::{CredentialKeys, Credentials};
pub use desired::Desired;
pub use guarantee::Guarantee;
pub use id::InstallationId;
pub use misfit::Misfit;
pub use name::{Name, NameError};
pub use origin::Origin;
pub use platform::Platform;
pub use public_id::{PublicId, PublicIdError};
pub use revision::Revision;
pub use stray::StrayCharacter;
pub use take_back::{TakeBack, TakeBackError};
