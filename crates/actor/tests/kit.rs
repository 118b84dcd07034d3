//! What a card says of an actor that lives, and what somebody hears who asks it.

use actix::{Actor, ActorContext, Handler, Message, MessageResult, ResponseFuture};
use longwire_actor::{
    ActorKind, ActorView, Asked, Card, Child, Context, End, Inspect, Mailbox, Place, Receives,
    TreeActor, TreeEntry, send, start,
};
use std::sync::Arc;
use std::time::Duration;

/// Far more than anything here takes.
const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(20);

const KIND: ActorKind = ActorKind {
    label: "counter",
    parent: None,
    capacity: 10,
};

#[derive(Default)]
struct Counter {
    count: u32,
}

#[derive(Debug, PartialEq)]
struct CounterState {
    count: u32,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Add(u32);

/// Answered never.
#[derive(Message)]
#[rtype(result = "()")]
struct Wait;

#[derive(Message)]
#[rtype(result = "()")]
struct AddSoon;

struct Counting;

impl Actor for Counter {
    type Context = Context<Self>;
}

impl TreeActor for Counter {
    type Card = Arc<Card>;
}

impl Handler<Add> for Counter {
    type Result = ();
    fn handle(&mut self, Add(count): Add, _: &mut Self::Context) {
        self.count += count;
    }
}

impl Handler<AddSoon> for Counter {
    type Result = ();
    fn handle(&mut self, _: AddSoon, ctx: &mut Self::Context) {
        ctx.work_later::<Counting>(Duration::from_millis(1), |this, _| this.count += 1);
    }
}

impl Handler<Wait> for Counter {
    type Result = ResponseFuture<()>;
    fn handle(&mut self, _: Wait, _: &mut Self::Context) -> Self::Result {
        Box::pin(std::future::pending())
    }
}

impl Handler<Inspect<CounterState>> for Counter {
    type Result = MessageResult<Inspect<CounterState>>;
    fn handle(&mut self, _: Inspect<CounterState>, _: &mut Self::Context) -> Self::Result {
        MessageResult(CounterState { count: self.count })
    }
}

impl Handler<End> for Counter {
    type Result = ();
    fn handle(&mut self, _: End, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

fn counter() -> (Arc<Card>, Arc<Mailbox<Counter>>) {
    let card = Arc::new(Card::new());
    let place = Place::default();
    let mailbox = start(Arc::clone(&card), place, |_, _| Counter::default(), |_| ());
    (card, mailbox)
}

fn view(card: &Card) -> ActorView {
    card.view(TreeEntry {
        kind: &KIND,
        path: "/counter".to_owned(),
        parent: None,
        children: 0,
        doing: String::new(),
        capacity: KIND.capacity,
    })
}

fn last(card: &Card) -> Option<&'static str> {
    view(card).last.map(|last| last.message)
}

#[actix_rt::test]
async fn every_message_is_counted_and_named_by_its_type() {
    let (card, counter) = counter();
    counter.send(Add(1));
    let address: Arc<dyn Receives<Add>> = counter.clone();
    send(&*address, Add(2));
    let depth = view(&card).mailbox.depth;
    assert_eq!((depth, last(&card)), (2, None));
    assert_eq!(
        counter.ask(Inspect::new(), LONG).await,
        Asked::Answered(CounterState { count: 3 })
    );
    let seen = view(&card);
    assert_eq!((seen.mailbox.depth, seen.handled), (0, 3));
    assert_eq!(last(&card), Some("Inspect"));
}

#[actix_rt::test]
async fn work_that_came_by_no_mailbox_has_a_name_and_is_no_message() {
    let (card, counter) = counter();
    counter.send(AddSoon);
    while last(&card) != Some("Counting") {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(view(&card).handled, 1, "a timer is no message");
}

#[actix_rt::test]
async fn whoever_asks_hears_an_answer_or_why_there_is_none() {
    let (card, counter) = counter();
    assert_eq!(counter.ask(Wait, SHORT).await, Asked::NoAnswer);
    assert_eq!(counter.ask(Add(1), LONG).await, Asked::Answered(()));
    // Whoever stops waiting before the message is handled leaves nothing behind either.
    drop(counter.ask(Wait, LONG));
    assert_eq!(counter.ask(Add(1), LONG).await, Asked::Answered(()));
    assert_eq!(view(&card).mailbox.depth, 0);
    drop(Child::new(Arc::clone(&counter)));
    while card.is_living() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(counter.ask(Add(1), LONG).await, Asked::Gone);
    assert_eq!(view(&card).state, "absent");
}
