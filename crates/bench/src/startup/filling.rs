//! Fills a store with installations and events, through its own writer: every event has the keys and indexes of one
//! that came over a connection. What is there already counts, so a store that is kept is filled once.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bytes::Bytes;
use longwire_installation::{BaseUrl, Desired, InstallationId, Origin, Platform};
use longwire_store::{
    Cause, Group, GroupReply, NewEvent, NewInstallation, Receipt, Seq, Source, Store,
    StoreSettings, Writer,
};
use longwire_wire::envelope::Envelope;
use longwire_wire::identity::Identity;
use serde::Serialize;
use url::Url;

use crate::error::BenchError;

/// Events of one group; the writer puts several into one transaction when they wait.
const GROUP: u64 = 512;
/// How soon a group that found no room is offered again.
const PAUSE: Duration = Duration::from_millis(1);
/// The time in messages goes on by so much, and chats take turns.
const MESSAGE_MS: u64 = 20;

/// What is to be in the store.
pub(super) struct Filling {
    pub(super) store: PathBuf,
    /// Where the platform is this time.
    pub(super) base_url: String,
    pub(super) installations: u32,
    pub(super) events: u64,
    pub(super) payload_bytes: usize,
}

/// What is in it.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Filled {
    /// All events.
    pub(super) events: u64,
    /// Of them, those that were not there yet.
    pub(super) added: u64,
    pub(super) seconds: f64,
}

impl Filled {
    /// Events recorded per second.
    pub(super) fn per_second(&self) -> u64 {
        (self.added as f64 / self.seconds.max(1e-3)) as u64
    }
}

/// Ends the work when the run is cut short.
struct Cut(Arc<AtomicBool>);

impl Drop for Cut {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Counts what the writer says.
#[derive(Default)]
struct Count {
    recorded: AtomicU64,
    refused: AtomicU64,
}

impl GroupReply for Count {
    fn recorded(&self, receipts: Vec<Receipt>) {
        self.recorded.fetch_add(receipts.len() as u64, Relaxed);
    }

    fn not_recorded(&self, tickets: Vec<u32>, _: Cause) {
        self.refused.fetch_add(tickets.len() as u64, Relaxed);
    }
}

impl Filling {
    /// Fills it on a thread that may block.
    pub(super) async fn carry_out(self) -> Result<Filled, BenchError> {
        let cut = Cut(Arc::default());
        let is_cut = Arc::clone(&cut.0);
        let filled = tokio::task::spawn_blocking(move || self.fill(&is_cut)).await;
        drop(cut);
        filled.unwrap_or_else(|error| Err(failed(error)))
    }

    fn fill(&self, is_cut: &AtomicBool) -> Result<Filled, BenchError> {
        let store = Store::open(&StoreSettings::at(self.store.display().to_string()))?;
        let records = store.put_from_file(self.declared()?)?;
        let ids: Vec<InstallationId> = records.iter().map(|record| record.id).collect();
        let present = store.reader().count_events()?;
        let missing = self.events.saturating_sub(present);
        let Seq(last) = store.reader().last_seq()?.unwrap_or(Seq(0));
        let began = Instant::now();
        let thread = store
            .run_writer(|_| {})
            .map_err(BenchError::io("start the writer"))?;
        let (writer, count) = (store.writer(), Arc::new(Count::default()));
        let mut next = last.unsigned_abs();
        let end = next + missing;
        while next < end && !is_cut.load(Relaxed) && count.refused.load(Relaxed) == 0 {
            let size = GROUP.min(end - next);
            let installation = ids[(next / GROUP) as usize % ids.len()];
            let group = Group {
                installation,
                platform: Some(Platform::Feishu),
                events: (next..next + size)
                    .map(|number| self.event(number))
                    .collect(),
                reply: Arc::clone(&count) as Arc<dyn GroupReply>,
            };
            let is_vain = || thread.is_finished() || is_cut.load(Relaxed);
            if !submit(&writer, group, is_vain) {
                break;
            }
            next += size;
        }
        // Records what is queued, then ends.
        store.stop_writer();
        thread.join().map_err(|_| failed("the writer panicked"))?;
        if count.refused.load(Relaxed) > 0 {
            return Err(failed(format!("{:?}", store.health())));
        }
        let added = count.recorded.load(Relaxed);
        Ok(Filled {
            events: present + added,
            added,
            seconds: began.elapsed().as_secs_f64(),
        })
    }

    /// As the configuration of the gateways will declare them, so that those find nothing to change.
    fn declared(&self) -> Result<Vec<NewInstallation>, BenchError> {
        let url: Url = self.base_url.parse().map_err(failed)?;
        let base_url = BaseUrl::parse(Platform::Feishu, url.as_str(), &[]).map_err(failed)?;
        let declare = |number| NewInstallation {
            name: format!("bot-{number}").parse().expect("a name"),
            platform: Platform::Feishu,
            app_id: format!("cli_{number:016}"),
            app_secret: "no-real-secret".into(),
            base_url: Some(base_url.clone()),
            proxy: Some("direct".into()),
            mode: Default::default(),
            verification_token: None,
            encrypt_key: None,
            take_back: None,
            desired: Desired::Run,
            origin: Origin::File,
            space: Default::default(),
        };
        Ok((1..=self.installations).map(declare).collect())
    }

    /// A message like those the platform pushes.
    fn event(&self, number: u64) -> NewEvent {
        let (at_ms, chat) = (1_700_000_000_000 + number * MESSAGE_MS, number % 97);
        let mut payload = format!(
            r#"{{"schema":"2.0","header":{{"event_id":"evt-{number:016}","event_type":"im.message.receive_v1","create_time":"{at_ms}","token":"","app_id":"cli_filled","tenant_key":"filled"}},"event":{{"sender":{{"sender_type":"user"}},"message":{{"message_id":"om_{number:016}","create_time":"{at_ms}","update_time":"{at_ms}","chat_id":"oc_{chat:04}","chat_type":"group","message_type":"text","content":"{{\"text\":\""#
        );
        const END: &str = r#"\"}"}}}"#;
        let room = self.payload_bytes.saturating_sub(payload.len() + END.len());
        payload.extend(std::iter::repeat_n('x', room));
        payload += END;
        let payload = Bytes::from(payload);
        let envelope = Envelope::parse(&payload).expect("it was written just above");
        NewEvent {
            ticket: 0,
            identity: Identity::of(&envelope),
            event_id: Some(envelope.event_id),
            event_type: Some(envelope.event_type),
            chat: envelope.chat,
            source: Source::LongConnection,
            received_ms: at_ms.cast_signed(),
            created_ms: Some(at_ms.cast_signed()),
            trace_id: None,
            payload,
        }
    }
}

/// Offers a group until it is taken, or until that is in vain: a writer that panicked takes nothing any more.
fn submit(writer: &Writer, mut group: Group, is_vain: impl Fn() -> bool) -> bool {
    while let Err(rejected) = writer.submit(group) {
        if is_vain() {
            return false;
        }
        group = rejected.group;
        std::thread::sleep(PAUSE);
    }
    true
}

fn failed(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> BenchError {
    BenchError::io("fill the store")(std::io::Error::other(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filling(store: PathBuf, events: u64) -> Filling {
        Filling {
            store,
            base_url: "http://127.0.0.1:1".to_owned(),
            installations: 3,
            events,
            payload_bytes: 600,
        }
    }

    #[test]
    fn a_store_that_is_there_gets_only_what_it_lacks() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("longwire.db");
        let is_cut = AtomicBool::new(false);
        for (events, added) in [(700, 700), (700, 0), (1_500, 800)] {
            let filled = filling(path.clone(), events)
                .fill(&is_cut)
                .expect("it is filled");
            assert_eq!((filled.events, filled.added), (events, added));
        }
    }

    #[test]
    fn a_writer_that_takes_nothing_is_not_waited_for() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("longwire.db");
        let settings = StoreSettings::at(path.display().to_string());
        let store = Store::open(&settings).expect("it opens");
        let filling = filling(path, 1);
        let declared = filling.declared().expect("they are well formed");
        let records = store.put_from_file(declared).expect("they are put");
        let group = || Group {
            installation: records[0].id,
            platform: Some(Platform::Feishu),
            events: (0..GROUP).map(|number| filling.event(number)).collect(),
            reply: Arc::new(Count::default()),
        };
        // Nobody runs it, so its queue fills up.
        let is_full = || !submit(&store.writer(), group(), || true);
        assert!((0..10_000).any(|_| is_full()));
    }

    #[test]
    fn its_events_are_whole_and_differ() {
        let filling = filling(PathBuf::new(), 0);
        let (one, other) = (filling.event(1), filling.event(2));
        assert_eq!(one.payload.len(), 600);
        assert!(one.event_id.is_some() && one.chat.is_some());
        assert!(one.identity.message.is_some());
        assert_ne!(one.identity.event, other.identity.event);
    }
}
