//! One bot: it connects, answers events, pings, and connects again when the connection ends.

use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use rand::Rng as _;
use tokio::io::{self, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{MissedTickBehavior, interval};

use crate::bootstrap::{Bootstrap, BootstrapError, Endpoint};
use crate::event;
use crate::frame::{self, METHOD_DATA, RECORDED};
use crate::log::{EventLog, EventRange, ReadBurst};
use crate::websocket::{self, BINARY, CLOSE, Masks, PING, PONG};

/// Most bytes of one read.
const READ_BYTES: usize = 64 * 1024;
/// Longest pause after an attempt that failed.
const PAUSE: Duration = Duration::from_millis(50);
/// Longest head of the answer to an upgrade.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// A bot and its connection.
#[derive(Debug)]
pub(crate) struct Connection {
    number: u32,
    bootstrap: Bootstrap,
    log: Option<EventLog>,
    masks: Masks,
}

impl Connection {
    pub(crate) fn new(
        base_url: &str,
        number: u32,
        log: Option<EventLog>,
    ) -> Result<Self, BootstrapError> {
        Ok(Self {
            number,
            bootstrap: Bootstrap::new(base_url, &format!("cli_{number:016}"))?,
            log,
            masks: Masks::new(u64::from(number)),
        })
    }

    /// Keeps the bot connected; never returns.
    pub(crate) async fn run(mut self) {
        loop {
            let mut nonce = PAUSE;
            if let Ok(endpoint) = self.bootstrap.ask().await
                && let Ok((stream, early)) = upgrade(&endpoint).await
            {
                // Any end is followed by the next attempt, so its reason does not matter.
                let _ = self.serve(stream, early, &endpoint).await;
                nonce = endpoint.reconnect_nonce;
            }
            if !nonce.is_zero() {
                let wait = rand::rng().random_range(Duration::ZERO..=nonce);
                tokio::time::sleep(wait).await;
            }
        }
    }

    /// Answers events and sends pings until the connection ends.
    async fn serve(
        &mut self,
        mut stream: TcpStream,
        mut buffer: BytesMut,
        endpoint: &Endpoint,
    ) -> io::Result<()> {
        let ping = frame::ping(endpoint.service_id);
        let mut pings = interval(endpoint.ping_interval);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (reply, mut committed) = unbounded_channel();
        let mut out = Vec::new();
        loop {
            if !self.handle_messages(&mut buffer, &mut out, &reply) {
                return Ok(());
            }
            stream.write_all(&out).await?;
            out.clear();
            buffer.reserve(READ_BYTES);
            tokio::select! {
                read = stream.read_buf(&mut buffer) => {
                    if read? == 0 {
                        return Ok(());
                    }
                }
                Some(answers) = committed.recv() => collect(answers, &mut committed, &mut out),
                _ = pings.tick() => websocket::write(&mut out, BINARY, &[&ping], &mut self.masks),
            }
        }
    }

    /// Handles the complete messages in `buffer`; `false` after a close frame.
    fn handle_messages(
        &mut self,
        buffer: &mut BytesMut,
        out: &mut Vec<u8>,
        reply: &UnboundedSender<Vec<u8>>,
    ) -> bool {
        let (mut at, mut open) = (0, true);
        let (mut events, mut answers) = (Vec::new(), Vec::new());
        while let Some(message) = websocket::message(buffer, at) {
            let payload = &buffer[message.payload.clone()];
            match message.opcode {
                BINARY => {
                    let acks = if self.log.is_some() {
                        &mut answers
                    } else {
                        &mut *out
                    };
                    if let Some(frame) = frame::scan(payload)
                        && frame.method == METHOD_DATA
                        && let Some(id) = event::id(&payload[frame.payload.clone()])
                    {
                        websocket::write(
                            acks,
                            BINARY,
                            &[&payload[..frame.head], RECORDED],
                            &mut self.masks,
                        );
                        if self.log.is_some() {
                            let start = message.payload.start + frame.payload.start;
                            let end = message.payload.start + frame.payload.end;
                            events.push(EventRange {
                                id: start + id.start..start + id.end,
                                payload: start..end,
                            });
                        }
                    }
                }
                PING => websocket::write(out, PONG, &[payload], &mut self.masks),
                CLOSE => open = false,
                _ => {}
            }
            at = message.payload.end;
        }
        match &self.log {
            Some(log) if !events.is_empty() => log.record(ReadBurst {
                app: self.number,
                chunk: buffer.split_to(at).freeze(),
                events,
                answers,
                reply: reply.clone(),
            }),
            _ => buffer.advance(at),
        }
        open
    }
}

/// Appends all answers that are ready, so that they go out in one write.
fn collect(first: Vec<u8>, more: &mut UnboundedReceiver<Vec<u8>>, out: &mut Vec<u8>) {
    out.extend_from_slice(&first);
    while let Ok(answers) = more.try_recv() {
        out.extend_from_slice(&answers);
    }
}

/// Opens and upgrades a connection. Also returns the bytes that came in the same packet as the answer.
async fn upgrade(endpoint: &Endpoint) -> io::Result<(TcpStream, BytesMut)> {
    let mut stream = TcpStream::connect(&endpoint.address).await?;
    stream.set_nodelay(true)?;
    let request = websocket::upgrade(&endpoint.address, &endpoint.target);
    stream.write_all(request.as_bytes()).await?;
    let mut head = BytesMut::with_capacity(1024);
    loop {
        if stream.read_buf(&mut head).await? == 0 || head.len() > MAX_HEAD_BYTES {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            if !head.starts_with(b"HTTP/1.1 101 ") {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            head.advance(end + 4);
            return Ok((stream, head));
        }
    }
}
