//! The challenge: what the platform asks a request URL before it is saved.

use std::sync::Arc;

use rand::Rng as _;
use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use serde::Deserialize;
use serde_json::json;

use crate::http_push::{
    Console, Dressing, ExchangeLimits, HttpPushScheme, RequestBuffers, RequestUrls,
    SignatureHeaders, Target, UrlCheck, UrlNotSaved, exchange,
};
use crate::state::SharedState;

/// Longest part of a wrong answer that is told.
const TOLD_BYTES: usize = 200;

#[derive(Deserialize)]
struct ChallengeAnswer {
    challenge: String,
}

/// Asks each URL, and saves all of them if all answer as they should. What was saved before stays otherwise.
pub(crate) async fn save(
    shared: &Arc<SharedState>,
    app: &str,
    urls: &RequestUrls,
    check: UrlCheck,
) -> Result<(), UrlNotSaved> {
    let console = Console::of(urls)?;
    let mut asked: Vec<&Target> = Vec::new();
    for target in [&console.events, &console.callbacks].into_iter().flatten() {
        if !asked.contains(&&**target) {
            asked.push(target);
        }
    }
    let headers = match check {
        UrlCheck::Challenge => Some(SignatureHeaders::Left),
        UrlCheck::SignedChallenge => Some(SignatureHeaders::Sent),
        UrlCheck::Skip => None,
    };
    if let Some(headers) = headers {
        for target in asked {
            if let Err(error) = ask(shared, &console, target, headers).await {
                shared.state().http.ledger.urls_not_saved += 1;
                return Err(error);
            }
        }
    }
    shared.state().save_console(app, console);
    Ok(())
}

async fn ask(
    shared: &SharedState,
    console: &Console,
    target: &Target,
    headers: SignatureHeaders,
) -> Result<(), UrlNotSaved> {
    let mut rng = SmallRng::from_os_rng();
    let challenge = uuid::Builder::from_random_bytes(rng.random())
        .into_uuid()
        .to_string();
    let body = json!({
        "challenge": challenge,
        "token": console.verification_token,
        "type": "url_verification",
    });
    let signed_at_s = {
        let state = shared.state();
        state.wall_clock.unix_us(std::time::Instant::now()) / 1_000_000
    };
    let dressing = Dressing {
        console,
        scheme: HttpPushScheme::Event,
        flaw: None,
        headers,
        signed_at_s,
    };
    let mut buffers = RequestBuffers::default();
    buffers.write(target, &dressing, body.to_string().as_bytes(), &mut rng);
    let settings = &shared.settings;
    let limits = ExchangeLimits {
        answer: settings.scaled(settings.challenge_deadline),
        connect: settings.scaled(settings.connect_deadline),
    };
    let (tls, request) = (&shared.sender_tls, &buffers.request);
    let answer = exchange(&mut None, target, tls, request, limits, &mut 0).await;
    let answer = answer.map_err(|error| UrlNotSaved::NoAnswer {
        url: target.url.clone(),
        reason: error.to_string(),
    })?;
    let parsed: Option<ChallengeAnswer> = serde_json::from_slice(&answer.body).ok();
    let is_right = parsed.is_some_and(|parsed| parsed.challenge == challenge);
    if answer.status == 200 && is_right {
        return Ok(());
    }
    let told = &answer.body[..answer.body.len().min(TOLD_BYTES)];
    Err(UrlNotSaved::WrongAnswer {
        url: target.url.clone(),
        status: answer.status,
        answer: String::from_utf8_lossy(told).into_owned(),
    })
}
