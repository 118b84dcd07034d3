//! One attempt: body, signature, headers, and the post itself.

use std::rc::Rc;
use std::time::Duration;

use longwire_consumer::{AttemptFacts, BatchId, Detail, SentEvent, traceparent, write_batch};
use longwire_egress::endpoint::{
    EndpointClient, HeaderLines, PostAnswer, PostError, PostLimits, PostProblem,
};
use longwire_wire::webhook::{ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, WebhookSecrets};

use crate::clock::unix_ms;
use crate::logged_event::LoggedEvent;
use crate::outbox::{Job, PostOutcome};

/// How long a delivery waits that found no socket. It is no attempt, so the queue would offer it again at once.
const NO_SOCKET: Duration = Duration::from_millis(200);

/// What is constant for an endpoint.
pub(crate) struct Poster {
    pub(crate) events: EndpointClient,
    pub(crate) batches: EndpointClient,
    pub(crate) secrets: WebhookSecrets,
    pub(crate) limits: PostLimits,
    pub(crate) detail: Detail,
}

/// Buffers of one posting task.
#[derive(Default)]
pub(crate) struct Buffers {
    body: Vec<u8>,
    id: String,
    timestamp: String,
    signature: String,
    headers: HeaderLines,
}

impl Poster {
    /// Posts a delivery.
    pub(crate) async fn post(&self, job: &Job, buffers: &mut Buffers) -> PostOutcome {
        let delivery = &job.delivery;
        buffers.body.clear();
        let (client, text) = match (&*delivery.events, delivery.is_batch) {
            ([event], false) => {
                facts(event).write(&mut buffers.body);
                (&self.events, Some(job.text(0, self.detail)))
            }
            (events, _) => {
                let facts: Vec<AttemptFacts> = events.iter().map(facts).collect();
                let texts = (0..events.len()).map(|nth| job.text(nth, self.detail));
                write_batch(texts.zip(&facts), &mut buffers.body);
                (&self.batches, None)
            }
        };
        write_id(job, &mut buffers.id);
        let shared = text.map_or(&[][..], |text| text.bytes());
        let trace = match &*delivery.events {
            [event] => Some(traceparent(event.payload.id)),
            _ => None,
        };
        match self.send(client, shared, trace.as_deref(), buffers).await {
            Ok(answer) => PostOutcome::Answered(answer),
            Err(error) if matches!(error.problem, PostProblem::TooManyOpenFiles) => {
                tokio::time::sleep(NO_SOCKET).await;
                PostOutcome::Released
            }
            Err(error) => PostOutcome::Failed(error),
        }
    }

    /// Posts an envelope that is no event of the log, with this id.
    pub(crate) async fn post_made_up(
        &self,
        id: &str,
        envelope: &[u8],
    ) -> Result<PostAnswer, PostError> {
        let mut buffers = Buffers::default();
        buffers.id.push_str(id);
        self.send(&self.events, envelope, None, &mut buffers).await
    }

    /// Signs and posts what the buffers begin with and `shared` ends with.
    async fn send(
        &self,
        client: &EndpointClient,
        shared: &[u8],
        trace: Option<&str>,
        buffers: &mut Buffers,
    ) -> Result<PostAnswer, PostError> {
        let Buffers {
            body,
            id,
            timestamp,
            signature,
            headers,
        } = buffers;
        let body = [&**body, shared];
        let now_s = unix_ms() / 1_000;
        write(timestamp, now_s);
        self.secrets.sign(id, now_s, timestamp, &body, signature);
        headers.clear();
        let lines = [
            (ID_HEADER, Some(&**id)),
            (TIMESTAMP_HEADER, Some(&**timestamp)),
            (SIGNATURE_HEADER, Some(&**signature)),
            ("traceparent", trace),
        ];
        for (name, value) in lines {
            if let Some(value) = value {
                headers
                    .push(name, value)
                    .expect("ids, numbers, base64 and hexadecimal digits are visible ASCII");
            }
        }
        client.post(headers, &body, self.limits).await
    }
}

/// What an attempt tells of an event.
pub(crate) fn facts(event: &SentEvent<Rc<LoggedEvent>>) -> AttemptFacts {
    AttemptFacts {
        redelivered: event.redelivered,
        possible_duplicate_of: event.payload.possible_duplicate_of,
        age: event.age,
        is_stale: event.is_stale,
        gap_before: event.gap_before,
    }
}

/// The value of `webhook-id`: the same for every attempt of the same events.
fn write_id(job: &Job, out: &mut String) {
    match &*job.delivery.events {
        [event] if !job.delivery.is_batch => write(out, event.payload.id),
        events => write(
            out,
            BatchId::of(events.iter().map(|event| event.payload.id)),
        ),
    }
}

fn write(out: &mut String, value: impl std::fmt::Display) {
    use std::fmt::Write as _;
    out.clear();
    write!(out, "{value}").expect("writing to a string cannot fail");
}
