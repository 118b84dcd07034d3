//! Installations: listed, shown with timeline and lights, added, started, stopped.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path, Query};
use longwire_egress::ProxyPolicy;
use longwire_fleet::InstallationView;
use longwire_installation::{
    BaseUrl, CredentialKeys, Desired, Guarantee, Origin, Platform, StrayCharacter, TakeBack,
};
use longwire_store::{InstallationRecord, NewInstallation, ReadError, TimelineRecord, WriteError};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use longwire_listener::Problem;
use longwire_listener::blocking;

use super::Surface;
use crate::config::parse_duration;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;
const TIMELINE_NOTES: usize = 50;

/// Wanted of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    state: Option<String>,
    /// The id after which to go on.
    after: Option<String>,
    limit: Option<usize>,
}

#[derive(Debug, Serialize)]
pub(super) struct Page {
    data: Vec<InstallationView>,
    /// Where the next page begins.
    next: Option<String>,
}

pub(super) async fn list(
    surface: Data<Surface>,
    wanted: Query<Wanted>,
) -> Result<Json<Page>, Problem> {
    let limit = wanted.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::invalid(format!("limit is from 1 to {MAX_LIMIT}")));
    }
    let mut views = surface.fleet.installations();
    // Ids rise with the time they were made, so a page stays where it is while bots come and go.
    views.sort_by(|a, b| a.id.cmp(&b.id));
    views.retain(|view| {
        wanted
            .state
            .as_deref()
            .is_none_or(|state| state == view.state)
            && wanted
                .after
                .as_deref()
                .is_none_or(|after| view.id.as_str() > after)
    });
    let more = views.len() > limit;
    views.truncate(limit);
    let next = views.last().filter(|_| more).map(|view| view.id.clone());
    Ok(Json(Page { data: views, next }))
}

/// An installation as it is kept, and as it is.
#[derive(Debug, Serialize)]
pub(super) struct Detail {
    kept: Kept,
    /// `null` when the fleet has not taken notice of it yet.
    observed: Option<InstallationView>,
    /// Newest first.
    timeline: Vec<Note>,
}

/// What is kept of an installation. Its secrets are not told.
#[derive(Debug, Serialize)]
pub(crate) struct Kept {
    id: String,
    name: String,
    platform: &'static str,
    /// Of Feishu and Lark.
    app_id: Option<String>,
    /// Of WeCom.
    bot_id: Option<String>,
    base_url: Option<String>,
    has_proxy: bool,
    /// With `take_back_per_day`, or `null` with it: never.
    take_back_after_ms: Option<i64>,
    take_back_per_day: Option<u32>,
    /// Since when another client has the bot, until the installation is started or its access changes; kept over restarts.
    displaced_ms: Option<i64>,
    /// When it was taken back by itself within 24 hours, oldest first.
    taken_back_ms: Box<[i64]>,
    guarantee: Promise,
    desired: &'static str,
    origin: &'static str,
    created_ms: i64,
    updated_ms: i64,
}

/// What is promised of its events.
#[derive(Debug, Serialize)]
struct Promise {
    id: &'static str,
    text: &'static str,
}

impl From<Guarantee> for Promise {
    fn from(guarantee: Guarantee) -> Self {
        Self {
            id: guarantee.id(),
            text: guarantee.text(),
        }
    }
}

impl From<&InstallationRecord> for Kept {
    fn from(record: &InstallationRecord) -> Self {
        let (app_id, bot_id) = match record.platform {
            Platform::Feishu | Platform::Lark => (Some(record.app_id.clone()), None),
            Platform::Wecom => (None, Some(record.app_id.clone())),
        };
        Self {
            id: record.public_id.to_string(),
            name: record.name.to_string(),
            platform: record.platform.label(),
            app_id,
            bot_id,
            base_url: (record.base_url.as_ref()).map(|base_url| base_url.as_str().to_owned()),
            has_proxy: record.has_proxy,
            take_back_after_ms: record.take_back.map(TakeBack::after_ms),
            take_back_per_day: record.take_back.map(TakeBack::per_day),
            displaced_ms: record.displaced_ms,
            taken_back_ms: record.taken_back_ms.clone(),
            guarantee: record.platform.guarantee().into(),
            desired: record.desired.label(),
            origin: record.origin.label(),
            created_ms: record.created_ms,
            updated_ms: record.updated_ms,
        }
    }
}

/// One thing that happened.
#[derive(Debug, Serialize)]
pub(crate) struct Note {
    at_ms: i64,
    generation: u64,
    kind: &'static str,
    detail: String,
}

impl From<&TimelineRecord> for Note {
    fn from(TimelineRecord { entry, .. }: &TimelineRecord) -> Self {
        Self {
            at_ms: entry.at_ms,
            generation: entry.generation,
            kind: entry.kind.label(),
            detail: entry.detail.clone(),
        }
    }
}

pub(super) async fn show(
    surface: Data<Surface>,
    installation: Path<String>,
) -> Result<Json<Detail>, Problem> {
    let record = find(&surface, &installation).await?;
    let store = surface.store.clone();
    let id = record.id;
    let timeline = read(move || store.timeline(id, TIMELINE_NOTES)).await?;
    Ok(Json(Detail {
        observed: surface.fleet.installation(&record.public_id.to_string()),
        kept: Kept::from(&record),
        timeline: timeline.iter().map(Note::from).collect(),
    }))
}

async fn find(surface: &Data<Surface>, id_or_name: &str) -> Result<InstallationRecord, Problem> {
    let store = surface.store.clone();
    let wanted = id_or_name.to_owned();
    read(move || store.installation(&wanted))
        .await?
        .ok_or_else(|| Problem::not_found(format!("there is no installation `{id_or_name}`")))
}

/// A new installation, as `longwire installations add` sends it. Not printable: it holds secrets.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddRequest {
    pub(crate) name: String,
    pub(crate) platform: String,
    /// Of Feishu and Lark, as `app_secret`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) app_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) app_secret: Option<String>,
    /// Of WeCom, as `secret`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bot_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<String>,
    #[serde(default)]
    pub(crate) base_url: Option<String>,
    /// `direct`, or a proxy's address.
    #[serde(default)]
    pub(crate) proxy: Option<String>,
    /// Of WeCom: a duration with its unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) take_back_after: Option<String>,
    /// Of WeCom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) take_back_per_day: Option<u32>,
    /// `run` or `stop`.
    #[serde(default = "run")]
    pub(crate) desired: String,
}

fn run() -> String {
    Desired::Run.label().to_owned()
}

impl AddRequest {
    /// The installation it asks for, or what is wrong with it.
    pub(crate) fn check(
        self,
        origin: Origin,
        plain_hosts: &[String],
    ) -> Result<NewInstallation, String> {
        let app_secret = self.app_secret.map(SecretString::from);
        let secret = self.secret.map(SecretString::from);
        let proxy = self.proxy.map(SecretString::from);
        let platform = Platform::parse(&self.platform)
            .ok_or_else(|| format!("platform is feishu, lark or wecom, not `{}`", self.platform))?;
        let given = CredentialKeys {
            app_id: self.app_id.as_deref(),
            app_secret: app_secret.as_ref(),
            bot_id: self.bot_id.as_deref(),
            secret: secret.as_ref(),
        };
        let credentials = given
            .for_platform(platform)
            .map_err(|misfit| misfit.to_string())?;
        if credentials.secret.expose_secret().trim().is_empty() {
            return Err(format!("{} is empty", credentials.secret_key));
        }
        if let Some(stray) = StrayCharacter::in_text(credentials.secret.expose_secret()) {
            return Err(format!("{} {stray}", credentials.secret_key));
        }
        let after = match self.take_back_after.as_deref().map(parse_duration) {
            None => None,
            Some(Some(after)) => Some(after),
            Some(None) => {
                return Err("take_back_after is no duration with its unit, as in 10m".to_owned());
            }
        };
        let take_back = TakeBack::from_keys(platform, after, self.take_back_per_day)
            .map_err(|misfit| misfit.to_string())?;
        let base_url = self.base_url.as_deref();
        let base_url = base_url.map(|text| BaseUrl::parse(platform, text, plain_hosts));
        let base_url = base_url
            .transpose()
            .map_err(|error| format!("base_url: {error}"))?;
        if let Some(proxy) = &proxy {
            (proxy.expose_secret().parse::<ProxyPolicy>())
                .map_err(|error| format!("proxy: {error}"))?;
        }
        Ok(NewInstallation {
            platform,
            desired: Desired::parse(&self.desired)
                .ok_or_else(|| format!("desired is run or stop, not `{}`", self.desired))?,
            name: (self.name.parse())
                .map_err(|error| format!("`{}` is no name: {error}", self.name))?,
            app_id: credentials.id.to_owned(),
            app_secret: credentials.secret.clone(),
            base_url,
            proxy,
            take_back,
            origin,
        })
    }
}

pub(super) async fn add(
    surface: Data<Surface>,
    request: Json<AddRequest>,
) -> Result<HttpResponse, Problem> {
    refuse_while_draining(&surface)?;
    let new = request
        .into_inner()
        .check(Origin::Api, &surface.plain_hosts)
        .map_err(Problem::invalid)?;
    let store = surface.store.clone();
    let record = write(move || store.add_installation(new)).await?;
    surface.fleet.reload();
    tracing::info!(installation = %record.public_id, app_id = %record.app_id, "installation added");
    Ok(HttpResponse::Created().json(Kept::from(&record)))
}

pub(super) async fn start(
    surface: Data<Surface>,
    installation: Path<String>,
) -> Result<Json<Kept>, Problem> {
    set_desired(&surface, &installation, Desired::Run).await
}

pub(super) async fn stop(
    surface: Data<Surface>,
    installation: Path<String>,
) -> Result<Json<Kept>, Problem> {
    set_desired(&surface, &installation, Desired::Stop).await
}

/// Also for those of the configuration file, whose `enabled` applies again at the next start. To start one that is
/// displaced takes the bot back.
async fn set_desired(
    surface: &Data<Surface>,
    id_or_name: &str,
    desired: Desired,
) -> Result<Json<Kept>, Problem> {
    refuse_while_draining(surface)?;
    let mut record = find(surface, id_or_name).await?;
    let store = surface.store.clone();
    let id = record.id;
    write(move || store.set_desired(id, desired)).await?;
    surface.fleet.reload();
    tracing::info!(installation = %record.public_id, desired = desired.label(), "wanted state changed");
    record.desired = desired;
    if desired == Desired::Run {
        record.displaced_ms = None;
    }
    Ok(Json(Kept::from(&record)))
}

fn refuse_while_draining(surface: &Surface) -> Result<(), Problem> {
    if surface.is_draining() {
        return Err(Problem::conflict("draining", "the gateway is about to end"));
    }
    Ok(())
}

async fn read<T: Send + 'static>(
    query: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
) -> Result<T, Problem> {
    blocking::run(query)
        .await?
        .map_err(|error| unavailable(&error))
}

async fn write<T: Send + 'static>(
    change: impl FnOnce() -> Result<T, WriteError> + Send + 'static,
) -> Result<T, Problem> {
    blocking::run(change).await?.map_err(|error| match error {
        WriteError::NameTaken { .. } => Problem::conflict("name_taken", error.to_string()),
        WriteError::SameBot { .. } => Problem::conflict("same_bot", error.to_string()),
        WriteError::UnknownInstallation { .. } => Problem::not_found(error.to_string()),
        // The store has not said in time whether it did it.
        WriteError::Overdue { .. } => {
            Problem::caused(StatusCode::GATEWAY_TIMEOUT, "store_unsettled", &error)
        }
        error => unavailable(&error),
    })
}

/// The store did not do it.
fn unavailable(error: &dyn std::error::Error) -> Problem {
    Problem::caused(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", error)
}
