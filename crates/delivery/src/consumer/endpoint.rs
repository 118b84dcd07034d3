//! The webhook of a consumer: its endpoint is started, replaced and built anew.

use std::rc::Rc;
use std::sync::Arc;

use actix::{Handler, Message};
use longwire_actor::{Child, Ended, Exit, Mailbox, Place, Rebuild, Receives, start};
use longwire_consumer::{BATCH_MEDIA_TYPE, EVENT_MEDIA_TYPE, Road, WebhookRoad};
use longwire_egress::endpoint::PostLimits;
use longwire_store::ANSWER_BYTES;
use longwire_wire::webhook::WebhookSecrets;

use super::Consumer;
use crate::clock;
use crate::endpoint::{Endpoint, PostRoad, Poster, Simulate};
use crate::endpoint_plan::{EndpointRefused, endpoint_settings};
use crate::outbox::Settled;

/// The endpoint is gone. From its watcher, once per instance.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct EndpointEnded(Ended);

/// Post an envelope that is no event of the log. Dropped without an answer where there is no endpoint. From the handle, once per
/// call.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct ForwardSimulation(pub(crate) Simulate);

impl Handler<ForwardSimulation> for Consumer {
    type Result = ();

    fn handle(&mut self, message: ForwardSimulation, _: &mut Self::Context) {
        if let Some(endpoint) = &self.endpoint {
            endpoint.send(message.0);
        }
    }
}

/// Begins again after a pause. The name that the card shows while this runs.
struct Rebuilding;

impl Consumer {
    /// Starts the endpoint, or one in place of that which is there. Consumers on other roads have none.
    pub(super) fn start_endpoint(&mut self) {
        self.endpoint = None;
        self.endpoint_trouble = None;
        let Road::Webhook(webhook) = &self.definition.road else {
            return;
        };
        let Some(secrets) = self.secrets.clone() else {
            self.endpoint_trouble = Some("its signing secret cannot be read".to_owned());
            return;
        };
        match self.post_road(webhook, secrets) {
            Ok(road) => self.run_endpoint(road),
            Err(refused) => {
                tracing::error!(
                    consumer = %self.definition.name,
                    error = %refused,
                    "nothing can be posted to this webhook; change the consumer"
                );
                self.endpoint_trouble = Some(refused.to_string());
            }
        }
    }

    fn post_road(
        &self,
        webhook: &WebhookRoad,
        secrets: WebhookSecrets,
    ) -> Result<Rc<PostRoad>, EndpointRefused> {
        let concurrency = usize::from(self.definition.policy.concurrency.get());
        let client = |content_type| {
            let filter = &self.shared.settings.filter;
            let settings = endpoint_settings(webhook, filter, content_type, concurrency)?;
            Ok::<_, EndpointRefused>(self.shared.egress.endpoint(&settings))
        };
        let poster = Poster {
            events: client(EVENT_MEDIA_TYPE)?,
            batches: client(BATCH_MEDIA_TYPE)?,
            secrets,
            limits: PostLimits {
                deadline: self.shared.settings.timing.post_timeout,
                keep_bytes: ANSWER_BYTES,
            },
            detail: self.definition.detail,
        };
        let me: Arc<dyn Receives<Settled>> = Arc::<Mailbox<Self>>::clone(&self.me);
        Ok(PostRoad::new(
            Rc::clone(&self.outbox),
            poster,
            me,
            concurrency,
            self.shared.settings.fault_injection,
        ))
    }

    fn run_endpoint(&mut self, road: Rc<PostRoad>) {
        let me = Arc::clone(&self.me);
        let endpoint = start(
            Arc::clone(&self.entry.endpoint_card),
            Place::default(),
            move |_, _| Endpoint::new(road),
            move |ended| me.send(EndpointEnded(ended)),
        );
        self.endpoint = Some(Child::new(endpoint));
    }

    /// Whether there is an endpoint, or none is needed.
    pub(super) fn can_send(&self) -> bool {
        match self.definition.road {
            Road::Webhook(_) => self.endpoint_trouble.is_none(),
            Road::Pull | Road::Stream { .. } | Road::Relay(_) => true,
        }
    }
}

impl Handler<EndpointEnded> for Consumer {
    type Result = ();

    fn handle(&mut self, EndpointEnded(ended): EndpointEnded, ctx: &mut Self::Context) {
        let current = self.endpoint.as_ref().map(|endpoint| endpoint.instance());
        if current != Some(ended.instance) {
            // It was replaced.
            return;
        }
        self.endpoint = None;
        if ended.exit == Exit::Stopped {
            self.entry.endpoint_card.stopped_unasked();
        }
        tracing::error!(
            consumer = %self.definition.name,
            exit = ended.exit.how(),
            "an endpoint ended; it is built anew"
        );
        let now = clock::instant();
        let pause = match self.endpoint_rebuilds.spend(now) {
            Rebuild::After(pause) => pause,
            Rebuild::Spent { until } => until.saturating_duration_since(now),
        };
        ctx.work_later::<Rebuilding>(pause, |this, ctx| {
            if this.endpoint.is_none() {
                this.start_endpoint();
                this.drive(ctx);
            }
        });
    }
}
