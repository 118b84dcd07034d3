//! The applications that are connected over the relay: listed, with who was refused and why.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::web::{Data, Json};
use longwire_access::{Scope, TokenId};
use longwire_api::QueryReader;
use longwire_delivery::{Deliveries, RelayConnectionView};
use longwire_listener::{Problem, Routes};
use longwire_relay::Relay;
use longwire_store::Store;

use crate::document::{ApplicationDocument, NamedDocument, RelayPage, relay_connection_id};
use crate::listed::PageQuery;
use crate::store_calls::read;

/// Where connected applications are known.
#[derive(Clone)]
pub struct RelaySource {
    /// Their events.
    pub deliveries: Deliveries,
    /// Their refusals and calls.
    pub relay: Arc<Relay>,
    /// The names of their tokens and bots.
    pub store: Store,
}

pub(crate) fn routes(source: RelaySource) -> Routes {
    Routes::new()
        .with(Data::new(source))
        .get("/admin/v1/relay", Scope::AdminRead, list)
}

async fn list(source: Data<RelaySource>, request: HttpRequest) -> Result<Json<RelayPage>, Problem> {
    let asked = PageQuery::read(QueryReader::of(request.query_string()))?;
    let after = asked.after(|text| Some(text.to_owned()))?;
    let all = source.deliveries.relay_connections();
    let total = all.len();
    let (views, next) = page(all, after.as_deref(), asked.limit);
    let names = names(&source, &views).await?;
    let consumers = source.deliveries.all_consumers();
    let consumers: HashMap<_, _> = (consumers.iter())
        .map(|consumer| (consumer.id, consumer))
        .collect();
    let data = views.iter().map(|view| {
        let token = view.token.parse().ok();
        let calls = token.map_or(0, |token: TokenId| {
            let proxy = source.relay.proxy();
            proxy.calls_per_minute(token, view.installation)
        });
        ApplicationDocument::of(
            view,
            consumers.get(&view.consumer).copied(),
            names.of(&view.token),
            names.of(&view.installation.to_string()),
            calls,
        )
    });
    let refused = source.relay.refused().into_iter();
    let last_refused = source.relay.last_refused().into_iter();
    Ok(Json(RelayPage {
        data: data.collect(),
        next,
        total,
        refused: refused
            .map(|(cause, count)| (cause.label().to_owned(), count))
            .collect(),
        last_refused: last_refused.map(Into::into).collect(),
    }))
}

/// The connections behind `after`, so many, and where the next page begins.
fn page(
    mut all: Vec<RelayConnectionView>,
    after: Option<&str>,
    limit: usize,
) -> (Vec<RelayConnectionView>, Option<String>) {
    all.sort_by_key(|view| (view.consumer, view.reader));
    if let Some(after) = after {
        all.retain(|view| *relay_connection_id(view) > *after);
    }
    let next = (all.len() > limit).then(|| relay_connection_id(&all[limit - 1]));
    all.truncate(limit);
    (all, next)
}

/// The names of tokens and installations, by id.
struct Names(HashMap<String, String>);

impl Names {
    fn of(&self, id: &str) -> NamedDocument {
        NamedDocument {
            id: id.to_owned(),
            name: self.0.get(id).cloned(),
        }
    }
}

/// Of those that these connections are of.
async fn names(source: &RelaySource, views: &[RelayConnectionView]) -> Result<Names, Problem> {
    let mut names: HashMap<String, String> = HashMap::new();
    let mut installations: Vec<_> = views.iter().map(|view| view.installation).collect();
    installations.sort_unstable();
    installations.dedup();
    let tokens: Vec<Box<str>> = views.iter().map(|view| view.token.clone()).collect();
    let reader = source.store.reader().clone();
    read(move || {
        for installation in installations {
            let id = installation.to_string();
            if let Some(record) = reader.installation(&id)? {
                names.insert(id, record.name.to_string());
            }
        }
        let named = reader.tokens()?.into_iter();
        let named = named.map(|record| (record.id.to_string(), record.name.to_string()));
        names.extend(named.filter(|(id, _)| tokens.iter().any(|token| **token == **id)));
        Ok(Names(names))
    })
    .await
}

#[cfg(test)]
mod tests {
    use longwire_access::Space;
    use longwire_consumer::ReaderId;
    use longwire_delivery::RelayProof;
    use longwire_installation::PublicId;
    use longwire_store::ConsumerId;

    use super::*;

    fn view(consumer: i64, reader: u64) -> RelayConnectionView {
        RelayConnectionView {
            consumer: ConsumerId(consumer),
            consumer_name: "shop".parse().expect("a name"),
            space: Space::default(),
            token: "0123456789abcdef".into(),
            installation: PublicId::from_bytes([0; 16]),
            reader: ReaderId(reader),
            agent: None,
            peer: None,
            proof: RelayProof::HandlerAck,
            since_ms: 0,
            in_flight: Vec::new(),
            last_ack_ms: None,
            given: 0,
            done: 0,
            failed: 0,
        }
    }

    #[test]
    fn pages_have_every_connection_once() {
        let all: Vec<_> = [(2, 9), (1, 300), (1, 2), (2, 10), (300, 1)]
            .map(|(consumer, reader)| view(consumer, reader))
            .into();
        let order = |views: &[RelayConnectionView]| -> Vec<(i64, u64)> {
            let places = views.iter().map(|view| (view.consumer.0, view.reader.0));
            places.collect()
        };
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let (views, next) = page(all.clone(), after.as_deref(), 2);
            seen.extend(order(&views));
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, [(1, 2), (1, 300), (2, 9), (2, 10), (300, 1)]);
    }
}
