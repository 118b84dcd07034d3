//! How a run steers the applications and asks for their ledgers: JSON over HTTP.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use longwire_wire::webhook::WebhookSecret;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::spawn_local;

use super::application::Application;
use super::behaviour::ReceiverBehaviour;
use super::reader::{self, AddReader, AddedReader};
use super::request::RequestConnection;

/// Applications of one process at most: a port each.
const MAX_APPLICATIONS: usize = 1_000;

/// All applications.
#[derive(Default)]
pub(super) struct Receiver {
    applications: RefCell<Vec<Rc<Application>>>,
}

/// `POST /receiver/v1/applications`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AddApplications {
    pub(crate) count: usize,
}

/// Their URLs, in the order of their numbers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AddedApplications {
    /// The number of the first one.
    pub(crate) first: usize,
    pub(crate) urls: Vec<String>,
}

/// `POST /receiver/v1/behaviour`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Behave {
    pub(crate) application: usize,
    pub(crate) behaviour: ReceiverBehaviour,
}

/// `POST /receiver/v1/secret`: verifies the signatures of an application's webhooks from now on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Verify {
    pub(crate) application: usize,
    pub(crate) secret: String,
}

/// Status and document of an answer.
type Reply = (u16, Value);

/// Serves the control interface until the process ends.
pub(super) async fn serve(listener: TcpListener, receiver: Rc<Receiver>) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let receiver = Rc::clone(&receiver);
        spawn_local(async move {
            let mut connection = RequestConnection::new(stream);
            while let Ok(Some(request)) = connection.next().await {
                let (status, json) = receiver
                    .reply(request.method, request.target, request.body)
                    .await;
                if connection
                    .answer(status, json.to_string().as_bytes())
                    .await
                    .is_err()
                {
                    return;
                }
            }
        });
    }
}

impl Receiver {
    async fn reply(&self, method: &str, target: &str, body: &[u8]) -> Reply {
        let answered = match (method, target) {
            ("POST", "/receiver/v1/applications") => self.add(body).await,
            ("POST", "/receiver/v1/readers") => self.read(body),
            ("POST", "/receiver/v1/behaviour") => self.behave(body).await,
            ("POST", "/receiver/v1/secret") => self.verify(body),
            ("GET", "/receiver/v1/ledger") => Ok(self.ledger()),
            ("GET", target) => self.of_one(target),
            _ => Err(unknown()),
        };
        answered.map_or_else(|refused| refused, |json| (200, json))
    }

    async fn add(&self, body: &[u8]) -> Result<Value, Reply> {
        let AddApplications { count } = parse(body)?;
        let first = self.applications.borrow().len();
        if first + count > MAX_APPLICATIONS {
            return Err(refused("too many applications"));
        }
        let mut urls = Vec::new();
        for _ in 0..count {
            let started = Application::start().await;
            let application = started.map_err(|error| refused(&error.to_string()))?;
            urls.extend(
                application
                    .address
                    .map(|address| format!("http://{address}/events")),
            );
            self.applications.borrow_mut().push(application);
        }
        Ok(json!(AddedApplications { first, urls }))
    }

    async fn behave(&self, body: &[u8]) -> Result<Value, Reply> {
        let Behave {
            application,
            behaviour,
        } = parse(body)?;
        if let ReceiverBehaviour::Answer { status, .. } = behaviour
            && !(200..=599).contains(&status)
        {
            return Err(refused("a status is from 200 to 599"));
        }
        let application = self.application(application)?;
        if application.address.is_none() {
            return Err(refused("it takes no webhooks"));
        }
        application.behave(behaviour).await;
        Ok(json!({}))
    }

    fn read(&self, body: &[u8]) -> Result<Value, Reply> {
        let from: AddReader = parse(body)?;
        let application = Rc::new(Application::reader());
        let mut applications = self.applications.borrow_mut();
        let number = applications.len();
        if number >= MAX_APPLICATIONS {
            return Err(refused("too many applications"));
        }
        applications.push(Rc::clone(&application));
        spawn_local(reader::read(application, from));
        Ok(json!(AddedReader { number }))
    }

    fn verify(&self, body: &[u8]) -> Result<Value, Reply> {
        let Verify {
            application,
            secret,
        } = parse(body)?;
        let secret = WebhookSecret::parse(&secret).map_err(|error| refused(&error.to_string()))?;
        *self.application(application)?.secret.borrow_mut() = Some(secret);
        Ok(json!({}))
    }

    fn ledger(&self) -> Value {
        let applications = self.applications.borrow();
        let counts = applications
            .iter()
            .map(|application| json!(application.ledger.borrow().counts()));
        counts.collect()
    }

    /// `/receiver/v1/ledger/{number}` and `/receiver/v1/received/{number}`.
    fn of_one(&self, target: &str) -> Result<Value, Reply> {
        let path = target.strip_prefix("/receiver/v1/");
        let (what, number) = path
            .and_then(|path| path.split_once('/'))
            .ok_or_else(unknown)?;
        let number = number.parse().map_err(|_| unknown())?;
        let application = self.application(number)?;
        let ledger = application.ledger.borrow();
        match what {
            "ledger" => Ok(json!(ledger.counts())),
            "received" => Ok(json!(ledger.seqs())),
            _ => Err(unknown()),
        }
    }

    fn application(&self, number: usize) -> Result<Rc<Application>, Reply> {
        let applications = self.applications.borrow();
        applications.get(number).cloned().ok_or_else(unknown)
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Reply> {
    serde_json::from_slice(body).map_err(|error| refused(&error.to_string()))
}

fn refused(why: &str) -> Reply {
    (400, json!({ "error": why }))
}

fn unknown() -> Reply {
    (404, json!({ "error": "there is no such thing" }))
}
