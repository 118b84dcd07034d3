//! The routes of the systems that longwire replaces, for programs that speak to them: paths, bodies and texts are theirs.
//!
//! ```text
//! aurak          /api/feishu/…          AuraK's bot API
//! lark_callback  /callback, /health     the Lark Callback Server
//! ```
//!
//! Each system has a file of values, with its bodies and what its words mean here, and below it a file of handlers. Its routes
//! exist only where the configuration switches them on.

mod aurak;
mod lark_callback;

use std::sync::Arc;

use longwire_fleet::{Fleet, InstallationView};
use longwire_installation::{Name, Platform};
use longwire_store::InstallationRecord;

use crate::Api;
use crate::table::Table;

/// Which other systems' routes there are. None by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompatSettings {
    /// AuraK's.
    pub aurak: bool,
    /// Those of the Lark Callback Server, for this bot.
    pub lark_callback: Option<CallbackBot>,
}

/// The bot of a route that names none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallbackBot {
    /// The only one whose mode has callbacks.
    Only,
    /// The one of this name.
    Named(Name),
}

/// The routes that are switched on.
pub(crate) fn add(table: Table, settings: &CompatSettings) -> Table {
    let table = match settings.aurak {
        true => aurak::add(table),
        false => table,
    };
    match &settings.lark_callback {
        Some(_) => lark_callback::add(table),
        None => table,
    }
}

/// Whether the platform posts callbacks at all.
fn is_pushed_to(platform: Platform) -> bool {
    match platform {
        Platform::Feishu | Platform::Lark => true,
        Platform::Wecom => false,
    }
}

/// A bot of Feishu or Lark: its row, and what the fleet sees of it.
struct KnownBot {
    record: Arc<InstallationRecord>,
    view: InstallationView,
}

impl KnownBot {
    /// The bot of this view, if it is still there and the platform pushes callbacks at all.
    fn of(fleet: &Fleet, view: InstallationView) -> Option<Self> {
        let record = fleet.record(fleet.installation_id(&view.id)?)?;
        is_pushed_to(record.platform).then_some(Self { record, view })
    }

    /// All of them, in the order in which they were added. Asks no actor and no disk.
    fn all(api: &Api) -> impl Iterator<Item = Self> {
        let fleet = &api.settings.fleet;
        let views = fleet.installations().into_iter();
        views.filter_map(move |view| Self::of(fleet, view))
    }
}
