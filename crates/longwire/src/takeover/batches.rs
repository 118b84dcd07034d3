//! Batches of events from the new process to the one that has the store, over a connection of their own.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use longwire_store::{Forward, ForwardError, Store};
use longwire_takeover::frame::{HEADER_BYTES, MOST_BATCH_BYTES, content_bytes, header};

/// How long the server may take for a batch. Its store gives up after 4 s.
const PATIENCE: Duration = Duration::from_secs(8);

/// Sends batches. On the writer thread of the new process.
pub(super) struct BatchSender {
    stream: UnixStream,
    /// After a batch without an answer, the next answer would be taken for another one's.
    is_broken: bool,
}

impl BatchSender {
    /// Over this connection, which came with the welcome.
    pub(super) fn over(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream,
            is_broken: false,
        })
    }

    fn exchange(&mut self, batch: &[u8]) -> io::Result<Option<Vec<u8>>> {
        write(&mut self.stream, batch)?;
        read(&mut self.stream)
    }
}

impl Forward for BatchSender {
    fn forward(&mut self, batch: &[u8]) -> Result<Vec<u8>, ForwardError> {
        if self.is_broken {
            return Err(ForwardError::Gone);
        }
        match self.exchange(batch) {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err(ForwardError::Gone),
            Err(error) => {
                self.is_broken = true;
                Err(match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => ForwardError::Silent(error),
                    _ => ForwardError::Gone,
                })
            }
        }
    }
}

/// Records batches that come over this connection, until the new process closes it. On a thread of its own, which a disk may
/// hold up.
pub(super) fn record_all(store: Store, mut stream: UnixStream) -> io::Result<()> {
    std::thread::Builder::new()
        .name("longwire-forwarded".to_owned())
        .spawn(move || {
            let ended = loop {
                match read(&mut stream) {
                    Ok(Some(batch)) => {
                        if let Err(error) = write(&mut stream, &store.record_forwarded(&batch)) {
                            break Err(error);
                        }
                    }
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "no more batches of the new process");
            }
        })
        .map(drop)
}

fn write(stream: &mut UnixStream, content: &[u8]) -> io::Result<()> {
    let header = header(content.len(), MOST_BATCH_BYTES).map_err(io::Error::other)?;
    stream.write_all(&header)?;
    stream.write_all(content)
}

/// The content of the next frame; `None` at the end of the stream.
fn read(stream: &mut UnixStream) -> io::Result<Option<Vec<u8>>> {
    let mut header = [0; HEADER_BYTES];
    match stream.read_exact(&mut header) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let bytes = content_bytes(header, MOST_BATCH_BYTES).map_err(io::Error::other)?;
    let mut content = vec![0; bytes];
    stream.read_exact(&mut content)?;
    Ok(Some(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_gets_its_answer_and_a_closed_connection_is_a_gone_server() {
        let (ours, mut theirs) = UnixStream::pair().expect("a pair");
        let mut sender = BatchSender::over(ours).expect("it is open");
        let server = std::thread::spawn(move || {
            let batch = read(&mut theirs).expect("read").expect("a batch");
            write(&mut theirs, &[&batch[..], b"!"].concat()).expect("written");
        });
        assert_eq!(sender.forward(b"batch").expect("answered"), b"batch!");
        server.join().expect("it has answered");
        assert!(matches!(sender.forward(b"batch"), Err(ForwardError::Gone)));
    }

    #[test]
    fn an_answer_that_is_cut_short_is_no_answer() {
        let (ours, mut theirs) = UnixStream::pair().expect("a pair");
        let mut sender = BatchSender::over(ours).expect("it is open");
        let server = std::thread::spawn(move || {
            read(&mut theirs).expect("read").expect("a batch");
            theirs.write_all(&[9, 0, 0, 0, 1, 2]).expect("written");
        });
        assert!(matches!(sender.forward(b"batch"), Err(ForwardError::Gone)));
        assert!(matches!(sender.forward(b"batch"), Err(ForwardError::Gone)));
        server.join().expect("it has ended");
    }
}
