//! A person lets an app act for them: the page, the way back, the tokens, and what the application hears of it.

use std::net::ToSocketAddrs as _;
use std::time::Duration;

use longwire_sim::{Behaviour, Sim, SimSettings};
use longwire_tests::{Admin, Answer, Gateway, Setup, app_id, platform, wait_until};
use serde_json::{Value, json};

const BOT: &str = "a";
const PERSON: &str = "ou_00000000000000000000000000000a17";

struct World {
    sim: Sim,
    gateway: Gateway,
    /// The bot's public id.
    bot: String,
}

impl World {
    fn new(change: impl FnOnce(&mut SimSettings)) -> Self {
        let sim = platform(change);
        let gateway = Setup::new(&sim).bot(BOT).start();
        let bot = gateway.wait_live(BOT)["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        Self { sim, gateway, bot }
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/installations/{}/user-authorizations{rest}", self.bot)
    }

    /// The page that a person is sent to.
    fn begin(&self, open_id: &str, scopes: &[&str]) -> String {
        let redirect = format!(
            "http://{}/callbacks/feishu/{}/authorized",
            self.gateway.public().address(),
            self.bot
        );
        let wish = json!({"open_id": open_id, "scopes": scopes, "redirect": redirect});
        let begun = self.gateway.public().post(&self.path(""), Some(&wish));
        let begun = begun.expect("it answers");
        assert_eq!(begun.status, 201, "{}", begun.body);
        begun.json()["url"].as_str().expect("a url").to_owned()
    }

    /// The person follows the link, and the platform sends them back. What their browser shows.
    fn follow(&self, page: &str) -> Answer {
        let back = open(page);
        assert_eq!(back.status, 302, "{}", back.body);
        let headers = back.headers.iter();
        let location = headers.clone().find(|(name, _)| name == "location");
        open(&location.expect("a location").1)
    }

    fn token(&self) -> Answer {
        let token = self
            .gateway
            .public()
            .post(&self.path(&format!("/{PERSON}/token")), None);
        token.expect("it answers")
    }

    /// The newest event of this type.
    fn heard(&self, event_type: &str) -> Value {
        wait_until("the application hears", || {
            let page = self
                .gateway
                .public()
                .json(&format!("/v1/events?type={event_type}"));
            let data = page["data"].as_array().cloned().unwrap_or_default();
            data.last()
                .map(|event| event["data"]["operation"].clone())
                .ok_or_else(|| page.to_string())
        })
    }
}

/// As a browser asks, without a token.
fn open(url: &str) -> Answer {
    let rest = url.strip_prefix("http://").expect("plain http");
    let (host, path) = rest.split_once('/').expect("a path");
    let address = host.to_socket_addrs().expect("an address").next();
    let browser = Admin::at(address.expect("an address")).without_token();
    browser.get(&format!("/{path}")).expect("it answers")
}

#[test]
fn a_person_agrees_and_the_application_acts() {
    // Tokens end soon, so each one that is asked for is renewed.
    let world = World::new(|settings| settings.token_lifetime = Duration::from_secs(60));
    let page = world.begin(PERSON, &["offline_access", "docx:document:readonly"]);
    let shown = world.follow(&page);
    assert_eq!(shown.status, 200, "{}", shown.body);
    assert!(shown.body.contains("授权成功") && shown.body.contains("You have agreed"));
    let heard = world.heard("longwire.user.authorized");
    assert_eq!(heard["person"], PERSON);
    let kept = world
        .gateway
        .public()
        .json(&world.path(&format!("/{PERSON}")));
    assert_eq!(kept["state"], "authorized");
    assert_eq!(
        kept["scopes"],
        json!(["offline_access", "docx:document:readonly"])
    );
    assert!(!kept.to_string().contains("u-"), "{kept}");

    // Several ask at once: each refresh token is used once, or the platform would refuse.
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..4).map(|_| scope.spawn(|| world.token())).collect();
        let answers = asking.into_iter().map(|one| one.join().expect("no panic"));
        answers.collect()
    });
    for answer in &answers {
        assert_eq!(answer.status, 200, "{}", answer.body);
        let token = answer.json()["access_token"].clone();
        assert!(token.as_str().is_some_and(|token| token.starts_with("u-")));
    }
    // One exchange, and four renewals.
    assert_eq!(world.sim.control().ledger().user_token_calls, 5);
    let database = std::fs::read(world.gateway.database()).expect("readable");
    for answer in &answers {
        let token = answer.json()["access_token"]
            .as_str()
            .expect("a token")
            .to_owned();
        let found = database
            .windows(token.len())
            .any(|bytes| bytes == token.as_bytes());
        assert!(!found, "a token lies in the database");
    }

    // Only what the platform says may be asked again is asked again.
    let refuse = |code| Behaviour::UserTokenRefuse { http: 400, code };
    let script = |behaviour: Behaviour, times| {
        world
            .sim
            .control()
            .behaviour(Some(&app_id(BOT)), behaviour.times(times));
    };
    script(refuse(20_072), 1);
    assert_eq!(world.token().status, 200);
    script(refuse(20_064), 1);
    let ended = world.token();
    assert_eq!(
        (ended.status, ended.json()["reason"].clone()),
        (409, json!("authorization_ended"))
    );
    let heard = world.heard("longwire.user.authorization_expired");
    assert_eq!(
        (&heard["person"], &heard["reason"]),
        (&json!(PERSON), &json!("authorization_ended"))
    );
    assert_eq!(world.token().status, 409, "the tokens are gone");
    world.gateway.stop();
}

#[test]
fn nobody_authorizes_for_somebody_else_and_no_address_twice() {
    let world = World::new(|settings| settings.person = "ou_somebody_else".to_owned());
    let page = world.begin(PERSON, &["docx:document:readonly"]);
    let shown = world.follow(&page);
    assert_eq!(shown.status, 400);
    assert!(shown.body.contains("授权未完成") && !shown.body.contains(PERSON));
    let heard = world.heard("longwire.user.authorization_failed");
    assert_eq!(
        (&heard["person"], &heard["reason"]),
        (&json!(PERSON), &json!("other_person"))
    );
    assert_eq!(world.token().status, 404);

    // The same state again, and one that nobody began.
    assert_eq!(world.follow(&page).status, 400);
    let address = world.gateway.public().address();
    for query in ["", "?state=nobody&code=x", "?code=x"] {
        let path = format!(
            "http://{address}/callbacks/feishu/{}/authorized{query}",
            world.bot
        );
        assert_eq!(open(&path).status, 400, "{query}");
    }
    assert_eq!(world.sim.control().ledger().user_token_calls, 1);

    let deny = Behaviour::AuthorizeDeny.times(1);
    world.sim.control().behaviour(Some(&app_id(BOT)), deny);
    let page = world.begin("ou_somebody_else", &["docx:document:readonly"]);
    assert_eq!(world.follow(&page).status, 400);
    wait_until("the application hears of the refusal", || {
        match world.heard("longwire.user.authorization_failed")["reason"] == "denied" {
            true => Ok(()),
            false => Err("not yet".to_owned()),
        }
    });
    // A code would go elsewhere than to this gateway.
    let wish =
        json!({"open_id": PERSON, "scopes": ["a"], "redirect": "https://elsewhere.example/"});
    let refused = world.gateway.public().post(&world.path(""), Some(&wish));
    assert_eq!(refused.expect("it answers").status, 400);
    world.gateway.stop();
}
