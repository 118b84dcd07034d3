//! A person's tokens, got from the simulated platform.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use longwire_egress::{Egress, EgressSettings, HttpLimits, ProxyEnvironment, tls_config};
use longwire_platform::feishu::{
    AuthorizePage, CallingApp, NoSecretError, UserTokenError, user_tokens,
};
use longwire_sim::{Apps, Behaviour, Sim, SimSettings};
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use url::Url;

const APP: &str = "cli_0123456789abcdef";
const SECRET: &str = "canary-0123456789";
const REDIRECT: &str = "https://gw.example/callbacks/feishu/ins_1/authorized";
const VERIFIER: &str = "a-verifier-of-more-than-forty-three-characters";
/// Long enough for a loaded machine; only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

struct World {
    sim: Sim,
    egress: Egress,
    base: Url,
}

impl World {
    fn new() -> Self {
        let sim = Sim::start(SimSettings {
            apps: Apps::Known(vec![(APP.to_owned(), SECRET.to_owned())]),
            ..SimSettings::default()
        })
        .expect("the simulator starts on loopback");
        let (tls, _) = tls_config(None).expect("a configuration");
        Self {
            egress: Egress::new(&EgressSettings::new(tls, ProxyEnvironment::default())),
            base: Url::parse(&sim.base_url()).expect("a url"),
            sim,
        }
    }

    async fn call<T>(&self, ask: impl AsyncFnOnce(&CallingApp<'_>) -> T) -> T {
        let open_secret = || Ok::<_, NoSecretError>(SecretString::from(SECRET));
        ask(&CallingApp {
            egress: &self.egress,
            base: &self.base,
            app_id: APP,
            open_secret: &open_secret,
            deadline: PATIENCE,
        })
        .await
    }

    /// The code that the person's consent gave.
    async fn code(&self) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let page = AuthorizePage {
            app_id: APP,
            redirect_uri: REDIRECT,
            scopes: &["offline_access".to_owned(), "a:b".to_owned()],
            state: "s",
            code_challenge: &challenge,
        };
        let url = user_tokens::authorize_url(&self.base, &page);
        let limits = HttpLimits {
            deadline: PATIENCE,
            max_body: 1_024,
        };
        let answer = self
            .egress
            .get(&url, &[], limits)
            .await
            .expect("it answers");
        let headers = answer.headers.iter();
        let back = headers.clone().find(|(name, _)| name == "location");
        let back = Url::parse(&back.expect("the way back").1).expect("a url");
        assert!(back.as_str().starts_with(REDIRECT), "{back}");
        let mut pairs = back.query_pairs();
        let code = pairs.find(|(name, _)| name == "code").expect("a code");
        code.1.into_owned()
    }

    async fn exchange(
        &self,
        code: &str,
        verifier: &str,
    ) -> Result<user_tokens::UserTokens, UserTokenError> {
        let verifier = SecretString::from(verifier);
        self.call(async |app: &CallingApp<'_>| {
            user_tokens::exchange(app, code, REDIRECT, &verifier).await
        })
        .await
    }
}

#[actix_rt::test]
async fn a_code_gives_tokens_once_and_each_refresh_token_too() {
    let world = World::new();
    let code = world.code().await;
    let tokens = world.exchange(&code, VERIFIER).await.expect("tokens");
    assert_eq!(tokens.scopes, ["offline_access", "a:b"]);
    let person = world
        .call(async |app: &CallingApp<'_>| user_tokens::open_id_of(app, &tokens.access_token).await)
        .await;
    assert_eq!(
        person.expect("a person"),
        "ou_00000000000000000000000000000a17"
    );
    let used = world.exchange(&code, VERIFIER).await.expect_err("used");
    assert_eq!(used.label(), "code_spent");

    let refresh = tokens.refresh_token.expect("offline_access");
    let again = async || {
        world
            .call(async |app: &CallingApp<'_>| user_tokens::refresh(app, &refresh).await)
            .await
    };
    again().await.expect("new tokens");
    let used = again().await.expect_err("used");
    assert_eq!(
        (used.label(), used.ends_authorization()),
        ("authorization_ended", true)
    );
    assert!(!format!("{used:?} {used}").contains(SECRET));
}

#[actix_rt::test]
async fn what_is_not_the_persons_own_is_refused() {
    let world = World::new();
    let code = world.code().await;
    let other = world.exchange(&code, "another-verifier").await;
    assert_eq!(other.expect_err("pkce").label(), "redirect_differs");
    let unknown = world.exchange("nothing", VERIFIER).await;
    assert_eq!(unknown.expect_err("unknown").label(), "code_spent");
    let busy = Behaviour::UserTokenRefuse {
        http: 503,
        code: 20_072,
    };
    world.sim.control().behaviour(None, busy.times(1));
    let busy = world.exchange("nothing", VERIFIER).await.expect_err("busy");
    assert!(busy.may_be_asked_again(), "{busy:?}");
}
