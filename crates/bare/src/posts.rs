//! The floor of deliveries to a webhook: the least that a client with kept connections can do.
//!
//! Whole requests lie ready in memory. Each connection writes one, waits for the head of its answer, and writes the next. There
//! is no log, no signature, no deadline and no retry: the first thing that fails ends the run.

use std::cell::Cell;
use std::io;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Different requests of each connection, which take turns.
const REQUESTS: u64 = 64;
/// The longest answer: a status and a few headers, and no body.
const MAX_ANSWER_BYTES: usize = 4 << 10;

/// What is posted, and where.
#[derive(Debug, Clone)]
pub struct PostFloorSettings {
    /// Host and port of each endpoint. The connections are shared out evenly.
    pub endpoints: Vec<String>,
    /// Connections of all endpoints together, each with one post under way.
    pub connections: u32,
    /// Bytes of a body.
    pub body_bytes: usize,
    /// How long posts are not counted at first.
    pub warm_up: Duration,
    /// How long they are.
    pub length: Duration,
}

/// What was posted in the counted time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PostedByFloor {
    /// Posts that were answered with 2xx.
    pub posts: u64,
    /// The counted time.
    pub seconds: f64,
}

/// Why posts ended.
#[derive(Debug, thiserror::Error)]
pub enum PostFloorError {
    /// The runtime cannot be started.
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    /// A connection failed, or another answer than 2xx came.
    #[error("cannot post to {endpoint}")]
    Post {
        /// Which.
        endpoint: String,
        /// What happened.
        #[source]
        source: io::Error,
    },
    /// A connection's task panicked.
    #[error("a connection's task ended")]
    Task(#[source] tokio::task::JoinError),
    /// There is nobody to post to.
    #[error("at least one endpoint is needed")]
    NoEndpoint,
}

/// Posts for the time that was asked for.
///
/// # Errors
/// When a connection fails, or an endpoint answers with another status than 2xx.
pub fn post(settings: &PostFloorSettings) -> Result<PostedByFloor, PostFloorError> {
    if settings.endpoints.is_empty() {
        return Err(PostFloorError::NoEndpoint);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(PostFloorError::Runtime)?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, post_all(settings))
}

async fn post_all(settings: &PostFloorSettings) -> Result<PostedByFloor, PostFloorError> {
    let counted_from = Instant::now() + settings.warm_up;
    let end = counted_from + settings.length;
    let mut tasks = JoinSet::new();
    for number in 0..settings.connections {
        let endpoints = &settings.endpoints;
        let endpoint = endpoints[number as usize % endpoints.len()].clone();
        let first = u64::from(number) * REQUESTS + 1;
        let requests: Vec<Vec<u8>> = (first..first + REQUESTS)
            .map(|seq| request(&endpoint, seq, settings.body_bytes))
            .collect();
        tasks.spawn_local(async move {
            let posted = Cell::new(0);
            post_until(&endpoint, &requests, counted_from, end, &posted)
                .await
                .map_err(|source| PostFloorError::Post { endpoint, source })?;
            Ok(posted.get())
        });
    }
    let mut posts = 0;
    while let Some(ended) = tasks.join_next().await {
        let posted: Result<u64, PostFloorError> = ended.map_err(PostFloorError::Task)?;
        posts += posted?;
    }
    Ok(PostedByFloor {
        posts,
        seconds: settings.length.as_secs_f64(),
    })
}

async fn post_until(
    endpoint: &str,
    requests: &[Vec<u8>],
    counted_from: Instant,
    end: Instant,
    posted: &Cell<u64>,
) -> io::Result<()> {
    let mut stream = TcpStream::connect(endpoint).await?;
    stream.set_nodelay(true)?;
    let mut answer = Vec::with_capacity(MAX_ANSWER_BYTES);
    for request in requests.iter().cycle() {
        stream.write_all(request).await?;
        answer.clear();
        while !answer.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut answer).await? == 0 || answer.len() > MAX_ANSWER_BYTES {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        if !answer.starts_with(b"HTTP/1.1 2") {
            let status = String::from_utf8_lossy(&answer).into_owned();
            return Err(io::Error::other(status));
        }
        let now = Instant::now();
        if now >= end {
            break;
        }
        posted.set(posted.get() + u64::from(now >= counted_from));
    }
    Ok(())
}

/// A request as a delivery makes it: the same headers, and a body of this size that is an envelope.
fn request(endpoint: &str, seq: u64, body_bytes: usize) -> Vec<u8> {
    let head = format!(
        "{{\"specversion\":\"1.0\",\"id\":\"evt_{seq:026}\",\"source\":\"/installations/ins_{seq:026}\",\
         \"type\":\"feishu.im.message.receive_v1\",\"subject\":\"oc_{seq:032}\",\"time\":\"2026-01-01T00:00:00.000Z\",\
         \"datacontenttype\":\"application/json\",\"installationid\":\"ins_{seq:026}\",\"platform\":\"feishu\",\
         \"seq\":{seq},\"data\":{{\"kind\":\"message\",\"message\":{{\"text\":\""
    );
    let tail = "\"}}}";
    let filling = body_bytes.saturating_sub(head.len() + tail.len());
    let text: String = "the quick brown fox "
        .chars()
        .cycle()
        .take(filling)
        .collect();
    let body = format!("{head}{text}{tail}");
    format!(
        "POST /events HTTP/1.1\r\nHost: {endpoint}\r\nContent-Type: application/cloudevents+json\r\n\
         User-Agent: bare/0.1.0\r\nwebhook-id: evt_{seq:026}\r\nwebhook-timestamp: 1767225601\r\n\
         webhook-signature: v1,{}\r\ntraceparent: 00-{seq:032x}-{seq:016x}-01\r\nContent-Length: {}\r\n\r\n{body}",
        "A".repeat(43) + "=",
        body.len(),
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_body_has_its_size_and_is_an_envelope() {
        let request = String::from_utf8(request("a:1", 7, 2_000)).expect("text");
        let (head, body) = request.split_once("\r\n\r\n").expect("a head");
        assert_eq!(body.len(), 2_000);
        assert!(head.contains("Content-Length: 2000"), "{head}");
        let body: serde_json::Value = serde_json::from_str(body).expect("json");
        assert_eq!(body["seq"], 7);
        assert!(head.contains(body["id"].as_str().expect("an id")), "{head}");
    }

    /// Answers each request of 1,000 bytes of body on one connection.
    fn answer(with: &'static [u8]) -> (String, std::thread::JoinHandle<u64>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        let served = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let (mut answers, mut bytes) = (0, Vec::new());
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = stream.read(&mut chunk) {
                bytes.extend_from_slice(&chunk[..read]);
                let head = bytes.windows(4).position(|four| four == b"\r\n\r\n");
                if head.is_some_and(|head| bytes.len() == head + 4 + 1_000) {
                    bytes.clear();
                    answers += 1;
                    if stream.write_all(with).is_err() {
                        break;
                    }
                }
            }
            answers
        });
        (address, served)
    }

    fn posted(endpoint: String) -> Result<PostedByFloor, PostFloorError> {
        post(&PostFloorSettings {
            endpoints: vec![endpoint],
            connections: 1,
            body_bytes: 1_000,
            warm_up: Duration::ZERO,
            length: Duration::from_millis(100),
        })
    }

    #[test]
    fn what_is_answered_is_counted() {
        let (endpoint, served) = answer(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        let posts = posted(endpoint).expect("it answers").posts;
        // The last one is answered after the end.
        assert_eq!(posts + 1, served.join().expect("it served"));
    }

    #[test]
    fn another_status_ends_it() {
        let (endpoint, _) = answer(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
        let error = posted(endpoint).expect_err("it is refused");
        assert!(matches!(error, PostFloorError::Post { .. }), "{error}");
    }
}
