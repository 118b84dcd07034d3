//! The JSON of the admin interface: names of fields, their order, and what they mean.
//!
//! Documents are made of the rows of the store and the typed views of the fleet; a view that is a whole answer is written
//! as it is. Programs read them, so a field that is there keeps its name, its place and its meaning. Times are milliseconds
//! since 1970, and a number says its unit in its name. `tests/documents.rs` compares their texts.

mod actor;
mod installation;
mod reply;

pub use actor::{ActorPage, KindGroup, TreeDocument};
pub use installation::{
    GuaranteeDocument, InstallationDetail, InstallationDocument, InstallationPage,
    StoredInstallation, TimelineDocument,
};
pub use reply::{ReplyDocument, UploadDocument};
