//! A file that an application uploads to a WeCom bot's platform arrives whole, or the application gets the step that
//! failed and the reason. In every case no part of it stays on the disk.

use std::path::PathBuf;

use longwire_sim::wecom::{
    Behaviour, CommandKind, ConnectionFault, Push, ScriptedAnswer, Sim, Target, Via,
};
use longwire_tests::{Gateway, Setup, bot_id, live_wecom_bot, wait_until, wecom_platform};
use serde_json::{Value, json};

/// Three chunks of 512 KiB, the last one shorter.
const LEN: usize = 1_300_000;

const PATH: &str = "/admin/v1/installations/a/uploads?file_name=report.pdf";

fn file() -> Vec<u8> {
    (0..LEN).map(|at| (at % 251) as u8).collect()
}

#[track_caller]
fn upload(gateway: &Gateway, bytes: &[u8]) -> (u16, Value) {
    let answer = gateway.admin().post_bytes(PATH, bytes.len() as u64, bytes);
    let answer = answer.expect("an answer");
    nothing_is_left(gateway);
    (answer.status, answer.json())
}

/// The file has no name in the directory, and soon nobody has it open.
#[track_caller]
fn nothing_is_left(gateway: &Gateway) {
    let directory = gateway.database();
    let directory = directory.parent().expect("a file is in a directory");
    for entry in std::fs::read_dir(directory).expect("the directory is there") {
        let entry = entry.expect("an entry");
        let name = entry.file_name();
        let name = name.to_string_lossy();
        assert!(
            name.starts_with("longwire.") || entry.path().is_dir(),
            "{name}"
        );
    }
    wait_until("the upload's file is closed", || match open_file(gateway) {
        None => Ok(()),
        Some(file) => Err(file.display().to_string()),
    });
}

/// A file without a name that the gateway has open in the store's directory.
fn open_file(gateway: &Gateway) -> Option<PathBuf> {
    let open = std::fs::read_dir(format!("/proc/{}/fd", gateway.id())).expect("this is Linux");
    let mut links = open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    let database = gateway.database();
    let directory = database.parent()?;
    links.find(|link| link.starts_with(directory) && link.to_string_lossy().ends_with(" (deleted)"))
}

fn upload_commands(sim: &Sim) -> u64 {
    let commands = sim.control().ledger().commands;
    let uploads = commands
        .iter()
        .filter(|(name, _)| name.contains("_upload_"));
    uploads.flat_map(|(_, codes)| codes.values()).sum()
}

/// S164 to S166 and S171: the platform has compared length and checksum, and users see the file.
#[test]
fn a_file_arrives_whole_and_is_shown_as_a_reply() {
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    let control = sim.control();
    let (status, taken) = upload(&gateway, &file());
    assert_eq!((status, &taken["type"]), (200, &json!("file")), "{taken}");
    let uploaded = control.uploaded();
    assert_eq!(uploaded.len(), 1);
    assert_eq!(taken["media_id"], *uploaded[0].media_id);
    assert_eq!(uploaded[0].file_name, "report.pdf");
    assert!(uploaded[0].bytes == file(), "byte by byte");
    let push = control.push(&bot_id("a"), Push::text("the report, please"));
    let msgid = control.record(push).expect("it is new").msgid;
    let event = wait_until("the message is recorded", || {
        gateway.event(&msgid).ok_or_else(|| "not yet".to_owned())
    });
    let req_id = event.trace_id.expect("a callback has a req_id");
    let body = json!({ "msgtype": "file", "file": { "media_id": taken["media_id"] } });
    let answer = gateway.ask("a", "aibot_respond_msg", Some(&req_id), body);
    assert_eq!(answer.json()["code"], 0, "{}", answer.body);
    let shown = control.shown(None);
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].via, Via::Reply(req_id.to_string()));
}

/// The platform has it, and its answer is lost: it is sent again, which the platform documents as harmless.
#[test]
fn a_chunk_whose_answer_is_lost_is_sent_again() {
    let (sim, gateway) = live_wecom_bot(|setup| setup.set("timing.upload_ack", "2s"));
    let control = sim.control();
    control.behaviour(
        None,
        Behaviour::answer(CommandKind::UploadChunk, ScriptedAnswer::Silence).times(1),
    );
    let (status, taken) = upload(&gateway, &file());
    assert_eq!(status, 200, "{taken}");
    let ledger = control.ledger();
    assert!(
        ledger.answered("aibot_upload_media_chunk", 0) > 3,
        "{ledger:?}"
    );
    assert!(control.uploaded()[0].bytes == file());
}

/// And one that is never answered is told with its step.
#[test]
fn a_step_that_is_never_answered_is_told() {
    let (sim, gateway) = live_wecom_bot(|setup| setup.set("timing.upload_ack", "500ms"));
    let control = sim.control();
    control.behaviour(
        None,
        Behaviour::answer(CommandKind::UploadChunk, ScriptedAnswer::Ignore),
    );
    let (status, problem) = upload(&gateway, b"hello");
    let told = (
        status,
        &problem["code"],
        &problem["step"],
        &problem["chunk"],
    );
    let wanted = (504, &json!("timed_out"), &json!("chunk"), &json!(0));
    assert_eq!(told, wanted, "{problem}");
    let ledger = control.ledger();
    assert_eq!(
        ledger.answered("aibot_upload_media_chunk", -1),
        3,
        "{ledger:?}"
    );
}

/// A day's patience with the platform, and the answer comes all the same: nobody waits for what cannot come. The bot is
/// back by itself, and so is the upload when it is asked for again.
#[test]
fn a_connection_that_ends_under_way_is_told_at_once() {
    let (sim, gateway) = live_wecom_bot(|setup| setup.set("timing.upload_ack", "1d"));
    let control = sim.control();
    let second = Behaviour::answer(CommandKind::UploadChunk, ScriptedAnswer::DropBefore).after(1);
    control.behaviour(None, second.times(1));
    let (status, problem) = upload(&gateway, &file());
    let told = (status, &problem["code"], &problem["step"]);
    assert_eq!(
        told,
        (502, &json!("connection_lost"), &json!("chunk")),
        "{problem}"
    );
    assert!(control.uploaded().is_empty());
    gateway.wait_installation("a", "live again", |view| {
        view["state"] == "live" && view["generation"] == 2
    });
    let (status, taken) = upload(&gateway, &file());
    assert_eq!(status, 200, "{taken}");
    assert!(control.uploaded()[0].bytes == file());
}

/// By its announced length alone: not a byte of it has to come.
#[test]
fn a_file_that_is_too_large_is_refused_before_anything_is_sent() {
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    for (query, most) in [
        ("", 20),
        ("&type=image", 10),
        ("&type=video", 10),
        ("&type=voice", 2),
    ] {
        let announced = most * 1024 * 1024 + 1;
        let answer = gateway
            .admin()
            .post_bytes(&format!("{PATH}{query}"), announced, b"")
            .expect("an answer");
        let problem = answer.json();
        assert_eq!(
            (answer.status, &problem["code"]),
            (413, &json!("file_too_large"))
        );
        let detail = problem["detail"].as_str().unwrap_or_default();
        let limit = format!(
            "the file has {announced} bytes, and at most {}",
            announced - 1
        );
        assert!(detail.contains(&limit), "{detail}");
        nothing_is_left(&gateway);
    }
    assert_eq!(upload_commands(&sim), 0);
}

#[test]
fn a_client_that_leaves_half_way_leaves_nothing() {
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    let client = gateway
        .admin()
        .begin_post(PATH, LEN as u64, &file()[..LEN / 2])
        .expect("it begins");
    wait_until("the file is begun", || {
        open_file(&gateway).ok_or_else(|| "not yet".to_owned())
    });
    drop(client);
    nothing_is_left(&gateway);
    assert_eq!(upload_commands(&sim), 0);
    let (status, taken) = upload(&gateway, &file());
    assert_eq!(status, 200, "its place is free: {taken}");
}

#[test]
fn a_bot_that_another_program_took_says_so() {
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    gateway.expect_error("another program has taken the bot");
    sim.control()
        .fault(Target::Bot(bot_id("a")), ConnectionFault::Displace);
    gateway.wait_installation("a", "displaced", |view| view["state"] == "displaced");
    let (status, problem) = upload(&gateway, &file());
    assert_eq!(
        (status, &problem["code"]),
        (503, &json!("displaced")),
        "{problem}"
    );
    assert_eq!(upload_commands(&sim), 0);
}

/// Uploads wait where the events are kept: one that finds no room is refused, and its room is the events' again.
#[test]
fn a_full_disk_is_told_and_events_go_on() {
    let sim = wecom_platform(|_| ());
    let setup = Setup::without_platform().wecom_bot("a", &sim);
    let Some(gateway) = setup.start_on_volume(16 << 20) else {
        return;
    };
    gateway.wait_live("a");
    let large = vec![b'x'; 19 << 20];
    let (status, problem) = upload(&gateway, &large);
    assert_eq!(
        (status, &problem["code"]),
        (507, &json!("disk_full")),
        "{problem}"
    );
    assert_eq!(upload_commands(&sim), 0);
    let control = sim.control();
    control.push(&bot_id("a"), Push::text("still there?"));
    gateway.wait_all_recorded(&control, 1);
    let (status, taken) = upload(&gateway, &file());
    assert_eq!(status, 200, "{taken}");
}
