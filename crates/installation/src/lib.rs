//! What a bot is, as every other crate knows it: its name, platform, address, credential keys, policies and identity.
//!
//! Values come from the configuration file, the command line and the admin interface. This crate says which of them are
//! valid and fit each other ([`Misfit`] says which do not, and why); the store keeps them, and the fleet runs them. Two
//! installations with the same [`BotIdentity`] are one bot, of which only one may be connected. A [`Revision`] says which of
//! two states of an installation is newer.
//!
//! This crate never looks into a secret, does no I/O, reads no clock and does not log.

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

pub mod base32;
mod base_url;
mod bot;
mod credentials;
mod desired;
mod guarantee;
mod id;
mod labels;
mod misfit;
mod mode;
mod name;
mod new_secret;
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
pub use mode::Mode;
pub use name::{Name, NameError};
pub use new_secret::{NewSecretUse, PresentSecret};
pub use origin::Origin;
pub use platform::Platform;
pub use public_id::{PublicId, PublicIdError};
pub use revision::Revision;
pub use stray::StrayCharacter;
pub use take_back::{TakeBack, TakeBackError};
