//! A request's body on its way to disk: never whole in memory, summed as it passes, and no longer than it may be.
//!
//! The file has no name: it is unlinked before the first byte is in it. So nothing is left behind, whether the file is
//! used, refused, or its process is killed.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use actix_web::error::PayloadError;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use longwire_wire::wecom::media::MediaKind;
use longwire_wire::wecom::media::upload::Checksum;

use longwire_listener::{blocking, has_stalled};

/// So much is gathered before it is handed to the disk: fewer changes of thread.
const WRITE_BYTES: usize = 256 * 1024;

/// A body that has come whole.
pub(crate) struct Spooled {
    pub(crate) file: File,
    /// Bytes in it.
    pub(crate) len: u64,
    /// Its beginning, as far as [`MediaKind::detect`] looks.
    pub(crate) head: Vec<u8>,
    /// 32 hex digits.
    pub(crate) md5: String,
}

/// It has not.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpoolError {
    /// More came than may come.
    #[error("more than {most} bytes came")]
    TooLong { most: u64 },
    /// The client left, or its chunks are no chunks.
    #[error("the body ended early: {0}")]
    Broken(PayloadError),
    /// The client sends too little or nothing (`Timeouts::body`).
    #[error("the body came too slowly")]
    Stalled,
    /// The disk does not take it.
    #[error("the file could not be kept: {0}")]
    Disk(#[from] io::Error),
}

/// What is on the disk so far.
struct Spool {
    file: File,
    md5: Checksum,
    head: Vec<u8>,
}

impl Spool {
    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        let missing = MediaKind::HEAD_BYTES - self.head.len();
        self.head.extend(bytes.iter().take(missing));
        self.md5.update(bytes);
        self.file.write_all(bytes)
    }
}

/// Receives a body of at most `most` bytes into a file in `directory`.
pub(crate) async fn receive(
    directory: &Path,
    body: impl Stream<Item = Result<Bytes, PayloadError>>,
    most: u64,
) -> Result<Spooled, SpoolError> {
    let directory = directory.to_owned();
    let file = on_disk(move || tempfile::tempfile_in(directory)).await?;
    let mut spool = Spool {
        file,
        md5: Checksum::default(),
        head: Vec::with_capacity(MediaKind::HEAD_BYTES),
    };
    let mut body = std::pin::pin!(body);
    let (mut len, mut gathered) = (0, BytesMut::new());
    loop {
        let chunk = match body.next().await {
            Some(Err(error)) if has_stalled(&error) => return Err(SpoolError::Stalled),
            Some(chunk) => Some(chunk.map_err(SpoolError::Broken)?),
            None => None,
        };
        let is_end = chunk.is_none();
        if let Some(chunk) = chunk {
            len += chunk.len() as u64;
            if len > most {
                return Err(SpoolError::TooLong { most });
            }
            gathered.extend_from_slice(&chunk);
        }
        if gathered.len() >= WRITE_BYTES || (is_end && !gathered.is_empty()) {
            let bytes = gathered.split();
            spool = on_disk(move || spool.take(&bytes).map(|()| spool)).await?;
        }
        if is_end {
            return Ok(Spooled {
                file: spool.file,
                len,
                head: spool.head,
                md5: spool.md5.finish(),
            });
        }
    }
}

/// Where a disk that hangs holds nobody else, and this request not for ever.
async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    blocking::run(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::io::Seek as _;

    use futures_util::stream;

    use super::*;

    fn chunks(sizes: &[usize]) -> impl Stream<Item = Result<Bytes, PayloadError>> {
        let chunks: Vec<_> = sizes
            .iter()
            .map(|size| Ok(Bytes::from(vec![b'x'; *size])))
            .collect();
        stream::iter(chunks)
    }

    #[actix_rt::test]
    async fn a_body_comes_whole_and_leaves_no_name() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let sizes = [5, 0, WRITE_BYTES, 3, WRITE_BYTES - 1];
        let len: usize = sizes.iter().sum();
        let mut spooled = receive(home.path(), chunks(&sizes), len as u64)
            .await
            .expect("it fits");
        let names = std::fs::read_dir(home.path()).expect("the directory is there");
        assert_eq!(names.count(), 0);
        assert_eq!(
            (spooled.len, spooled.head.as_slice()),
            (len as u64, &b"xxxxxxxxxxxx"[..])
        );
        let mut bytes = Vec::new();
        spooled.file.rewind().expect("it is a file");
        spooled
            .file
            .read_to_end(&mut bytes)
            .expect("it can be read");
        assert_eq!(bytes, vec![b'x'; len]);
        let mut md5 = Checksum::default();
        md5.update(&bytes);
        assert_eq!(spooled.md5, md5.finish());
    }

    #[actix_rt::test]
    async fn what_is_not_whole_is_refused() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let receive = |body| receive(home.path(), body, 10);
        let too_long = receive(chunks(&[5, 6]).left_stream()).await;
        assert!(matches!(too_long, Err(SpoolError::TooLong { most: 10 })));
        let broken = stream::iter([
            Ok(Bytes::from_static(b"abc")),
            Err(PayloadError::Incomplete(None)),
        ]);
        let broken = receive(broken.right_stream()).await;
        assert!(matches!(broken, Err(SpoolError::Broken(_))));
        let nowhere = super::receive(&home.path().join("gone"), chunks(&[1]), 10).await;
        assert!(matches!(nowhere, Err(SpoolError::Disk(_))));
    }
}
