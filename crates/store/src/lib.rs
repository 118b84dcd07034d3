//! The event log, and everything else longwire keeps.
//!
//! ```text
//! Writer::submit(Group) ──▶ queue ──▶ writer thread ──one transaction of many groups──▶ engine ──COMMIT──▶ GroupReply
//! ```
//! A [`Group`] is the events of one read burst. Its [`GroupReply`] gets a [`Receipt`] per event, made only after COMMIT has
//! returned, or the [`Cause`] why there is none. A repeat is recognized by its key in the same transaction and gets a receipt
//! too, since the event is on disk. Notes and displacements ride in the next transaction; [`Store::follow`] reads the log.
//!
//! The database is behind one border, the module `engine`. SQLite's engine uses write-ahead logging and `synchronous=FULL`, one
//! writing connection and a pool of reading ones. Secrets are sealed before they reach a row.
//!
//! The store never decides what a failure means for a connection, and never makes an empty log where a log has been.

mod arrival;
mod backup;
mod backup_error;
mod backup_manifest;
mod backup_progress;
mod cause;
mod clock;
mod consumer;
mod directory;
mod disk_concern;
mod disk_watch;
mod displacement;
mod draft;
mod engine;
mod event_index;
mod event_record;
mod exposure;
mod figures;
mod forwarding;
mod group;
mod head;
mod health;
mod identity;
mod ids;
mod installation;
mod journey;
mod kept;
mod key_proof;
mod lane;
mod number_gap;
mod open;
mod pace;
mod process_user;
mod read_error;
mod reader;
mod receipt;
mod recent;
mod recording;
mod retention;
mod rotation;
mod scheduling;
mod seal;
mod settings;
mod sqlite;
mod store;
mod store_check;
mod store_url;
mod timeline;
mod token;
mod token_directory;
mod underway;
mod user_authorization;
mod write_error;
mod write_queue;
mod writer;

pub use arrival::{Acknowledgement, Arrival};
pub use backup::{
    BackupSettings, BackupSource, FinishedBackup, RestoreSettings, Restored, back_up, restore,
};
pub use backup_error::{BackupError, RestoreError};
pub use backup_manifest::{KeptFile, KeyPlace, Manifest};
pub use backup_progress::BackupProgress;
pub use cause::{Cause, Failure};
pub use consumer::{
    ConsumerChange, ConsumerRecord, ConsumerState, NewConsumer, NewWebhookSecret,
    OpenedWebhookSecrets, SavedPosition,
};
pub use disk_concern::DiskConcern;
pub use displacement::Displacement;
pub use draft::Replace;
pub use engine::ReadEngine;
pub use event_record::{EventPage, EventQuery, EventRecord};
pub use exposure::Exposed;
pub use figures::{COMMIT_EDGES_US, Figures};
pub use forwarding::{Forward, ForwardError};
pub use group::{Group, GroupReply, Unawaited};
pub use head::HeadWatch;
pub use health::Health;
pub use identity::StoreIdentity;
pub use ids::ConsumerId;
pub use installation::{
    CallbackSecrets, CandidateState, DeclarationChange, DeclarationChanges, Declare,
    DeclaredInstallation, DeclaredKey, FieldChange, FileStanding, InstallationChange,
    InstallationRecord, NewAppSecret, NewInstallation, SecretCandidate,
};
pub use journey::{
    ANSWER_BYTES, AttemptFailure, DeliveryAttempt, DeliveryOutcome, Happening, JourneyBatch,
    JourneyRecord, JourneyStep, KeptAnswer, SHORT_ANSWER_BYTES,
};
pub use kept::Kept;
pub use lane::Urgency;
pub use number_gap::NumberGap;
pub use open::OpenError;
pub use process_user::ProcessUser;
pub use read_error::ReadError;
pub use reader::Reader;
pub use receipt::{Receipt, RecordOutcome};
pub use retention::{
    ConsumerFloor, InstallationRetention, KeepRule, ListedEvent, ListedInstallation, PayloadPolicy,
    RetentionState, RetentionStep, StepDone,
};
pub use rotation::RotatedKeys;
pub use scheduling::SchedulingDelay;
pub use seal::{KeyRingError, SealError};
pub use settings::StoreSettings;
pub use store::{ClosedStore, Store};
pub use store_check::{KeyProof, PagesChecked, StoreCheck, check_key, check_store};
pub use store_url::{StoreUrl, StoreUrlError};
pub use timeline::{TimelineEntry, TimelineKind, TimelineRecord};
pub use token_directory::TokenDirectory;
pub use user_authorization::{NewUserAuthorization, UserAuthorizationRecord};
pub use write_error::WriteError;
pub use write_queue::{AuditFull, Refusal, Rejected, Writer};

/// What is handed in and out as it is.
pub use longwire_wire::event::{NewEvent, Seq, Source};
