//! What a message costs from `send` to the end of its handler, with actix alone and with a card.
//!
//! Run `cargo bench -p longwire-actor`.

use actix::{Actor, Handler, Message};
use longwire_actor::{Card, Context, Place, TreeActor, start};
use std::sync::Arc;
use tokio::sync::oneshot;

const MESSAGES: u32 = 1_000;

fn main() {
    divan::main();
}

#[derive(Message)]
#[rtype(result = "()")]
struct Count;

#[derive(Message)]
#[rtype(result = "()")]
struct Reach(oneshot::Sender<()>);

struct Plain;

impl Actor for Plain {
    type Context = actix::Context<Self>;
}

struct Carded;

impl Actor for Carded {
    type Context = Context<Self>;
}

impl TreeActor for Carded {
    type Card = Arc<Card>;
}

macro_rules! handles {
    ($actor:ty) => {
        impl Handler<Count> for $actor {
            type Result = ();
            fn handle(&mut self, _: Count, _: &mut Self::Context) {
                divan::black_box(self);
            }
        }

        impl Handler<Reach> for $actor {
            type Result = ();
            fn handle(&mut self, Reach(tell): Reach, _: &mut Self::Context) {
                tell.send(()).expect("somebody waits");
            }
        }
    };
}

handles!(Plain);
handles!(Carded);

#[divan::bench]
fn a_thousand_by_actix_alone(bencher: divan::Bencher) {
    let system = actix_rt::System::new();
    let address = system.block_on(async { Plain.start() });
    bencher.counter(MESSAGES).bench_local(|| {
        system.block_on(async {
            for _ in 0..MESSAGES {
                address.do_send(Count);
            }
            let (tell, told) = oneshot::channel();
            address.do_send(Reach(tell));
            told.await
        })
    });
}

#[divan::bench]
fn a_thousand_counted_on_a_card(bencher: divan::Bencher) {
    let system = actix_rt::System::new();
    let make = async {
        start(
            Arc::new(Card::new()),
            Place::default(),
            |_, _| Carded,
            |_| (),
        )
    };
    let mailbox = system.block_on(make);
    bencher.counter(MESSAGES).bench_local(|| {
        system.block_on(async {
            for _ in 0..MESSAGES {
                mailbox.send(Count);
            }
            let (tell, told) = oneshot::channel();
            mailbox.send(Reach(tell));
            told.await
        })
    });
}
