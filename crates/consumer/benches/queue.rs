//! The cost of an event in the queue. It may not matter beside a request.
//!
//! `cargo bench -p longwire-consumer`

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use longwire_consumer::{
    AttemptFacts, ChatKey, ConsumerQueue, DeliveryPolicy, Detail, EventFacts, EventId, EventText,
    Moment, Position, QueueSettings, ReadEvent, ReadScope, Receivers, StoreTag, Urgent,
    write_event,
};
use longwire_installation::{InstallationId, Platform, PublicId};
use longwire_wire::event::Seq;
use longwire_wire::view::{EventView, Family};

fn main() {
    divan::main();
}

const PAGE: i64 = 64;

/// Pages of 64 events of so many chats are read, sent to a webhook and done, in order by chat.
#[divan::bench(args = [1, 16, 1_000])]
fn webhook(bencher: divan::Bencher<'_, '_>, chats: i64) {
    let now = Moment {
        instant: Instant::now(),
        unix_ms: 1_800_000_000_000,
    };
    let mut queue = ConsumerQueue::new(
        QueueSettings::new(Receivers::Endpoint),
        DeliveryPolicy::default(),
        Position::behind(Seq(0)),
        Seq(0),
        7,
        now,
    );
    let bot = InstallationId(1);
    let keys: Vec<ChatKey> = (0..chats)
        .map(|chat| ChatKey::new(bot, &format!("oc_{chat}")))
        .collect();
    let payload = Bytes::from_static(b"payload");
    let mut head = 0;
    bencher
        .counter(divan::counter::ItemsCount::new(PAGE.unsigned_abs()))
        .bench_local(|| {
            let events = (head + 1..=head + PAGE).map(|seq| ReadEvent {
                seq: Seq(seq),
                installation: bot,
                chat: Some(keys[usize::try_from(seq % chats).expect("it is small")]),
                urgent: Urgent::No,
                recorded_ms: now.unix_ms,
                size_bytes: 1_024,
                payload: payload.clone(),
            });
            let after = Seq(head);
            head += PAGE;
            queue.handle_page(ReadScope::Ahead, after, events, Seq(head), now);
            while queue.reached() != queue.floor() {
                while let Some(save) = queue.poll_save(now) {
                    queue.handle_saved(save.number);
                }
                let mut sent = Vec::with_capacity(32);
                while let Some(delivery) = queue.poll_delivery(now) {
                    sent.push(delivery.id);
                    black_box(delivery);
                }
                for delivery in sent {
                    queue.handle_done(delivery, now);
                }
            }
        });
}

/// The envelope of a text message of 1 KiB: once for all consumers, and once for each attempt.
#[divan::bench(args = ["shared", "attempt"])]
fn envelope(bencher: divan::Bencher<'_, '_>, part: &str) {
    let text = "x".repeat(600);
    let payload = format!(
        r#"{{"schema":"2.0","header":{{"event_id":"e","event_type":"im.message.receive_v1","create_time":"1800000000000"}},"event":{{"sender":{{"sender_id":{{"open_id":"ou_1"}},"sender_type":"user"}},"message":{{"message_id":"om_1","chat_id":"oc_1","chat_type":"group","message_type":"text","content":"{{\"text\":\"{text}\"}}"}}}}}}"#
    );
    let payload = Bytes::from(payload);
    let event_type = Some("im.message.receive_v1");
    let view = EventView::of(Family::Feishu, event_type, &payload);
    let facts = EventFacts {
        id: EventId::new(StoreTag([7; 8]), Seq(1)),
        seq: Seq(1),
        installation: Some(PublicId::from_bytes([9; 16])),
        platform: Some(Platform::Feishu),
        event_type,
        chat: Some("oc_1"),
        time_ms: 1_800_000_000_000,
        view: &view,
        expanded: None,
        payload: &payload,
        withheld: None,
    };
    let shared = EventText::new(&facts, Detail::Whole);
    let attempt = AttemptFacts::default();
    let mut out = Vec::new();
    bencher.bench_local(|| {
        if part == "shared" {
            black_box(EventText::new(&facts, Detail::Whole));
        } else {
            out.clear();
            write_event(&shared, &attempt, &mut out);
            black_box(&out);
        }
    });
}
