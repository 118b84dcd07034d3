//! A consumer's owner is told in a chat of his own that it is behind. What happens to a bot is said in a chat through another one, in the operator's language, once a minute at most about
//! each bot. A bot that cannot speak costs a line of the log, and makes no news of its own.

use longwire_sim::Behaviour;
use longwire_tests::{Setup, app_id, message_of, platform, wait_until};
use serde_json::json;

#[test]
fn a_refused_bot_is_told_through_a_healthy_one() {
    let sim = platform(|_| ());
    let control = sim.control();
    control.behaviour(Some(&app_id("lost")), Behaviour::auth_failed());
    let gateway = Setup::new(&sim)
        .set("notices.installation", "speaker")
        .set("notices.chat", "oc_operators")
        .set("notices.language", "zh")
        .bot("speaker")
        .bot("lost")
        .start();
    gateway.expect_error("refused by the platform");
    gateway.wait_live("speaker");
    let said = wait_until("it is said in the chat", || {
        let said = control.bot_messages(Some(&app_id("speaker")));
        said.into_iter()
            .next()
            .ok_or_else(|| "nothing yet".to_owned())
    });
    assert_eq!(said.chat, "oc_operators");
    assert_eq!(
        said.text.as_deref(),
        Some("[longwire] lost：平台拒绝该机器人，例如凭证错误。原因：auth_failed")
    );
    assert_eq!(control.bot_messages(None).len(), 1);
    gateway.stop();
}

#[test]
fn an_owner_hears_that_a_consumer_is_behind() {
    let sim = platform(|_| ());
    let control = sim.control();
    let gateway = Setup::new(&sim).bot("speaker").start();
    gateway.wait_live("speaker");
    let definition = json!({
        "name": "desk", "road": {"kind": "pull"}, "policy": {"patience": "1s"},
        "notices": {"installation": gateway.installation("speaker")["id"], "chat": "oc_owner"},
    });
    let made = gateway.public().post("/v1/consumers", Some(&definition));
    let made = made.expect("it answers");
    assert_eq!(made.status, 201, "{}", made.body);
    let message = message_of("evt-1", "om-1", "who takes this?");
    control.push(&app_id("speaker"), message);
    let said = wait_until("its owner is told", || {
        let said = control.bot_messages(Some(&app_id("speaker")));
        said.into_iter()
            .next()
            .ok_or_else(|| gateway.public().json("/v1/consumers/desk").to_string())
    });
    assert_eq!(said.chat, "oc_owner");
    let text = said.text.unwrap_or_default();
    assert!(
        text.contains("desk") && text.contains("% of its patience"),
        "{text}"
    );
    gateway.stop();
}

#[test]
fn a_bot_that_cannot_speak_makes_no_news_of_its_own() {
    let sim = platform(|_| ());
    let control = sim.control();
    for bot in ["speaker", "lost"] {
        control.behaviour(Some(&app_id(bot)), Behaviour::auth_failed());
    }
    // Its app can have no token either.
    control.behaviour(
        Some(&app_id("speaker")),
        Behaviour::TokenRefuse {
            code: 10_014,
            msg: "app secret invalid".to_owned(),
        },
    );
    let gateway = Setup::new(&sim)
        .set("notices.installation", "speaker")
        .set("notices.chat", "oc_operators")
        .bot("speaker")
        .bot("lost")
        .start();
    gateway.expect_error("refused by the platform");
    let refused = |gateway: &longwire_tests::Gateway| {
        let entries = gateway.log().entries();
        let of_notices = entries
            .iter()
            .filter(|entry| entry["message"] == "a notice was not sent");
        of_notices.count()
    };
    wait_until("the log has it", || match refused(&gateway) {
        0 => Err("nothing yet".to_owned()),
        times => Ok(times),
    });
    // Both refusals are events, and that of the speaker is not tried to be said.
    wait_until("both are recorded", || {
        let events = gateway.operational_events();
        let of_refusals = events
            .iter()
            .filter(|event| event.event_type.as_deref() == Some("longwire.installation.refused"));
        match of_refusals.count() {
            2 => Ok(()),
            count => Err(count.to_string()),
        }
    });
    assert_eq!(refused(&gateway), 1);
    assert!(control.bot_messages(None).is_empty());
    gateway.stop();
}
