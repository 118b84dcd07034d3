use std::net::SocketAddr;

use longwire_wire::webhook::{WebhookSecret, WebhookSecrets};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::spawn_local;

use super::*;

struct Run {
    control: SocketAddr,
}

impl Run {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port");
        let control = listener.local_addr().expect("it is bound");
        spawn_local(control::serve(listener, Rc::new(Receiver::default())));
        Self { control }
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> T {
        let body = serde_json::to_string(body).expect("plain data");
        let (status, answer) = exchange(self.control, "POST", path, "", &body)
            .await
            .expect("it answers");
        assert_eq!(status, 200, "{answer}");
        serde_json::from_str(&answer).expect("the answer")
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> T {
        let (status, answer) = exchange(self.control, "GET", path, "", "")
            .await
            .expect("it answers");
        assert_eq!(status, 200, "{answer}");
        serde_json::from_str(&answer).expect("the answer")
    }

    async fn behave(&self, application: usize, behaviour: ReceiverBehaviour) {
        let behave = Behave {
            application,
            behaviour,
        };
        let _: Value = self.post("/receiver/v1/behaviour", &behave).await;
    }

    /// Starts one application; returns where it is.
    async fn application(&self) -> SocketAddr {
        let add = AddApplications { count: 1 };
        let added: AddedApplications = self.post("/receiver/v1/applications", &add).await;
        let address = added.urls[0].strip_prefix("http://");
        let address = address.and_then(|url| url.strip_suffix("/events"));
        address.expect("a URL").parse().expect("an address")
    }

    async fn counts(&self, application: usize) -> ReceivedCounts {
        let mut all: Vec<ReceivedCounts> = self.get("/receiver/v1/ledger").await;
        let one: ReceivedCounts = self
            .get(&format!("/receiver/v1/ledger/{application}"))
            .await;
        assert_eq!(all.swap_remove(application), one);
        one
    }
}

async fn exchange(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(to).await?;
    let request = format!(
        "{method} {path} HTTP/1.1\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    stream.shutdown().await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok((status.expect("a status"), body.to_owned()))
}

fn event(seq: u64) -> String {
    json!({ "id": format!("evt_{seq:026}"), "seq": seq, "data": { "kind": "message" } }).to_string()
}

async fn deliver(to: SocketAddr, seq: u64) -> io::Result<u16> {
    let answer = exchange(to, "POST", "/events", "", &event(seq)).await;
    answer.map(|(status, _)| status)
}

#[tokio::test]
async fn it_takes_what_it_says_it_takes() {
    let run = async {
        let run = Run::start().await;
        let application = run.application().await;
        assert_eq!(deliver(application, 1).await.expect("an answer"), 200);
        let refuse = ReceiverBehaviour::Answer {
            status: 503,
            after_ms: 0,
        };
        run.behave(0, refuse).await;
        assert_eq!(deliver(application, 2).await.expect("an answer"), 503);
        let received: Vec<u64> = run.get("/receiver/v1/received/0").await;
        assert_eq!(received, [1]);
        let counts = run.counts(0).await;
        assert_eq!((counts.deliveries, counts.refused), (1, 1));
        assert_eq!((counts.distinct, counts.wrongs()), (1, 0));
        // It had the event, so this is a repeat that does not say so.
        run.behave(0, ReceiverBehaviour::default()).await;
        assert_eq!(deliver(application, 2).await.expect("an answer"), 200);
        let counts = run.counts(0).await;
        assert_eq!(
            (counts.distinct, counts.repeats, counts.unlabelled),
            (2, 1, 1)
        );
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn a_dead_one_refuses_connections_until_it_lives() {
    let run = async {
        let run = Run::start().await;
        let (dead, other) = (run.application().await, run.application().await);
        let mut kept = TcpStream::connect(dead).await.expect("it listens");
        run.behave(0, ReceiverBehaviour::Refuse).await;
        assert_eq!(kept.read(&mut [0]).await.unwrap_or(0), 0, "it has ended");
        let error = TcpStream::connect(dead).await.expect_err("nobody listens");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(deliver(other, 1).await.expect("an answer"), 200);
        run.behave(0, ReceiverBehaviour::default()).await;
        assert_eq!(deliver(dead, 1).await.expect("an answer"), 200);
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn signatures_are_verified_once_it_has_the_secret() {
    let run = async {
        let run = Run::start().await;
        let application = run.application().await;
        let secret = WebhookSecret::generate([1; 32]);
        let verify = Verify {
            application: 0,
            secret: secret.expose().to_string(),
        };
        let _: Value = run.post("/receiver/v1/secret", &verify).await;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now_s = now.expect("it is after 1970").as_secs();
        let (id, timestamp, body) = (format!("evt_{:026}", 1), now_s.to_string(), event(1));
        let mut signature = String::new();
        WebhookSecrets::new(secret).sign(
            &id,
            now_s.cast_signed(),
            &timestamp,
            &[body.as_bytes()],
            &mut signature,
        );
        let headers = format!(
            "webhook-id: {id}\r\nwebhook-timestamp: {timestamp}\r\nwebhook-signature: {signature}\r\n"
        );
        let signed = exchange(application, "POST", "/events", &headers, &body).await;
        assert_eq!(signed.expect("an answer").0, 200);
        assert_eq!(run.counts(0).await.unverified, 0);
        deliver(application, 2).await.expect("an answer");
        assert_eq!(run.counts(0).await.unverified, 1);
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn an_echo_replies_with_the_text_of_a_message() {
    let run = async {
        let run = Run::start().await;
        let application = run.application().await;
        run.behave(0, ReceiverBehaviour::Echo { one_in: 1 }).await;
        let message = json!({
            "id": format!("evt_{:026}", 1),
            "seq": 1,
            "data": { "kind": "message", "message": { "text": "hello \"you\"" } },
        });
        let answer = exchange(application, "POST", "/events", "", &message.to_string()).await;
        let (status, body) = answer.expect("an answer");
        let body: Value = serde_json::from_str(&body).expect("json");
        assert_eq!(
            (status, body),
            (200, json!({ "reply": { "text": "hello \"you\"" } }))
        );
        // Not a message.
        let answer = exchange(application, "POST", "/events", "", &event(2)).await;
        assert_eq!(answer.expect("an answer"), (200, String::new()));
        let counts = run.counts(0).await;
        assert_eq!((counts.deliveries, counts.replies), (2, 1));
    };
    LocalSet::new().run_until(run).await;
}
