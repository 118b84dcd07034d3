//! A file for a bot's platform, in one call: its bytes are the request's body, and the answer names what a message
//! shows it by.
//!
//! Nothing is read of a file that cannot be sent, and nothing is sent of a file that has not come whole.

use std::io;

use actix_web::HttpRequest;
use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Json, Path, Payload, Query};
use longwire_fleet::{RequestError, UploadError, UploadFile};
use longwire_wire::wecom::media::{MediaKind, MediaLimits, UploadPlan, UploadRefusal, check_name};
use serde::Deserialize;

use longwire_access::AuditAction;
use longwire_listener::{Caller, Problem};

use crate::document::UploadDocument;
use crate::request_problem::{status, unanswered};
use crate::spool::{self, SpoolError, Spooled};
use crate::{Admin, audit, owned};

/// Uploads under way, over all bots. Each has a file of up to 20 MB on the disk and up to four chunks of 512 KiB in
/// memory, each of them some four times on its way: as read, in Base64, in its frame, masked.
pub(crate) const MOST_AT_ONCE: usize = 8;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UploadQuery {
    /// The name users see.
    file_name: String,
    /// `image`, `voice`, `video` or `file`; without it, what the file is.
    r#type: Option<String>,
}

pub(crate) async fn upload(
    admin: Data<Admin>,
    caller: Caller,
    installation: Path<String>,
    query: Query<UploadQuery>,
    request: HttpRequest,
    body: Payload,
) -> Result<Json<UploadDocument>, Problem> {
    let file = query.into_inner();
    let uploaded = match owned::running(&admin, &caller, &installation) {
        Ok(()) => upload_to(&admin, &installation, file, announced(&request), body).await,
        Err(problem) => Err(problem),
    };
    let action = AuditAction::FileUpload;
    audit::keep(&admin, &caller, action, &installation, &uploaded);
    uploaded
}

async fn upload_to(
    admin: &Admin,
    installation: &str,
    file: UploadQuery,
    announced: Option<u64>,
    body: Payload,
) -> Result<Json<UploadDocument>, Problem> {
    admin.settings.draining.refuse()?;
    audit::has_room(admin)?;
    let UploadQuery { file_name, r#type } = file;
    check_name(&file_name).map_err(|refusal| refused(&refusal))?;
    let kind = r#type.map(|name| parse(&name)).transpose()?;
    let ready = admin.settings.fleet.may_request(installation);
    ready.map_err(|error| unanswered(&error))?;
    let limits = MediaLimits::default();
    // What is too long for its kind can still be sent as a file.
    let most = limits.of(kind.unwrap_or(MediaKind::File));
    if let Some(len) = announced {
        UploadPlan::of(len, kind.unwrap_or(MediaKind::File), &limits)
            .map_err(|refusal| refused(&refusal))?;
    }
    let _permit = admin.uploads.try_acquire().map_err(|_| {
        Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_uploads",
            format!("{MOST_AT_ONCE} uploads are under way. Send it again when one is done"),
        )
    })?;
    let spooled = spool::receive(admin.settings.store.directory(), body, most).await;
    let Spooled {
        file,
        len,
        head,
        md5,
    } = spooled.map_err(|error| not_kept(&error))?;
    let kind = kind.unwrap_or_else(|| limits.fitting(MediaKind::detect(&file_name, &head), len));
    let plan = UploadPlan::of(len, kind, &limits).map_err(|refusal| refused(&refusal))?;
    let file = UploadFile {
        file,
        plan,
        name: file_name,
        md5,
    };
    let uploaded = admin.settings.fleet.upload(installation, file).await;
    let uploaded = uploaded.map_err(|error| failed(&error))?;
    Ok(Json(UploadDocument {
        r#type: kind.name(),
        media_id: uploaded.media_id,
        created_at: uploaded.created_s,
    }))
}

fn parse(name: &str) -> Result<MediaKind, Problem> {
    MediaKind::parse(name).ok_or_else(|| Problem::invalid("type is image, voice, video or file"))
}

/// The body's length, where the client says it beforehand.
fn announced(request: &HttpRequest) -> Option<u64> {
    let value = request.headers().get(header::CONTENT_LENGTH)?;
    value.to_str().ok()?.parse().ok()
}

/// The platform would not take this file.
fn refused(refusal: &UploadRefusal) -> Problem {
    let (status, code) = match refusal {
        UploadRefusal::TooLong { .. } | UploadRefusal::TooManyChunks { .. } => {
            (StatusCode::PAYLOAD_TOO_LARGE, "file_too_large")
        }
        UploadRefusal::TooShort { .. } => (StatusCode::BAD_REQUEST, "file_too_small"),
        UploadRefusal::NoName | UploadRefusal::NameTooLong { .. } => {
            (StatusCode::BAD_REQUEST, "file_name_refused")
        }
        _ => (StatusCode::BAD_REQUEST, "file_refused"),
    };
    Problem::new(status, code, refusal.to_string())
}

/// The file did not get here.
fn not_kept(error: &SpoolError) -> Problem {
    let (status, code, advice) = match error {
        SpoolError::TooLong { .. } => (
            StatusCode::PAYLOAD_TOO_LARGE,
            "file_too_large",
            "the platform takes no more of this type",
        ),
        SpoolError::Broken(_) => (
            StatusCode::BAD_REQUEST,
            "body_broken",
            "nothing was sent to the platform: send it again",
        ),
        SpoolError::Stalled => (
            StatusCode::REQUEST_TIMEOUT,
            "body_stalled",
            "nothing was sent to the platform: send it again",
        ),
        SpoolError::Disk(error) if is_full(error) => (
            StatusCode::INSUFFICIENT_STORAGE,
            "disk_full",
            "uploads wait on the store's disk: make room there",
        ),
        SpoolError::Disk(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "file_not_kept",
            "uploads wait in the store's directory: see to its disk and its permissions",
        ),
    };
    Problem::new(status, code, format!("{error}. {advice}"))
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// The platform did not take it, or was not asked to the end.
fn failed(error: &UploadError) -> Problem {
    let http = match error {
        _ if error.is_connections_end() => StatusCode::BAD_GATEWAY,
        UploadError::Unanswered { error, .. } => status(error),
        UploadError::Refused { .. } if error.label() == "rate_limited" => {
            StatusCode::TOO_MANY_REQUESTS
        }
        UploadError::Refused { .. } | UploadError::Unreadable { .. } => StatusCode::BAD_GATEWAY,
        UploadError::File { .. } => StatusCode::SERVICE_UNAVAILABLE,
        UploadError::Expired => StatusCode::GATEWAY_TIMEOUT,
    };
    let problem = Problem::new(http, error.label(), error.to_string());
    let mut problem = problem.with("next_step", error.advice());
    if let Some(step) = error.step() {
        problem = problem.with("step", step.label());
        if let longwire_link::UploadStep::Chunk(index) = step {
            problem = problem.with("chunk", index);
        }
    }
    if let UploadError::Unanswered {
        error: RequestError::MessageRate { retry_after },
        ..
    } = error
    {
        problem = problem.retry_after(*retry_after);
    }
    if let UploadError::Refused {
        code: Some(code), ..
    } = error
    {
        problem = problem.with("platform_code", *code);
    }
    problem
}
