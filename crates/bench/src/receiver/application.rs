//! One application: a port, a behaviour, a ledger.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use longwire_wire::webhook::{SignedHeaders, WebhookSecret};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::spawn_local;

use super::behaviour::ReceiverBehaviour;
use super::envelope;
use super::ledger::ReceivedLedger;
use super::request::{ReceivedRequest, RequestConnection};

/// An application: one that takes webhooks, or one that reads.
pub(super) struct Application {
    /// Where webhooks come; a reader has no address.
    pub(super) address: Option<SocketAddr>,
    pub(super) ledger: RefCell<ReceivedLedger>,
    behaviour: watch::Sender<ReceiverBehaviour>,
    is_listening: Cell<bool>,
    /// What its webhooks are signed with, once they are to be verified.
    pub(super) secret: RefCell<Option<WebhookSecret>>,
}

impl Application {
    /// Listens on a free port.
    pub(super) async fn start() -> io::Result<Rc<Self>> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let application = Rc::new(Self {
            address: Some(address),
            ..Self::reader()
        });
        spawn_local(Rc::clone(&application).listen(listener, address));
        Ok(application)
    }

    /// One whose events are read by a task of its own.
    pub(super) fn reader() -> Self {
        Self {
            address: None,
            ledger: RefCell::new(ReceivedLedger::new()),
            behaviour: watch::Sender::default(),
            is_listening: Cell::new(true),
            secret: RefCell::default(),
        }
    }

    /// Behaves so from now on, if webhooks come to it. When this returns, a dead one is dead, and another one listens.
    pub(super) async fn behave(&self, behaviour: ReceiverBehaviour) {
        self.behaviour.send_replace(behaviour);
        let listens = behaviour != ReceiverBehaviour::Refuse;
        while self.is_listening.get() != listens {
            tokio::task::yield_now().await;
        }
    }

    /// Accepts connections while it is alive.
    async fn listen(self: Rc<Self>, first: TcpListener, address: SocketAddr) {
        let mut behaviour = self.behaviour.subscribe();
        let mut listener = Some(first);
        loop {
            let listening = match listener.take() {
                Some(listening) => listening,
                None => match TcpListener::bind(address).await {
                    Ok(listening) => listening,
                    // Somebody else has the port: the sender of events fails, and the run says so.
                    Err(_) => return,
                },
            };
            self.is_listening.set(true);
            let alive = behaviour.wait_for(|now| *now == ReceiverBehaviour::Refuse);
            tokio::select! {
                _ = alive => {}
                () = self.accept(&listening) => {}
            }
            drop(listening);
            self.is_listening.set(false);
            let back = behaviour.wait_for(|now| *now != ReceiverBehaviour::Refuse);
            if back.await.is_err() {
                return;
            }
        }
    }

    async fn accept(self: &Rc<Self>, listener: &TcpListener) {
        loop {
            // Without a descriptor for one more, this one waits with the others in the queue.
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                continue;
            };
            let application = Rc::clone(self);
            spawn_local(async move {
                let mut behaviour = application.behaviour.subscribe();
                tokio::select! {
                    // However it ends, the sender sees it.
                    _ = application.serve(RequestConnection::new(stream)) => {}
                    _ = behaviour.wait_for(|now| *now == ReceiverBehaviour::Refuse) => {}
                }
            });
        }
    }

    async fn serve(&self, mut connection: RequestConnection) -> io::Result<()> {
        while let Some(request) = connection.next().await? {
            let behaviour = *self.behaviour.borrow();
            let reply = self.take(&request, behaviour);
            if let Some(delay) = behaviour.delay() {
                tokio::time::sleep(delay).await;
            }
            match behaviour {
                ReceiverBehaviour::Answer { status, .. } => connection.answer(status, b"").await?,
                ReceiverBehaviour::Echo { .. } => connection.answer(200, &reply).await?,
                ReceiverBehaviour::Hang => std::future::pending().await,
                ReceiverBehaviour::Refuse => return Ok(()),
            }
        }
        Ok(())
    }

    /// Enters a delivery into the ledger. Returns the body of the answer of one that replies.
    fn take(&self, request: &ReceivedRequest<'_>, behaviour: ReceiverBehaviour) -> Vec<u8> {
        let at = Instant::now();
        let mut ledger = self.ledger.borrow_mut();
        let is_taken = behaviour.takes();
        if is_taken {
            ledger.delivery(request.body.len());
        } else {
            ledger.refused();
        }
        if let Some(secret) = &*self.secret.borrow()
            && !is_signed(request, secret)
        {
            ledger.unverified();
        }
        let Ok(events) = envelope::events(request.body) else {
            ledger.malformed();
            return Vec::new();
        };
        if let [event] = &events[..]
            && !request.id.is_empty()
            && request.body.first() != Some(&b'[')
            && event.id != request.id
        {
            ledger.other_id();
        }
        for event in &events {
            ledger.event(event, is_taken, at);
        }
        match (behaviour, &events[..]) {
            (ReceiverBehaviour::Echo { one_in }, [event]) if is_one_in(one_in, event.seq) => {
                let reply = event
                    .text()
                    .map(|text| json!({ "reply": { "text": text } }));
                ledger.replied(reply.is_some());
                reply.map_or_else(Vec::new, |reply| reply.to_string().into_bytes())
            }
            _ => Vec::new(),
        }
    }
}

/// Whether this event is one of so many. The numbers of a bot's events are evenly spaced, so neighbours are mixed.
fn is_one_in(many: u64, seq: u64) -> bool {
    (seq.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32).is_multiple_of(many.max(1))
}

fn is_signed(request: &ReceivedRequest<'_>, secret: &WebhookSecret) -> bool {
    let headers = SignedHeaders {
        id: request.id,
        timestamp: request.timestamp,
        signature: request.signature,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now_s = now.map_or(0, |since| since.as_secs().cast_signed());
    headers.verify(&[request.body], &[secret], now_s).is_ok()
}
