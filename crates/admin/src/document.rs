//! The JSON of the admin interface: names of fields, their order, and what they mean.
//!
//! Documents are made of the typed views of the fleet and the rows of the store. Programs read them, so a field that is
//! there keeps its name, its place and its meaning. Times are RFC 3339 texts in UTC, and a number says its unit in its
//! name. `tests/documents.rs` compares their texts.

mod access;
mod actor;
mod inspection;
mod installation;
mod list;
mod overview;
mod relay;
mod reload;
mod reply;
mod retention;
mod secrets;
mod status;

pub use access::{AuditDocument, CreatedToken, TokenDocument};
pub use actor::{ActorDocument, ActorPage, KindGroup, TreeDocument};
pub use inspection::InspectionDocument;
pub use installation::{InstallationDetail, TimelineDocument};
pub use list::ListPage;
pub use overview::OverviewDocument;
pub(crate) use relay::relay_connection_id;
pub use relay::{ApplicationDocument, InFlightDocument, NamedDocument, RefusedDocument, RelayPage};
pub use reload::{RefusedBot, ReloadDocument, ReloadedBot, ReloadedSettings};
pub use reply::{ReplyDocument, UploadDocument};
pub use retention::{ErasedDocument, HoldDocument, KeepDocument, RetentionDocument, RiskDocument};
pub use secrets::RotatedKeysDocument;
pub use status::{
    ConsumersStatus, InstallationsStatus, NotLiveDocument, NotLiveGroupDocument, RelayStatus,
    StatusDocument, StoreStatus, TroubledConsumer,
};
