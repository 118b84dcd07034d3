//! `/admin/v1/reload`: the configuration file is read again, and what is different is applied, or only told.

use std::pin::Pin;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Query};
use longwire_access::{AuditAction, Scope};
use longwire_listener::{Caller, Problem, Routes};
use serde::Deserialize;

use crate::document::ReloadDocument;
use crate::{Admin, audit};

/// What is done with a configuration file that is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReloadRun {
    /// What is different is applied, bot by bot.
    Apply,
    /// What is different is told.
    Compare,
}

/// Why a configuration file was not taken over. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ReloadRefusal {
    /// It cannot be read, or has a mistake. The text has the place.
    #[error("{0}")]
    Mistake(String),
    /// The store did not take it.
    #[error("the store did not take the change: {0}")]
    Store(String),
    /// The process is about to end.
    #[error("the process is about to end")]
    Draining,
}

/// Reads the configuration file again, for whoever asks.
pub type ReloadSource = Arc<dyn Fn(ReloadRun) -> Reloading + Send + Sync>;

/// The file is being read.
pub type Reloading = Pin<Box<dyn Future<Output = Result<ReloadDocument, ReloadRefusal>>>>;

/// The query of a reload.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReloadQuery {
    #[serde(default)]
    dry_run: bool,
}

pub(crate) fn routes(source: ReloadSource) -> Routes {
    let reload = move |admin: Data<Admin>, caller: Caller, query: Query<ReloadQuery>| {
        let source = Arc::clone(&source);
        async move { reload(&admin, &caller, &query, &source).await }
    };
    Routes::new().post("/admin/v1/reload", Scope::AdminControl, reload)
}

async fn reload(
    admin: &Admin,
    caller: &Caller,
    query: &ReloadQuery,
    source: &ReloadSource,
) -> Result<Json<ReloadDocument>, Problem> {
    if query.dry_run {
        let compared = source(ReloadRun::Compare).await;
        return compared.map(Json).map_err(|refusal| problem(&refusal));
    }
    let reloaded = reload_for(admin, source).await;
    audit::keep(
        admin,
        caller,
        AuditAction::ConfigurationReload,
        "",
        &reloaded,
    );
    reloaded.map(Json)
}

async fn reload_for(admin: &Admin, source: &ReloadSource) -> Result<ReloadDocument, Problem> {
    admin.settings.draining.refuse()?;
    audit::has_room(admin)?;
    let reloaded = source(ReloadRun::Apply).await;
    reloaded.map_err(|refusal| problem(&refusal))
}

fn problem(refusal: &ReloadRefusal) -> Problem {
    let detail = refusal.to_string();
    match refusal {
        ReloadRefusal::Mistake(_) => {
            Problem::new(StatusCode::CONFLICT, "configuration_refused", detail)
        }
        ReloadRefusal::Store(_) => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", detail)
        }
        ReloadRefusal::Draining => Problem::new(StatusCode::CONFLICT, "draining", detail),
    }
}
