//! WeCom: one subscription on a connection that is open, to learn whether the platform takes a bot's id and secret.
//!
//! ```text
//! subscribe ──▶ platform ──▶ its answer ──▶ close
//! ```
//! The platform ends the connection that the bot has elsewhere when this one subscribes. Whoever calls this knows that there
//! is none. Sources: WeCom developer centre, document path 101463.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use longwire_egress::WebSocketIo;
use longwire_wire::websocket::{
    FrameLimits, FrameReader, MaskKeys, Opcode, ReceivedMessage, frame_in_place, write_close,
    write_pong,
};
use longwire_wire::wecom::{self, Ack, Incoming, Prefix, ReqId};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// What one read takes at most. The answer to a subscription has some hundred bytes.
const CHUNK_BYTES: usize = 4096;
/// Close code of a connection that has done what it was opened for (RFC 6455, section 7.4.1).
const NORMAL_CLOSURE: u16 = 1000;

/// The credentials of a bot.
#[derive(Clone, Copy)]
pub struct BotCredentials<'a> {
    /// The bot's id.
    pub bot_id: &'a str,
    /// Its secret.
    pub secret: &'a SecretString,
}

/// Why a bot did not subscribe. No text holds the secret.
#[derive(Debug, thiserror::Error)]
pub enum SubscribeError {
    /// The platform answered with another code than 0, or with none.
    #[error("the platform did not accept the subscription{}", code.map_or(String::new(), |code| format!(", code {code}")))]
    Refused {
        /// The code of the answer.
        code: Option<i64>,
    },
    /// No answer came in time.
    #[error("the platform did not answer the subscription in time")]
    TimedOut,
    /// The connection ended before the answer.
    #[error("the connection ended before the subscription was answered")]
    Ended,
    /// The other side sent bytes that break the WebSocket protocol.
    #[error("the other side broke the websocket protocol")]
    Protocol,
    /// The connection broke.
    #[error("the connection broke")]
    Io(#[source] std::io::Error),
}

/// Subscribes on an open connection, waits for the answer, and closes the connection. `random` seeds the id of the request and
/// the masking of its frames, each with a half; the caller takes it from the operating system's randomness. `deadline` covers all of it.
///
/// # Errors
/// If the platform did not take the bot, or did not say so.
pub async fn subscribe_once(
    connection: WebSocketIo,
    bot: BotCredentials<'_>,
    random: u128,
    deadline: Duration,
) -> Result<(), SubscribeError> {
    let answered = timeout(deadline, exchange(connection, bot, random));
    answered.await.unwrap_or(Err(SubscribeError::TimedOut))
}

async fn exchange(
    connection: WebSocketIo,
    bot: BotCredentials<'_>,
    random: u128,
) -> Result<(), SubscribeError> {
    let WebSocketIo { mut io, early } = connection;
    let mut masks = MaskKeys::new((random >> 64) as u64);
    let req_id = ReqId::new(Prefix::Subscribe, random as u64);
    let request = wecom::subscribe(&req_id, bot.bot_id, bot.secret.expose_secret());
    // Sized once, so that no copy of the secret stays behind in a buffer that grew.
    let mut frame = Zeroizing::new(Vec::with_capacity(request.len() + 14));
    frame_in_place(
        &mut frame,
        Opcode::Text,
        masks.next_key(),
        request.len(),
        |out| out.extend_from_slice(&request),
    );
    io.write_all(&frame).await.map_err(SubscribeError::Io)?;
    io.flush().await.map_err(SubscribeError::Io)?;

    let mut reader = FrameReader::new(FrameLimits::default());
    reader.feed(early);
    loop {
        while let Some(message) = reader.next().map_err(|_| SubscribeError::Protocol)? {
            match message {
                ReceivedMessage::Text(bytes) | ReceivedMessage::Binary(bytes) => {
                    let Some(ack) = answer_to(&req_id, bytes) else {
                        continue;
                    };
                    let mut farewell = Vec::new();
                    write_close(&mut farewell, masks.next_key(), NORMAL_CLOSURE, "");
                    // The answer is there; what becomes of the connection changes nothing.
                    let _ = io.write_all(&farewell).await;
                    let _ = io.shutdown().await;
                    return match ack.is_ok() {
                        true => Ok(()),
                        false => Err(SubscribeError::Refused { code: ack.code }),
                    };
                }
                ReceivedMessage::Ping(payload) => {
                    let mut pong = Vec::new();
                    write_pong(&mut pong, masks.next_key(), &payload);
                    io.write_all(&pong).await.map_err(SubscribeError::Io)?;
                }
                ReceivedMessage::Pong(_) => {}
                ReceivedMessage::Close(_) => return Err(SubscribeError::Ended),
            }
        }
        let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
        if io.read_buf(&mut chunk).await.map_err(SubscribeError::Io)? == 0 {
            return Err(SubscribeError::Ended);
        }
        reader.feed(chunk.freeze());
    }
}

/// The answer to our request, if this frame is one. A frame that cannot be read is another one's business.
fn answer_to(req_id: &ReqId, frame: Bytes) -> Option<Ack> {
    match Incoming::parse(frame) {
        Ok(Incoming::Ack(ack)) if ack.req_id == req_id.as_str() => Some(ack),
        _ => None,
    }
}
