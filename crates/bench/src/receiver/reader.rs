//! An application that comes for its events: it pulls them, or holds a stream of them open. Whatever ends that, it begins again.

use std::cell::RefCell;
use std::error::Error;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::{FutureExt as _, StreamExt as _};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::application::Application;
use super::envelope::ReceivedEvent;

/// Before it asks again, when the gateway is not there.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a gateway may wait for events until it answers that there are none.
const WAIT_S: u64 = 5;
/// How long an answer may take, the wait included.
const ANSWER: Duration = Duration::from_secs(15);
/// The most events of an answer.
const LIMIT: usize = 100;
/// About so many bytes of events are acknowledged together.
const TOGETHER_BYTES: usize = 1 << 20;
/// The most bytes of an answer or of one event of a stream.
const MAX_BYTES: usize = 64 << 20;

/// `POST /receiver/v1/readers`: an application that reads a consumer's events.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AddReader {
    /// The gateway's base URL.
    pub(crate) base: String,
    pub(crate) token: String,
    /// The consumer's name.
    pub(crate) consumer: String,
    pub(crate) road: ReaderRoad,
}

/// Its number.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AddedReader {
    pub(crate) number: usize,
}

/// How it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReaderRoad {
    /// It claims events and acknowledges them.
    Pull,
    /// It holds a stream open, and acknowledges what came.
    Stream,
    /// It reads the platforms' events along, as they come, and takes none from anyone.
    Along,
}

/// An answer to a claim.
#[derive(Deserialize)]
struct ClaimedPage<'a> {
    #[serde(borrow)]
    data: Vec<ReceivedClaim<'a>>,
}

#[derive(Deserialize)]
struct ReceivedClaim<'a> {
    #[serde(borrow)]
    event: ReceivedEvent<'a>,
}

struct Reader {
    application: Rc<Application>,
    from: AddReader,
    client: awc::Client,
    /// The last event that came over a stream.
    last: RefCell<Option<String>>,
}

/// Reads until the process ends.
pub(super) async fn read(application: Rc<Application>, from: AddReader) {
    let client = awc::Client::builder().timeout(ANSWER).finish();
    let reader = Reader {
        application,
        from,
        client,
        last: RefCell::default(),
    };
    loop {
        // A gateway that was killed is the usual end; the ledger tells whether anything was missed.
        let _ = match reader.from.road {
            ReaderRoad::Pull => reader.pull().await,
            ReaderRoad::Stream | ReaderRoad::Along => reader.stream().await,
        };
        tokio::time::sleep(PAUSE).await;
    }
}

impl Reader {
    fn url(&self, rest: &str) -> String {
        format!(
            "{}/v1/consumers/{}/{rest}",
            self.from.base, self.from.consumer
        )
    }

    async fn pull(&self) -> Result<(), Box<dyn Error>> {
        let events = self.url(&format!("events?wait={WAIT_S}s&limit={LIMIT}"));
        loop {
            let request = self.client.get(&events).bearer_auth(&self.from.token);
            let mut answer = request.send().await?;
            if !answer.status().is_success() {
                return Err(answer.status().to_string().into());
            }
            let body = answer.body().limit(MAX_BYTES).await?;
            let page: ClaimedPage<'_> = serde_json::from_slice(&body)?;
            let at = Instant::now();
            for claim in &page.data {
                self.take(&claim.event, at);
            }
            let ids = page
                .data
                .into_iter()
                .map(|claim| claim.event.id.into_owned());
            self.ack(&ids.collect::<Vec<String>>()).await?;
        }
    }

    async fn ack(&self, ids: &[String]) -> Result<(), Box<dyn Error>> {
        for some in ids.chunks(LIMIT) {
            let request = self.client.post(self.url("ack"));
            let request = request.bearer_auth(&self.from.token);
            let answer = request.send_json(&json!({ "ids": some })).await?;
            if !answer.status().is_success() {
                return Err(answer.status().to_string().into());
            }
        }
        Ok(())
    }

    async fn stream(&self) -> Result<(), Box<dyn Error>> {
        let (url, acks) = match self.from.road {
            ReaderRoad::Pull | ReaderRoad::Stream => (self.url("stream"), true),
            ReaderRoad::Along => {
                let url = format!("{}/v1/events/stream?type=feishu.*", self.from.base);
                (url, false)
            }
        };
        let mut request = self.client.get(url).bearer_auth(&self.from.token);
        if let Some(last) = &*self.last.borrow() {
            request = request.insert_header(("Last-Event-ID", last.as_str()));
        }
        let mut answer = request.send().await?;
        if !answer.status().is_success() {
            return Err(answer.status().to_string().into());
        }
        let mut buffer = BytesMut::new();
        while let Some(chunk) = answer.next().await {
            buffer.extend_from_slice(&chunk?);
            // What is there already is acknowledged together.
            while buffer.len() < TOGETHER_BYTES
                && let Some(Some(chunk)) = answer.next().now_or_never()
            {
                buffer.extend_from_slice(&chunk?);
            }
            let mut ids = Vec::new();
            while let Some(block) = block(&mut buffer) {
                let Some(data) = data(&block) else { continue };
                match serde_json::from_slice::<ReceivedEvent<'_>>(&data) {
                    Ok(event) => {
                        self.take(&event, Instant::now());
                        ids.push(event.id.into_owned());
                    }
                    Err(_) => self.application.ledger.borrow_mut().malformed(),
                }
            }
            if acks {
                self.ack(&ids).await?;
            } else if let Some(last) = ids.pop() {
                self.last.replace(Some(last));
            }
            if buffer.len() > MAX_BYTES {
                return Err("an event without an end".into());
            }
        }
        Ok(())
    }

    fn take(&self, event: &ReceivedEvent<'_>, at: Instant) {
        let mut ledger = self.application.ledger.borrow_mut();
        ledger.delivery(0);
        ledger.event(event, true, at);
    }
}

/// Takes the first block of a stream out of the buffer, once its empty line is there.
fn block(buffer: &mut BytesMut) -> Option<Bytes> {
    let end = buffer.windows(2).position(|two| two == b"\n\n")?;
    let block = buffer.split_to(end).freeze();
    buffer.advance(2);
    Some(block)
}

/// The data of a block that is an event without a name; comments and named ones have none.
fn data(block: &[u8]) -> Option<Vec<u8>> {
    let mut data: Option<Vec<u8>> = None;
    for line in block.split(|byte| *byte == b'\n') {
        if line.starts_with(b"event:") {
            return None;
        }
        let Some(rest) = line.strip_prefix(b"data:") else {
            continue;
        };
        let rest = rest.strip_prefix(b" ").unwrap_or(rest);
        match &mut data {
            Some(data) => {
                data.push(b'\n');
                data.extend_from_slice(rest);
            }
            none => *none = Some(rest.to_vec()),
        }
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_taken_once_they_are_whole() {
        let text = b"retry: 500\n\nid: evt_1\ndata: {\"a\":\ndata: 1}\n\n: keep-alive\n\nevent: shutdown\ndata: {}\n\n";
        let mut buffer = BytesMut::new();
        let mut found = Vec::new();
        for byte in text {
            buffer.extend_from_slice(&[*byte]);
            found.extend(block(&mut buffer));
        }
        assert!(buffer.is_empty());
        let data: Vec<_> = found.iter().map(|block| data(block)).collect();
        assert_eq!(data, [None, Some(b"{\"a\":\n1}".to_vec()), None, None]);
    }
}
