//! Uploads through the admin listener, to WeCom's double.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use longwire_sim::wecom::{
    Behaviour, CommandKind, ConnectionFault, ScriptedAnswer, Sim, SimSettings, Target,
};

use super::*;

const BOT: &str = "aib1";

/// A bot that is live, and its platform.
pub(super) struct Scene {
    pub(super) served: Served,
    sim: Sim,
}

impl Scene {
    async fn start() -> Self {
        let mut setup = Setup::default();
        setup.timing.upload_ack = Duration::from_secs(2);
        let (served, sim) = (Served::start(setup).await, started());
        let bot = json!({
            "name": "w", "platform": "wecom", "bot_id": BOT, "secret": "canary", "base_url": sim.base_url(),
        });
        let (status, kept) = served.post("/admin/v1/installations", bot).await;
        assert_eq!(status, 201, "{kept}");
        let scene = Self { served, sim };
        scene.until("live").await;
        scene
    }

    async fn until(&self, state: &str) {
        self.until_is("w", state).await;
    }

    /// Waits until the bot has come back so often. The answer to a request that a loss ended may come before the loss shows.
    async fn until_back(&self, times: u64) {
        self.until_shown("w", |observed| {
            observed["state"] == "live" && observed["lights"]["reconnects"] == times
        })
        .await;
    }

    async fn until_is(&self, name: &str, state: &str) {
        self.until_shown(name, |observed| observed["state"] == state)
            .await;
    }

    async fn until_shown(&self, name: &str, is_shown: impl Fn(&Value) -> bool) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        loop {
            let (_, detail) = self
                .served
                .get(&format!("/admin/v1/installations/{name}"))
                .await;
            if is_shown(&detail) {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "{detail}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn request(&self, query: &str) -> awc::ClientRequest {
        let url = format!(
            "{}/admin/v1/installations/w/uploads?{query}",
            self.served.base
        );
        client(&self.served.token)
            .post(url)
            .timeout(Duration::from_secs(30))
    }

    async fn upload(&self, query: &str, body: Vec<u8>) -> (u16, Value) {
        let mut answer = self
            .request(query)
            .send_body(body)
            .await
            .expect("an answer");
        self.nothing_is_left().await;
        let body = answer.body().await.expect("the body comes");
        (
            answer.status().as_u16(),
            serde_json::from_slice(&body).expect("json"),
        )
    }

    /// Beside the database there is nothing else, and soon no file without a name is open: a chunk that is being read
    /// when its upload fails is read to its end.
    async fn nothing_is_left(&self) {
        let directory = self.served.store.directory();
        let names = std::fs::read_dir(directory).expect("the directory is there");
        for name in names {
            let name = name.expect("an entry").file_name();
            assert!(name.to_string_lossy().starts_with("test.db"), "{name:?}");
        }
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        while let Some(file) = unnamed_in(directory) {
            assert!(tokio::time::Instant::now() < deadline, "{file:?} is open");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn script(&self, to: CommandKind, with: ScriptedAnswer) {
        let once = Behaviour::answer(to, with).times(1);
        self.sim.control().behaviour(None, once);
    }

    /// Steps of uploads that reached the platform.
    fn steps(&self) -> u64 {
        let commands = self.sim.control().ledger().commands;
        let steps = commands
            .iter()
            .filter(|(cmd, _)| cmd.starts_with("aibot_upload_media"));
        steps.flat_map(|(_, codes)| codes.values()).sum()
    }
}

/// A file of ours that is open and has no name.
fn unnamed_in(directory: &Path) -> Option<PathBuf> {
    let open = std::fs::read_dir("/proc/self/fd").expect("this is Linux");
    let mut links = open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    links.find(|link| link.starts_with(directory) && link.to_string_lossy().ends_with(" (deleted)"))
}

fn started() -> Sim {
    Sim::start(SimSettings::default()).expect("the simulator starts on loopback")
}

pub(super) fn with_scene<F: Future<Output = ()>>(test: impl FnOnce(Scene) -> F) {
    actix_rt::System::new().block_on(async { test(Scene::start().await).await });
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 251) as u8).collect()
}

#[test]
fn a_file_arrives_whole_and_can_be_shown() {
    with_scene(|scene| async move {
        let whole = bytes(1_300_000);
        let (status, taken) = scene
            .upload("file_name=%E6%B1%87%E6%80%BB.pdf", whole.clone())
            .await;
        assert_eq!((status, &taken["type"]), (200, &json!("file")), "{taken}");
        assert!(taken["created_at"].is_i64(), "{taken}");
        let file = scene.sim.control().uploaded().pop().expect("a file");
        assert_eq!((&*file.file_name, &*file.kind), ("汇总.pdf", "file"));
        assert!(file.bytes == whole, "the same bytes");
        let media_id = &taken["media_id"];
        let shown = json!({"cmd": "aibot_send_msg", "body":
            {"chatid": "u", "msgtype": "file", "file": {"media_id": media_id}}});
        let (status, reply) = scene
            .served
            .post("/admin/v1/installations/w/requests", shown)
            .await;
        assert_eq!((status, &reply["code"]), (200, &json!(0)), "{reply}");
        assert_eq!(scene.sim.control().shown(Some(BOT)).len(), 1);
    });
}

#[test]
fn the_content_says_what_a_file_is_sent_as_unless_the_caller_does() {
    with_scene(|scene| async move {
        let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
        png.extend(bytes(100));
        for (query, kind) in [
            ("file_name=a.png", "image"),
            ("file_name=a.png&type=file", "file"),
            ("file_name=a.pdf", "file"),
        ] {
            let (status, taken) = scene.upload(query, png.clone()).await;
            assert_eq!((status, &taken["type"]), (200, &json!(kind)), "{query}");
        }
        // Too long for an image, and no longer than a file may be.
        png.resize(11 * 1024 * 1024, 0);
        let (status, taken) = scene.upload("file_name=a.png", png).await;
        assert_eq!((status, &taken["type"]), (200, &json!("file")), "{taken}");
    });
}

#[test]
fn what_the_platform_would_not_take_is_refused_before_anything_is_sent() {
    with_scene(|scene| async move {
        for (query, len, status, code, told) in [
            (
                "file_name=a",
                20 * 1024 * 1024 + 1,
                413,
                "file_too_large",
                "20971521 bytes, and at most 20971520",
            ),
            (
                "file_name=a.amr&type=voice",
                2 * 1024 * 1024 + 1,
                413,
                "file_too_large",
                "2097152",
            ),
            ("file_name=a", 4, 400, "file_too_small", "4 bytes"),
            ("file_name=a", 0, 400, "file_too_small", "0 bytes"),
            ("file_name=", 5, 400, "file_name_refused", "no name"),
            (
                "file_name=a&type=sticker",
                5,
                400,
                "invalid_request",
                "image, voice, video or file",
            ),
            (
                "file_name=a&colour=red",
                5,
                400,
                "invalid_request",
                "colour",
            ),
            ("", 5, 400, "invalid_request", "file_name"),
        ] {
            let (told_status, problem) = scene.upload(query, bytes(len)).await;
            assert_eq!(
                (told_status, &problem["code"]),
                (status, &json!(code)),
                "{query}"
            );
            let detail = problem["detail"].as_str().expect("words");
            assert!(detail.contains(told), "{detail}");
        }
        let name = "n".repeat(257);
        let (_, problem) = scene.upload(&format!("file_name={name}"), bytes(5)).await;
        assert_eq!(problem["code"], "file_name_refused");
        assert_eq!(scene.steps(), 0);
    });
}

/// Nobody said beforehand how long it would be.
#[test]
fn a_body_of_unknown_length_is_cut_off_at_the_limit_and_one_that_breaks_is_dropped() {
    with_scene(|scene| async move {
        let chunk = Bytes::from(bytes(64 * 1024));
        let endless = stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone())).take(400);
        let sent = scene
            .request("file_name=a.amr&type=voice")
            .send_stream(endless)
            .await;
        // The listener hangs up on whoever goes on sending, so that its answer may not be read.
        if let Ok(mut answer) = sent {
            assert_eq!(answer.status().as_u16(), 413);
            let problem: Value = answer.json().await.expect("json");
            assert_eq!(problem["code"], "file_too_large");
        }
        scene.nothing_is_left().await;
        let broken = stream::iter([
            Ok(Bytes::from_static(b"the beginning")),
            Err(std::io::Error::other("gone")),
        ]);
        let sent = scene.request("file_name=a").send_stream(broken).await;
        assert!(sent.is_err() || sent.is_ok_and(|answer| answer.status().as_u16() == 400));
        assert_eq!(scene.steps(), 0);
    });
}

#[test]
fn a_chunk_whose_answer_is_lost_is_sent_again() {
    with_scene(|scene| async move {
        scene.script(CommandKind::UploadChunk, ScriptedAnswer::Silence);
        let whole = bytes(700_000);
        let (status, taken) = scene.upload("file_name=a", whole.clone()).await;
        assert_eq!(status, 200, "{taken}");
        let ledger = scene.sim.control().ledger();
        assert_eq!(
            ledger.answered("aibot_upload_media_chunk", 0),
            3,
            "{ledger:?}"
        );
        assert!(scene.sim.control().uploaded()[0].bytes == whole);
    });
}

/// S172 and S173: a failure is told to whoever asked.
#[test]
fn whatever_fails_says_at_which_step_and_why() {
    with_scene(|scene| async move {
        let mut losses = 0;
        for (to, with, status, code, step) in [
            (
                CommandKind::UploadInit,
                ScriptedAnswer::Code(45_009),
                429,
                "rate_limited",
                "init",
            ),
            (
                CommandKind::UploadInit,
                ScriptedAnswer::Silence,
                504,
                "timed_out",
                "init",
            ),
            (
                CommandKind::UploadChunk,
                ScriptedAnswer::Code(40_058),
                502,
                "upload_refused",
                "chunk",
            ),
            (
                CommandKind::UploadFinish,
                ScriptedAnswer::Code(40_058),
                502,
                "upload_refused",
                "finish",
            ),
            (
                CommandKind::UploadFinish,
                ScriptedAnswer::Silence,
                504,
                "timed_out",
                "finish",
            ),
            (
                CommandKind::UploadInit,
                ScriptedAnswer::DropBefore,
                502,
                "connection_lost",
                "init",
            ),
            (
                CommandKind::UploadChunk,
                ScriptedAnswer::DropBefore,
                502,
                "connection_lost",
                "chunk",
            ),
            (
                CommandKind::UploadChunk,
                ScriptedAnswer::Code(846_609),
                502,
                "connection_lost",
                "chunk",
            ),
            (
                CommandKind::UploadFinish,
                ScriptedAnswer::DropBefore,
                502,
                "connection_lost",
                "finish",
            ),
        ] {
            scene.until_back(losses).await;
            scene.script(to, with.clone());
            let (told, problem) = scene.upload("file_name=a", bytes(1_300_000)).await;
            let found = (told, &problem["code"], &problem["step"]);
            assert_eq!(
                found,
                (status, &json!(code), &json!(step)),
                "{with:?}: {problem}"
            );
            let platform_code = match with {
                ScriptedAnswer::Code(code) if code != 846_609 => json!(code),
                _ => Value::Null,
            };
            assert_eq!(problem["platform_code"], platform_code, "{problem}");
            losses += u64::from(code == "connection_lost");
        }
    });
}

#[test]
fn so_many_at_once_and_no_more() {
    with_scene(|scene| async move {
        let all = uploads_at_once().try_into().expect("a few");
        let places = scene.served.admin.uploads.try_acquire_many(all);
        let places = places.expect("nobody uploads");
        let (status, problem) = scene.upload("file_name=a", bytes(5)).await;
        let told = (status, &problem["code"]);
        assert_eq!(told, (429, &json!("too_many_uploads")), "{problem}");
        drop(places);
        // One that fails gives its place back as well.
        for _ in 0..=uploads_at_once() {
            scene.script(CommandKind::UploadInit, ScriptedAnswer::Code(40_058));
            let (status, problem) = scene.upload("file_name=a", bytes(5)).await;
            assert_eq!(status, 502, "{problem}");
        }
    });
}

fn uploads_at_once() -> usize {
    super::super::uploads::MOST_AT_ONCE
}

#[test]
fn a_bot_that_is_not_live_takes_none_and_says_what_it_is() {
    with_scene(|scene| async move {
        let (_, problem) = scene
            .served
            .post(
                "/admin/v1/installations/nobody/uploads?file_name=a",
                json!(5),
            )
            .await;
        assert_eq!(problem["code"], "unknown_installation");
        scene.served.post("/admin/v1/installations", bot("f")).await;
        scene.until_is("f", "stopped").await;
        let (_, problem) = scene
            .served
            .post("/admin/v1/installations/f/uploads?file_name=a", json!(5))
            .await;
        assert_eq!(problem["code"], "no_requests");
        scene
            .sim
            .control()
            .fault(Target::Bot(BOT.to_owned()), ConnectionFault::Displace);
        scene.until("displaced").await;
        let (status, problem) = scene.upload("file_name=a", bytes(5)).await;
        assert_eq!((status, &problem["code"]), (503, &json!("displaced")));
        scene
            .served
            .post("/admin/v1/installations/w/stop", Value::Null)
            .await;
        scene.until("stopped").await;
        let (status, problem) = scene.upload("file_name=a", bytes(5)).await;
        assert_eq!((status, &problem["code"]), (503, &json!("not_connected")));
    });
}
