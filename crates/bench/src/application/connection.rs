//! One bot of an application: it connects, handles events, pings, and connects again when the connection ends.

use std::error::Error;
use std::rc::Rc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use longwire_wire::answer::RECORDED;
use longwire_wire::endpoint::{ConnectionUrl, EndpointAnswer, EndpointRequest, PATH};
use longwire_wire::frame::{Frame, FrameKind, FrameView, Part};
use longwire_wire::websocket::{
    FrameLimits, FrameReader, MaskKeys, ReceivedMessage, write_binary, write_pong,
};
use secrecy::ExposeSecret as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval};
use url::Position;

use super::Application;
use super::notes::Note;

/// Before the next attempt. The gateway may have been killed, and is back soon.
const PAUSE: Duration = Duration::from_millis(50);
/// How long the answer to an attempt may take.
pub(super) const ANSWER: Duration = Duration::from_secs(10);
/// Most bytes of one read.
const READ_BYTES: usize = 16 * 1024;
/// Longest head of the answer to an upgrade.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// The interval if the answer has none.
const PING_SECONDS: i64 = 120;

/// A bot and its connection.
pub(super) struct Bot {
    application: Rc<Application>,
    app_id: String,
    masks: MaskKeys,
    has_connected: bool,
}

/// What was upgraded.
struct Opened {
    stream: TcpStream,
    url: ConnectionUrl,
    ping_interval: Duration,
    /// What came in the same packet as the answer.
    early: BytesMut,
}

impl Bot {
    pub(super) fn new(application: Rc<Application>, app_id: String, seed: u64) -> Self {
        Self {
            application,
            app_id,
            masks: MaskKeys::new(seed),
            has_connected: false,
        }
    }

    /// Keeps the bot connected; never returns.
    pub(super) async fn run(mut self) {
        loop {
            // Any end is followed by the next attempt: the notes tell whether anything was missed.
            if let Ok(opened) = self.open().await {
                let _ = self.serve(opened).await;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn open(&self) -> Result<Opened, Box<dyn Error>> {
        let token = self.application.token.expose_secret();
        let asked = EndpointRequest::new(&self.app_id, token).to_json();
        let url = format!("{}{PATH}", self.application.base_url);
        let request = self.application.client.post(url).force_close();
        let mut answer = request.send_body(asked).await?;
        let answer = EndpointAnswer::parse(&answer.body().await?)?;
        let data = answer.data.unwrap_or_default();
        let url = ConnectionUrl::parse(data.url.as_deref().unwrap_or_default())?;
        let seconds = data.client_config.and_then(|config| config.ping_interval);
        let seconds = seconds.unwrap_or(PING_SECONDS).max(1);
        let (stream, early) = tokio::time::timeout(ANSWER, upgrade(&url)).await??;
        Ok(Opened {
            stream,
            url,
            ping_interval: Duration::from_secs(seconds.unsigned_abs()),
            early,
        })
    }

    /// Handles events and sends pings until the connection ends.
    async fn serve(&mut self, opened: Opened) -> Result<(), Box<dyn Error>> {
        let Opened {
            mut stream, early, ..
        } = opened;
        let ping = Frame::ping(opened.url.service_id()).to_bytes();
        let mut pings = interval(opened.ping_interval);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut reader = FrameReader::new(FrameLimits::default());
        reader.feed(early.freeze());
        let mut out = Vec::new();
        loop {
            self.handle_messages(&mut reader, &mut out)?;
            stream.write_all(&out).await?;
            // An idle connection has no buffer.
            out = Vec::new();
            tokio::select! {
                ready = stream.readable() => {
                    ready?;
                    let mut chunk = BytesMut::with_capacity(READ_BYTES);
                    match stream.try_read_buf(&mut chunk) {
                        Ok(0) => return Ok(()),
                        Ok(_) => reader.feed(chunk.freeze()),
                        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                _ = pings.tick() => write_binary(&mut out, self.masks.next_key(), &ping),
            }
        }
    }

    /// Handles what was read: all of its events are in the notes before the first of them is acknowledged.
    fn handle_messages(
        &mut self,
        reader: &mut FrameReader,
        out: &mut Vec<u8>,
    ) -> Result<(), Box<dyn Error>> {
        let mut events = Vec::new();
        while let Some(message) = reader.next()? {
            match message {
                ReceivedMessage::Binary(bytes) => events.extend(self.handle_frame(bytes)?),
                ReceivedMessage::Ping(payload) => {
                    write_pong(out, self.masks.next_key(), &payload);
                }
                ReceivedMessage::Text(_) | ReceivedMessage::Pong(_) => {}
                ReceivedMessage::Close(_) => return Err("the server closes".into()),
            }
        }
        if let Some(notes) = &self.application.notes {
            let notes_of = events.iter().map(|event| Note::of(&self.app_id, event));
            notes.write(notes_of)?;
        }
        for event in events {
            let mut ack = Frame::from_bytes(event.bytes().clone())?;
            ack.payload = Some(Bytes::from_static(RECORDED));
            write_binary(out, self.masks.next_key(), &ack.to_bytes());
        }
        Ok(())
    }

    /// The event that a frame holds, if it holds one.
    fn handle_frame(&mut self, bytes: Bytes) -> Result<Option<FrameView>, Box<dyn Error>> {
        let frame = FrameView::parse(bytes)?;
        match frame.kind() {
            FrameKind::Event | FrameKind::Card if frame.part()? == Part::Whole => Ok(Some(frame)),
            FrameKind::Event | FrameKind::Card => Err("no event of a run is split".into()),
            FrameKind::Pong => {
                if !std::mem::replace(&mut self.has_connected, true) {
                    self.application.connected();
                }
                Ok(None)
            }
            FrameKind::Ping
            | FrameKind::OtherData
            | FrameKind::OtherControl
            | FrameKind::UnknownMethod(_) => Ok(None),
        }
    }
}

/// Opens and upgrades a connection. Also returns the bytes that came in the same packet as the answer.
async fn upgrade(url: &ConnectionUrl) -> Result<(TcpStream, BytesMut), Box<dyn Error>> {
    let url = url.expose();
    let host = url.host_str().ok_or("the URL has no host")?;
    let port = url.port_or_known_default().ok_or("the URL has no port")?;
    let mut stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    let target = &url[Position::BeforePath..Position::AfterQuery];
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = BytesMut::with_capacity(1024);
    loop {
        if stream.read_buf(&mut head).await? == 0 || head.len() > MAX_HEAD_BYTES {
            return Err("no answer to the upgrade".into());
        }
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            if !head.starts_with(b"HTTP/1.1 101 ") {
                return Err("the upgrade is refused".into());
            }
            let early = head.split_off(end + 4);
            return Ok((stream, early));
        }
    }
}
