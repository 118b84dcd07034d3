//! Reads along between a client and a server, such as the simulator.
//!
//! Bytes pass unchanged in both directions and are kept; frames are taken out of them when asked for. The
//! bootstrap names the host it was asked at, so the client's WebSocket comes through here as well.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use longwire_wire::frame::Frame;

const BINARY: u8 = 2;

/// What one side sent over one TCP connection.
type Recording = Arc<Mutex<Vec<u8>>>;
type Recordings = Arc<Mutex<Vec<Recording>>>;

/// A recorder. Its threads end with the connections, the accepting one with the test.
pub struct Tap {
    address: SocketAddr,
    client: Recordings,
    platform: Recordings,
}

impl Tap {
    /// Listens before the server at this address.
    #[must_use]
    pub fn before(simulator: SocketAddr) -> Self {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port is free");
        let tap = Self {
            address: listener.local_addr().expect("a listener has an address"),
            client: Recordings::default(),
            platform: Recordings::default(),
        };
        let (client, platform) = (Arc::clone(&tap.client), Arc::clone(&tap.platform));
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                // The client sees a refused connection as one that ends at once.
                let _ = join(near, simulator, &client, &platform);
            }
        });
        tap
    }

    /// Where clients find it.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that the platform said, connection by connection.
    #[must_use]
    pub fn said_by_the_platform(&self) -> Vec<u8> {
        bytes(&self.platform).concat()
    }

    /// Everything that clients said, connection by connection.
    #[must_use]
    pub fn said_by_clients(&self) -> Vec<u8> {
        bytes(&self.client).concat()
    }

    /// Whether these bytes passed in either direction: as they are, or inside a WebSocket message.
    #[must_use]
    pub fn holds(&self, wanted: &[u8]) -> bool {
        let holds = |bytes: &[u8]| bytes.windows(wanted.len()).any(|window| window == wanted);
        let recorded = [bytes(&self.client), bytes(&self.platform)].concat();
        let mut messages = recorded.iter().flat_map(|bytes| websocket_messages(bytes));
        recorded.iter().any(|bytes| holds(bytes)) || messages.any(|message| holds(&message))
    }

    /// The frames the client sent, in order.
    #[must_use]
    pub fn client_frames(&self) -> Vec<Frame> {
        frames(&self.client)
    }

    /// The frames the simulator sent, in order.
    #[must_use]
    pub fn platform_frames(&self) -> Vec<Frame> {
        frames(&self.platform)
    }
}

fn join(
    near: TcpStream,
    simulator: SocketAddr,
    client: &Recordings,
    platform: &Recordings,
) -> io::Result<()> {
    let far = TcpStream::connect(simulator)?;
    let (near_in, far_in) = (near.try_clone()?, far.try_clone()?);
    let (of_client, of_platform) = (added(client), added(platform));
    thread::spawn(move || pass(near_in, far, &of_client));
    thread::spawn(move || pass(far_in, near, &of_platform));
    Ok(())
}

fn added(recordings: &Recordings) -> Recording {
    let recording = Recording::default();
    let mut all = recordings.lock().unwrap_or_else(PoisonError::into_inner);
    all.push(Arc::clone(&recording));
    recording
}

/// Keeps before it passes on: what the other side answered to is in the recording.
fn pass(mut from: TcpStream, mut to: TcpStream, recording: &Mutex<Vec<u8>>) {
    let mut chunk = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut chunk) {
        let read = &chunk[..length];
        recording
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(read);
        if to.write_all(read).is_err() {
            break;
        }
    }
    // Either may be closed already.
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}

/// What was recorded of each connection.
fn bytes(recordings: &Recordings) -> Vec<Vec<u8>> {
    let all = recordings.lock().unwrap_or_else(PoisonError::into_inner);
    let each = all.iter();
    each.map(|one| one.lock().unwrap_or_else(PoisonError::into_inner).clone())
        .collect()
}

fn frames(recordings: &Recordings) -> Vec<Frame> {
    let all = bytes(recordings);
    all.iter()
        .flat_map(|bytes| websocket_messages(bytes))
        .map(|message| Frame::from_bytes(message.into()).expect("binary messages are frames"))
        .collect()
}

/// The whole binary messages after an upgrade; nothing if these are not the bytes of one.
fn websocket_messages(bytes: &[u8]) -> Vec<Vec<u8>> {
    let upgrade = bytes.starts_with(b"GET ") || bytes.starts_with(b"HTTP/1.1 101 ");
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    let (true, Some(head)) = (upgrade, head) else {
        return Vec::new();
    };
    let mut rest = &bytes[head + 4..];
    let mut messages = Vec::new();
    while let Some((opcode, payload, after)) = websocket_frame(rest) {
        if opcode == BINARY {
            messages.push(payload);
        }
        rest = after;
    }
    messages
}

/// Opcode and unmasked payload of the first frame, and the bytes after it. Neither side splits messages
/// or compresses here.
fn websocket_frame(bytes: &[u8]) -> Option<(u8, Vec<u8>, &[u8])> {
    let (&[first, second], rest) = bytes.split_first_chunk()?;
    let (length, rest) = match second & 0x7f {
        126 => {
            let (length, rest) = rest.split_first_chunk()?;
            (u64::from(u16::from_be_bytes(*length)), rest)
        }
        127 => {
            let (length, rest) = rest.split_first_chunk()?;
            (u64::from_be_bytes(*length), rest)
        }
        short => (u64::from(short), rest),
    };
    let (mask, rest) = if second & 0x80 == 0 {
        ([0; 4], rest)
    } else {
        let (mask, rest) = rest.split_first_chunk()?;
        (*mask, rest)
    };
    let (masked, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    let payload = masked
        .iter()
        .zip(mask.iter().cycle())
        .map(|(byte, key)| byte ^ key)
        .collect();
    assert_eq!(first & 0xf0, 0x80, "a whole message without extensions");
    Some((first & 0x0f, payload, after))
}
