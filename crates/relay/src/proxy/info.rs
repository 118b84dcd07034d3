//! Calls that programs make when they start, and cannot start without.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix_web::HttpResponse;
use bytes::Bytes;
use longwire_installation::PublicId;
use longwire_store::InstallationRecord;
use serde_json::json;
use tokio::time::Instant;

use super::call::Answered;
use super::figures::RelayedOutcome;
use super::reply::OwnAnswer;

/// How many connections the app has.
pub(crate) const CONNECTIONS: &str = "event/v1/connection";
/// Who the bot is.
pub(crate) const BOT: &str = "bot/v3/info";
/// For how long an answer stands in for one that does not come. A bot's id never changes, its name seldom.
const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// BotsOfApps whose answer is kept.
const MOST: usize = 1_024;
/// The longest answer that is kept. Real ones have some hundred bytes.
const MOST_BYTES: usize = 4 * 1024;

/// The last answers to `bot/v3/info`.
#[derive(Debug, Default)]
pub(crate) struct KeptInfo(Mutex<HashMap<PublicId, (Instant, Bytes)>>);

/// The answer to the question for connections: those of the caller to this process, of which the platform knows nothing.
pub(crate) fn connections(count: usize) -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "code": 0,
        "msg": "success",
        "data": { "online_instance_cnt": count },
    }))
}

/// The platform's answer, or the last one where it gives none.
pub(crate) fn kept_or(
    kept: &KeptInfo,
    bot: &InstallationRecord,
    made: Result<Answered, OwnAnswer>,
) -> Result<(HttpResponse, RelayedOutcome), OwnAnswer> {
    let is_lost = match &made {
        Ok(made) => made.answer.status.is_server_error(),
        Err(own) => own.status.is_server_error(),
    };
    if is_lost && let Some(body) = kept.of(bot.public_id) {
        let response = HttpResponse::Ok()
            .content_type("application/json")
            .body(body);
        return Ok((response, RelayedOutcome::Code(0)));
    }
    let made = made?;
    let status = made.answer.status.as_u16();
    let code = made.answer.code();
    if let (Some(0), Some(body)) = (code, made.answer.whole()) {
        kept.keep(bot.public_id, body);
    }
    let outcome = code.map_or(RelayedOutcome::Status(status), RelayedOutcome::Code);
    Ok((made.into_response(), outcome))
}

impl KeptInfo {
    fn of(&self, bot: PublicId) -> Option<Bytes> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, body) = kept.get(&bot)?;
        (at.elapsed() < KEPT_FOR).then(|| body.clone())
    }

    fn keep(&self, bot: PublicId, body: &Bytes) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if body.len() <= MOST_BYTES && (kept.len() < MOST || kept.contains_key(&bot)) {
            // A copy, because the answer's may be a part of a buffer.
            kept.insert(bot, (Instant::now(), Bytes::copy_from_slice(body)));
        }
    }
}
