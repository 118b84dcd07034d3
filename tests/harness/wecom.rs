//! Requests and conditions that several stories about WeCom bots use.

use longwire_sim::wecom::{ConnectionView, Control, Sim, SubscriptionState};
use serde_json::{Value, json};

use crate::admin::Answer;
use crate::gateway::Gateway;
use crate::platform::{bot_id, wecom_platform};
use crate::setup::Setup;
use crate::wait::wait_until;

impl Gateway {
    /// A request of an application to the bot's platform: a command, the `req_id` it replies to, if any, and its body.
    #[track_caller]
    pub fn ask(&self, name: &str, cmd: &str, req_id: Option<&str>, body: Value) -> Answer {
        let path = format!("/admin/v1/installations/{name}/requests");
        let mut wanted = json!({ "cmd": cmd, "body": body });
        if let Some(req_id) = req_id {
            wanted["req_id"] = req_id.into();
        }
        self.admin()
            .post(&path, Some(&wanted))
            .unwrap_or_else(|error| panic!("POST {path}: {error}"))
    }

    /// Waits until WeCom has written this many callbacks, and checks that each is recorded once.
    #[track_caller]
    pub fn wait_all_recorded(&self, control: &Control, count: usize) {
        wait_until("everything that was written is recorded, each once", || {
            let mut delivered = control.delivered_msgids();
            delivered.sort();
            delivered.dedup();
            let mut recorded: Vec<String> = self
                .events()
                .into_iter()
                .filter_map(|event| event.event_id)
                .map(String::from)
                .collect();
            recorded.sort();
            if delivered.len() == count && recorded == delivered {
                Ok(())
            } else {
                Err(format!(
                    "{} delivered, {} recorded",
                    delivered.len(),
                    recorded.len()
                ))
            }
        })
    }
}

/// Starts WeCom and a gateway whose only bot `a` is live there. `change` may change its configuration.
#[track_caller]
pub fn live_wecom_bot(change: impl FnOnce(Setup) -> Setup) -> (Sim, Gateway) {
    let sim = wecom_platform(|_| ());
    let gateway = change(Setup::without_platform().wecom_bot("a", &sim)).start();
    gateway.wait_live("a");
    (sim, gateway)
}

/// The connection that holds this bot.
#[track_caller]
pub fn holder(control: &Control, name: &str) -> ConnectionView {
    wait_until(&format!("a connection holds {name}"), || {
        let mut views = control.connections(Some(&bot_id(name)));
        views.retain(|view| view.state == SubscriptionState::Subscribed);
        match views.as_slice() {
            [one] => Ok(one.clone()),
            other => Err(format!("{other:?}")),
        }
    })
}
