//! Open files pass from one process to the other over a Unix socket.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// The most that pass at once: two listeners and a connection for batches.
pub const MOST: usize = 3;

/// Sends one byte, and these open files with it. The receiver has files of its own then, which lead to the same sockets.
///
/// # Errors
/// The operating system's; also when the socket takes nothing now, which cannot be for its first byte.
pub fn send(socket: impl AsFd, byte: u8, files: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !files.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(files)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let bytes = [byte];
    match sendmsg(
        socket,
        &[IoSlice::new(&bytes)],
        &mut ancillary,
        SendFlags::NOSIGNAL,
    )? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        _ => Ok(()),
    }
}

/// Receives one byte, and the open files that came with it; no program that this process starts inherits them.
///
/// # Errors
/// The operating system's, and [`io::ErrorKind::UnexpectedEof`] when the other side has closed the connection.
pub fn receive(socket: impl AsFd) -> io::Result<(u8, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut bytes = [0];
    let received = recvmsg(
        socket,
        &mut [IoSliceMut::new(&mut bytes)],
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    if received.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut files = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(these) = message {
            files.extend(these);
        }
    }
    Ok((bytes[0], files))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_listener_that_was_passed_on_has_the_connections_that_wait() {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let mut client = TcpStream::connect(address).expect("it waits in the kernel");
        send(&ours, b'W', &[listener.as_fd()]).expect("sent");
        drop(listener);
        let (byte, mut files) = receive(&theirs).expect("received");
        assert_eq!((byte, files.len()), (b'W', 1));
        let listener = TcpListener::from(files.remove(0));
        let (mut served, _) = listener.accept().expect("it waited");
        served.write_all(b"x").expect("written");
        let mut heard = [0];
        client.read_exact(&mut heard).expect("read");
        assert_eq!(&heard, b"x");
    }

    #[test]
    fn a_byte_without_files_and_an_end_are_told_apart() {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        send(&ours, b'R', &[]).expect("sent");
        drop(ours);
        let (byte, files) = receive(&theirs).expect("received");
        assert_eq!((byte, files.len()), (b'R', 0));
        let end = receive(&theirs).expect_err("closed");
        assert_eq!(end.kind(), io::ErrorKind::UnexpectedEof);
    }
}
