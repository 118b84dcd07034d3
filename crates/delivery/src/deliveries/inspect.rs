//! The actors of delivery, as the admin endpoint shows them.

use longwire_actor::{ActorView, Card, Fault, Inject, TreeEntry};

use super::Deliveries;
use crate::consumer::ConsumerEntry;
use crate::consumer::{CONSUMER, InjectEndpoint};
use crate::endpoint::ENDPOINT;
use crate::feed::FEED;
use crate::relay::RELAY_CONNECTION;
use crate::root::DELIVERY;
use longwire_actor::ActorKind;
use longwire_consumer::{QueueState, Road};

/// The path of the root.
const ROOT: &str = "/delivery";

impl Deliveries {
    /// All actors, parents before children.
    #[must_use]
    pub fn actors(&self) -> Vec<ActorView> {
        let entries = self.inner.index.all();
        let mut actors = vec![
            view(
                &self.inner.root_card,
                &DELIVERY,
                ROOT.to_owned(),
                None,
                entries.len() as u64 + 1,
                format!("{} consumers", entries.len()),
            ),
            view(
                &self.inner.feed_card,
                &FEED,
                format!("{ROOT}/feed"),
                Some(ROOT.to_owned()),
                0,
                "watching the end of the log".to_owned(),
            ),
        ];
        for entry in entries {
            self.of_consumer(&entry, &mut actors);
        }
        actors
    }

    fn of_consumer(&self, entry: &ConsumerEntry, actors: &mut Vec<ActorView>) {
        let shown = entry.view(self.head());
        let path = path_of(entry);
        let has_endpoint = match shown.definition.road {
            Road::Webhook(_) => true,
            Road::Pull | Road::Stream { .. } | Road::Relay(_) => false,
        };
        let relays = entry.relays();
        let doing = match (&shown.progress.not_running, shown.progress.state) {
            (Some(why), _) => why.clone(),
            (None, QueueState::Active) => {
                format!("delivering, {} events behind", shown.progress.lag_events)
            }
            (None, QueueState::Failing { probes, .. }) => {
                format!("probing an endpoint that fails, {probes} times")
            }
            (None, QueueState::Paused) => "paused".to_owned(),
            (None, QueueState::Stopped) => "stopped by 410".to_owned(),
        };
        actors.push(view(
            &entry.card,
            &CONSUMER,
            path.clone(),
            Some(ROOT.to_owned()),
            u64::from(has_endpoint) + relays.len() as u64,
            doing,
        ));
        for link in relays {
            let agent = link.hello.agent.as_deref().unwrap_or("an application");
            actors.push(view(
                &link.hello.card,
                &RELAY_CONNECTION,
                format!("{path}/connections/{}", link.reader.0),
                Some(path.clone()),
                0,
                format!("{agent}, {} events unanswered", link.in_flight().len()),
            ));
        }
        if has_endpoint {
            actors.push(view(
                &entry.endpoint_card,
                &ENDPOINT,
                format!("{path}/endpoint"),
                Some(path),
                0,
                format!("{} deliveries under way", shown.progress.in_flight),
            ));
        }
    }

    /// Provokes a fault in the actor at this path, where the settings allow it. Returns whether one lives there.
    pub fn inject(&self, path: &str, fault: Fault) -> bool {
        if !self.inner.settings.fault_injection {
            return false;
        }
        if path == ROOT {
            self.inner.root.send(Inject(fault));
            return true;
        }
        let entries = self.inner.index.all();
        let consumer = path.strip_suffix("/endpoint").unwrap_or(path);
        let of_path = entries.iter().find(|entry| path_of(entry) == consumer);
        let of_path = of_path.and_then(|entry| entry.mailbox());
        if let (true, Some(consumer)) = (consumer != path, &of_path) {
            consumer.send(InjectEndpoint(fault));
            return true;
        }
        match of_path {
            Some(consumer) => {
                consumer.send(Inject(fault));
                true
            }
            None => false,
        }
    }
}

/// Consumers of the first space by name; those of others behind their space.
fn path_of(entry: &ConsumerEntry) -> String {
    let record = entry.record();
    if record.space.is_default() {
        return format!("{ROOT}/consumers/{}", record.name);
    }
    format!("{ROOT}/consumers/{}/{}", record.space, record.name)
}

fn view(
    card: &Card,
    kind: &'static ActorKind,
    path: String,
    parent: Option<String>,
    children: u64,
    doing: String,
) -> ActorView {
    card.view(TreeEntry {
        kind,
        path,
        parent,
        children,
        doing,
        capacity: kind.capacity,
    })
}
