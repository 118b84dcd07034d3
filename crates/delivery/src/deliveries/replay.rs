//! Events are delivered again, beside what is new: the position of the consumer stays where it is.

use longwire_access::Space;
use longwire_consumer::{ConsumerDefinition, EventFilter, EventId, Position, StartFrom};
use longwire_installation::Name;
use longwire_store::{ConsumerId, Kept, NewConsumer, ReadError, Store};
use longwire_wire::event::Seq;

use super::administer::{begins_after, expired, saved};
use super::{Deliveries, ReplayError, blocking};
use crate::loaded::{LoadedReplay, ReplayOf, ReplayText, Row};
use crate::root::Replay;

/// Replays of one consumer at a time: each has a window of events in memory.
const REPLAYS: usize = 4;

/// What is to be delivered again.
#[derive(Clone, Debug)]
pub enum ReplayOrder {
    /// One event, whatever the consumer's filter says.
    Event(EventId),
    /// A stretch of the log.
    Stretch {
        /// Where it begins.
        from: StartFrom,
        /// Where it ends: the last event that was recorded before this; the newest event now if absent.
        until: Option<StartFrom>,
        /// Which events; those that the consumer wants if absent.
        filter: Option<Box<EventFilter>>,
    },
}

impl Deliveries {
    /// Delivers a stretch of the log to a consumer again, with `redelivered`. It is kept as a row with a position of its own, so it
    /// goes on after a restart, and is removed when everything is delivered. Returns how many numbers of the log it has.
    pub async fn replay(
        &self,
        space: &Space,
        name: &str,
        order: ReplayOrder,
    ) -> Result<u64, ReplayError> {
        let entry = self.inner.index.find(space, name);
        let entry = entry.ok_or(ReplayError::Unknown)?;
        let of = entry.id;
        let definition = ConsumerDefinition::clone(&entry.definition());
        let (store, space, tag) = (self.store().clone(), space.clone(), self.tag());
        let replay = blocking(move || {
            if running(&store, of)? >= REPLAYS {
                return Err(ReplayError::TooMany { most: REPLAYS });
            }
            let (after, until, filter) = match order {
                ReplayOrder::Event(id) => {
                    let seq = id.seq_in(tag).ok_or(ReplayError::ForeignEvent { id })?;
                    match store.reader().event(seq)? {
                        Some(event) if event.kept != Kept::Expired => {}
                        Some(_) => return Err(expired(&store).into()),
                        None if seq <= store.gone_through() => return Err(expired(&store).into()),
                        None => return Err(ReplayError::ForeignEvent { id }),
                    }
                    (Seq(seq.0 - 1), seq, EventFilter::default())
                }
                ReplayOrder::Stretch {
                    from,
                    until,
                    filter,
                } => {
                    let until = until.unwrap_or(StartFrom::Now);
                    let filter = filter.map_or_else(|| definition.filter.clone(), |filter| *filter);
                    (
                        begins_after::<ReplayError>(&store, from)?,
                        begins_after::<ReplayError>(&store, until)?,
                        filter,
                    )
                }
            };
            if until <= after {
                return Err(ReplayError::Nothing);
            }
            add(&store, of, space, definition, (after, until, filter))
        })
        .await?;
        let numbers = replay.until.0 - replay.position.reached.0;
        self.inner.root.send(Replay(of, replay));
        Ok(numbers.unsigned_abs())
    }

    /// Ends the replays of a consumer. What is under way ends as it ends.
    pub fn end_replays(&self, space: &Space, name: &str) -> Result<(), ReplayError> {
        let entry = self.inner.index.find(space, name);
        let entry = entry.ok_or(ReplayError::Unknown)?;
        // One that does not run ends none; they are ended by another call.
        if let Some(mailbox) = entry.mailbox() {
            mailbox.send(crate::consumer::EndReplays);
        }
        Ok(())
    }
}

fn running(store: &Store, of: ConsumerId) -> Result<usize, ReadError> {
    let rows = store.reader().consumers()?.into_iter();
    let of_it = |row: &Row| matches!(row, Row::Replay { of: whose, .. } if *whose == of);
    Ok(rows
        .filter_map(|record| Row::read(record).ok())
        .filter(of_it)
        .count())
}

fn add(
    store: &Store,
    of: ConsumerId,
    space: Space,
    mut definition: ConsumerDefinition,
    (after, until, filter): (Seq, Seq, EventFilter),
) -> Result<LoadedReplay, ReplayError> {
    let mut position = Position::behind(after);
    position.order = definition.policy.order;
    // The application may have had all of it.
    position.reserved = until;
    definition.filter = filter;
    let text = ReplayText {
        replay: ReplayOf {
            consumer: of.0,
            until: until.0,
        },
        definition: definition.to_json(),
    };
    let text = serde_json::to_string(&text).expect("texts and numbers are JSON");
    let name: Name = format!("replay-{:032x}", rand::random::<u128>())
        .parse()
        .expect("letters, digits and a hyphen are a name");
    let record = store.add_consumer(NewConsumer {
        name,
        space,
        definition: text,
        webhook_secret: None,
        position: saved(&position),
    })?;
    Ok(LoadedReplay {
        id: record.id,
        position,
        until,
        filter: definition.filter,
    })
}
