//! Media of users: linked from callbacks, encrypted, served for five minutes.

use longwire_sim::wecom::{Behaviour, Content, Media, Push, Sim};
use longwire_wire::wecom::media::decrypt;
use serde_json::Value;

use crate::client::{BOT, Client, http, start, until, wait};

fn download(sim: &Sim, link: &Value) -> (u16, String, Vec<u8>) {
    let url = link["url"].as_str().expect("a url");
    let target = url.strip_prefix(&sim.control_url()).expect("here");
    http(sim, "GET", target, "")
}

fn plain(link: &Value, ciphertext: &[u8]) -> Vec<u8> {
    let key = link["aeskey"].as_str().expect("a key");
    decrypt(key, ciphertext).expect("decrypts")
}

#[test]
fn every_kind_is_served_under_its_own_key() {
    let sim = start(|_| ());
    let mut client = Client::subscribed(&sim);
    let file = |len: usize| Media::new("报告 1.pdf", vec![7; len]);
    let mut keys = std::collections::BTreeSet::new();
    for (content, kind, len) in [
        (Content::Image(file(31)), "image", 31),
        (Content::File(file(32)), "file", 32),
        (Content::Video(file(33)), "video", 33),
    ] {
        sim.control().push(BOT, content);
        let body = client.frame()["body"].take();
        assert_eq!(body["msgtype"], kind);
        let (status, head, ciphertext) = download(&sim, &body[kind]);
        assert_eq!(status, 200);
        assert!(
            head.contains("filename*=UTF-8''%E6%8A%A5%E5%91%8A%201.pdf"),
            "{head}"
        );
        assert_eq!(ciphertext.len() % 32, 0);
        assert_eq!(plain(&body[kind], &ciphertext), vec![7; len]);
        keys.insert(body[kind]["aeskey"].as_str().expect("a key").to_owned());
    }
    assert_eq!(keys.len(), 3);
    assert!(keys.iter().any(|key| key.len() == 43) && keys.iter().any(|key| key.len() == 44));

    let items = vec![Content::Text("see".into()), Content::Image(file(5))];
    let quoting = Push::of(Content::Mixed(items.clone())).quoting(Content::Mixed(items));
    sim.control().push(BOT, quoting);
    let body = client.frame()["body"].take();
    for mixed in [&body["mixed"], &body["quote"]["mixed"]] {
        assert_eq!(mixed["msg_item"][0]["text"]["content"], "see");
        let link = &mixed["msg_item"][1]["image"];
        assert_eq!(plain(link, &download(&sim, link).2), vec![7; 5]);
    }
    assert_eq!(sim.control().ledger().downloads, 5);
}

#[test]
fn a_link_expires_and_an_unknown_one_is_not_found() {
    let sim = start(|settings| {
        settings.time_factor = 2_000.0;
        settings.idle_close = None;
    });
    let mut client = Client::subscribed(&sim);
    sim.control()
        .push(BOT, Content::File(Media::new("a", "hello")));
    let link = client.frame()["body"]["file"].take();
    until(|| download(&sim, &link).0 == 403);
    assert_eq!(http(&sim, "GET", "/media/1-0000000000000000", "").0, 404);
    let control = sim.control();
    control.behaviour(None, Behaviour::MediaHttp { status: 502 }.times(1));
    assert_eq!(download(&sim, &link).0, 502);
    wait(&control, |ledger| ledger.downloads >= 3);
}
