//! Uploads a file: reads its parts, asks the platform for each step, and tells the machine how each one ended.
//!
//! ```text
//! UploadFile ─▶ link::Upload ─▶ Send(step) ─▶ read, encode ─▶ Fleet::ask ─▶ (socket, platform)
//!                    ▲                                            │
//!                    └──────────── StepOutcome ◀──────────────────┘
//! ```
//!
//! Every step is a request like any other, over the connection that took the first one: it is not documented whether an
//! upload outlives its connection. What is read of the file is encoded and sent at once, so that only the few chunks under
//! way are in memory. Dropping the future gives the upload up.

mod error;

pub use error::UploadError;

use super::Fleet;
use crate::clock::now;
use crate::request::{Reply, Request, RequestError};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use longwire_installation::InstallationId;
use longwire_link::{Generation, StepOutcome, Upload, UploadAction, UploadEnd, UploadStep};
use longwire_wire::wecom::Command;
use longwire_wire::wecom::media::UploadPlan;
use longwire_wire::wecom::media::upload::{self, Uploaded};
use serde_json::value::RawValue;
use std::fs::File;
use std::future::ready;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::Arc;

/// A file that is to be uploaded.
#[derive(Debug)]
pub struct UploadFile {
    /// Its bytes, from the beginning of the file. Nobody writes to it any more.
    pub file: File,
    /// Its length, and the media type it is sent as.
    pub plan: UploadPlan,
    /// Its name, as [`media::check_name`](longwire_wire::wecom::media::check_name) allows it.
    pub name: String,
    /// Its [`Checksum`](upload::Checksum).
    pub md5: String,
}

/// Why a step failed.
enum Trouble {
    Unanswered(RequestError),
    Refused {
        code: Option<i64>,
        message: String,
    },
    /// The platform agreed, and its answer lacks what the next step needs.
    Unreadable,
    File(io::Error),
}

type Came = Result<Reply, Trouble>;

/// The body of a step, which may have to be read first.
type Body = Pin<Box<dyn Future<Output = io::Result<Box<RawValue>>> + Send>>;

/// A step under way.
type Flight = Pin<Box<dyn Future<Output = (UploadStep, Came)> + Send>>;

/// One upload, from its first step to its end.
pub(crate) struct UploadRun {
    fleet: Fleet,
    bot: InstallationId,
    file: Arc<File>,
    plan: UploadPlan,
    /// The body of the first step, which is sent up to three times.
    init: Box<RawValue>,
    upload: Upload,
    flights: FuturesUnordered<Flight>,
    /// The platform's name of the upload and the connection it belongs to, from the first step on.
    begun: Option<(Arc<str>, Generation)>,
    uploaded: Option<Uploaded>,
    /// The last failure. It is the one that ends an upload.
    trouble: Option<Trouble>,
}

impl UploadRun {
    pub(crate) fn new(fleet: Fleet, bot: InstallationId, file: UploadFile) -> Self {
        let UploadFile {
            file,
            plan,
            name,
            md5,
        } = file;
        Self {
            fleet,
            bot,
            file: Arc::new(file),
            plan,
            init: upload::init(&plan, &name, &md5),
            upload: Upload::new(plan.chunk_count(), now()),
            flights: FuturesUnordered::new(),
            begun: None,
            uploaded: None,
            trouble: None,
        }
    }

    /// Carries out what the machine decides until the upload ends.
    pub(crate) async fn finish(mut self) -> Result<Uploaded, UploadError> {
        loop {
            while let Some(action) = self.upload.poll_action() {
                match action {
                    UploadAction::Send(step) => self.flights.push(self.begin(step)),
                    UploadAction::End(end) => return self.conclude(end),
                }
            }
            let due = self.upload.poll_timeout();
            let due = due.map(tokio::time::Instant::from_std);
            tokio::select! {
                Some((step, came)) = self.flights.next() => self.handle(step, came),
                () = until(due) => self.upload.handle_timeout(now()),
            }
        }
    }

    fn begin(&self, step: UploadStep) -> Flight {
        let (fleet, bot) = (self.fleet.clone(), self.bot);
        // The machine sends nothing but the first step before there is an upload.
        let (upload_id, over) = match &self.begun {
            Some((upload_id, generation)) => (&**upload_id, Some(*generation)),
            None => ("", None),
        };
        let (command, body): (_, Body) = match step {
            UploadStep::Init => (Command::UploadInit, Box::pin(ready(Ok(self.init.clone())))),
            UploadStep::Chunk(index) => {
                (Command::UploadChunk, Box::pin(self.chunk(upload_id, index)))
            }
            UploadStep::Finish => (
                Command::UploadFinish,
                Box::pin(ready(Ok(upload::finish(upload_id)))),
            ),
        };
        Box::pin(async move {
            let body = match body.await {
                Ok(body) => body,
                Err(error) => return (step, Err(Trouble::File(error))),
            };
            let request = Request {
                command,
                req_id: None,
                body,
            };
            let reply = fleet.ask(bot, request, over).await;
            (step, reply.map_err(Trouble::Unanswered))
        })
    }

    /// The body of a chunk. It is read on a blocking thread, so that a disk that hangs stops nobody else.
    fn chunk(
        &self,
        upload_id: &str,
        index: u64,
    ) -> impl Future<Output = io::Result<Box<RawValue>>> + Send + 'static {
        let (file, upload_id) = (Arc::clone(&self.file), upload_id.to_owned());
        let index = usize::try_from(index).ok();
        let chunk = index.and_then(|index| Some((index, self.plan.chunks().nth(index)?)));
        async move {
            let (index, range) = chunk.ok_or(io::ErrorKind::InvalidInput)?;
            let read = tokio::task::spawn_blocking(move || {
                // At most 512 KiB.
                let mut bytes = vec![0; (range.end - range.start) as usize];
                file.read_exact_at(&mut bytes, range.start)?;
                Ok(upload::chunk(&upload_id, index, &bytes))
            });
            read.await.map_err(io::Error::other)?
        }
    }

    fn handle(&mut self, step: UploadStep, came: Came) {
        let came = came.and_then(|reply| self.take(step, reply));
        let outcome = match &came {
            Ok(()) => StepOutcome::Done,
            Err(Trouble::Refused { code, .. }) => StepOutcome::Refused(*code),
            Err(Trouble::Unanswered(RequestError::TimedOut)) => StepOutcome::TimedOut,
            Err(Trouble::Unanswered(RequestError::Full)) => StepOutcome::QueueFull,
            Err(Trouble::Unanswered(_) | Trouble::Unreadable | Trouble::File(_)) => {
                StepOutcome::Gone
            }
        };
        self.trouble = came.err().or(self.trouble.take());
        self.upload.handle_outcome(step, outcome, now());
    }

    /// What the platform answered.
    fn take(&mut self, step: UploadStep, reply: Reply) -> Result<(), Trouble> {
        if !reply.is_ok() {
            return Err(Trouble::Refused {
                code: reply.code,
                message: reply.message,
            });
        }
        let body = reply.body.as_deref().map(RawValue::get).unwrap_or_default();
        match step {
            UploadStep::Init => {
                let id = upload::upload_id(body.as_bytes()).ok_or(Trouble::Unreadable)?;
                self.begun = Some((id.into(), reply.generation));
            }
            UploadStep::Chunk(_) => {}
            UploadStep::Finish => {
                let uploaded = Uploaded::parse(body.as_bytes());
                self.uploaded = Some(uploaded.ok_or(Trouble::Unreadable)?);
            }
        }
        Ok(())
    }

    fn conclude(self, end: UploadEnd) -> Result<Uploaded, UploadError> {
        let (step, tries) = match (end, self.uploaded) {
            (UploadEnd::Done, Some(uploaded)) => return Ok(uploaded),
            // The platform ended it without naming a file.
            (UploadEnd::Done, None) => {
                return Err(UploadError::Unreadable {
                    step: UploadStep::Finish,
                });
            }
            (UploadEnd::Expired, _) => return Err(UploadError::Expired),
            (UploadEnd::Failed { step, tries }, _) => (step, tries),
        };
        Err(match self.trouble {
            Some(Trouble::Unanswered(error)) => UploadError::Unanswered { step, error },
            Some(Trouble::Refused { code, message }) => UploadError::Refused {
                step,
                tries,
                code,
                message,
            },
            Some(Trouble::File(source)) => UploadError::File { step, source },
            Some(Trouble::Unreadable) | None => UploadError::Unreadable { step },
        })
    }
}

async fn until(due: Option<tokio::time::Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
