//! The platform posts over TLS to the reverse proxies of the page about them, with the configuration that stands there.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use longwire_sim::{HttpPush, HttpPushState, Payload};
use longwire_tests::{
    ENCRYPT_KEY, Gateway, Setup, VERIFICATION_TOKEN, app_id, free_address, platform,
    save_request_url, wait_posted, wait_until,
};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::json;
use tempfile::TempDir;

const BOT: &str = "a";
const PAGE: &str = include_str!("../../crates/longwire/docs/reverse-proxy.md");
/// Where nginx connects to the gateway from, so that it is not the platform's address.
const NGINX: &str = "127.0.0.3";

/// The block of the page in this language.
fn block(language: &str) -> &'static str {
    let (_, rest) = PAGE
        .split_once(&format!("```{language}\n"))
        .expect("the page has such a block");
    rest.split_once("```").expect("the block ends").0
}

/// S232: nginx, which passes on who asks.
#[test]
fn nginx_as_the_page_has_it() {
    through(NGINX, |directory, address, gateway| {
        let server = block("nginx")
            .replace("127.0.0.1:7700", &gateway.to_string())
            .replace("listen 443 ssl;", &format!("listen {address} ssl;"))
            .replace(
                "proxy_http_version 1.1;",
                &format!("proxy_http_version 1.1; proxy_bind {NGINX};"),
            )
            .replace("/etc/ssl/bots.example.com.pem", "chain.pem")
            .replace("/etc/ssl/bots.example.com.key", "key.pem");
        let file = format!(
            "daemon off; pid nginx.pid; error_log nginx.log;\nevents {{}}\nhttp {{ access_log off;\n{server}}}\n"
        );
        std::fs::write(directory.join("nginx.conf"), file).expect("the file is written");
        let mut command = Command::new("nginx");
        command
            .arg("-p")
            .arg(directory)
            .args(["-c", "nginx.conf", "-e", "nginx.log"]);
        command
    });
}

/// S232: Caddy, which sets the header by itself.
#[test]
fn caddy_as_the_page_has_it() {
    through("127.0.0.1", |directory, address, gateway| {
        let site = format!("https://{address} {{\n\ttls chain.pem key.pem\n");
        let server = block("caddy")
            .replace("127.0.0.1:7700", &gateway.to_string())
            .replacen("bots.example.com {\n", &site, 1);
        let file = format!("{{\n\tadmin off\n\tauto_https off\n}}\n{server}");
        std::fs::write(directory.join("Caddyfile"), file).expect("the file is written");
        let mut command = Command::new("caddy");
        command
            .args(["run", "--config", "Caddyfile", "--adapter", "caddyfile"])
            .env("HOME", directory)
            .current_dir(directory);
        command
    });
}

/// A process that ends with the story.
struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        // Its workers are asked to end by itself, which a kill would not let it do.
        let _ = rustix::process::kill_process(
            rustix::process::Pid::from_child(&self.0),
            rustix::process::Signal::TERM,
        );
        let _ = self.0.wait();
    }
}

/// Starts the proxy that `configure` gives the command of, and posts through it. `proxy` is the address that it connects from.
fn through(proxy: &str, configure: impl Fn(&Path, SocketAddr, SocketAddr) -> Command) {
    let directory = TempDir::new().expect("a temporary directory");
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
    let pem = cert.pem();
    std::fs::write(directory.path().join("chain.pem"), &pem).expect("the file is written");
    std::fs::write(
        directory.path().join("key.pem"),
        signing_key.serialize_pem(),
    )
    .expect("the file is written");
    let (address, public) = (free_address(), free_address());
    let mut command = configure(directory.path(), address, public);
    let name = command.get_program().display().to_string();
    let started = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut started = match started {
        Ok(child) => Proxy(child),
        Err(error) => {
            let what = format!("SKIPPED: {name} is not installed: {error}");
            assert!(std::env::var_os("CI").is_none(), "{what}");
            // Written to the real standard error, because the test harness hides the output of a passing test.
            let _ = writeln!(std::io::stderr(), "{what}");
            return;
        }
    };
    wait_until("the proxy listens", || {
        if let Ok(Some(status)) = started.0.try_wait() {
            let log = std::fs::read_to_string(directory.path().join("nginx.log"));
            panic!("{name} ended with {status}: {log:?}");
        }
        TcpStream::connect(address)
            .map(drop)
            .map_err(|error| error.to_string())
    });
    let sim = platform(|settings| {
        settings.trust_pem = Some(pem.clone());
        settings.ladder = Vec::new();
    });
    let gateway = |sources: &str| {
        Setup::new(&sim)
            .set("server.listen", public.to_string())
            .set("callbacks.trusted_proxies", json!([proxy]))
            .set("callbacks.sources", json!([sources]))
            .bot(BOT)
            .with_callbacks()
            .start()
    };
    let url = format!("https://{address}/callbacks/feishu/{BOT}");
    posted(&gateway("127.0.0.1"), &sim, &url);
    // The next gateway has a store of its own.
    sim.control().reset();
    // The platform's address is not among these, whatever the proxy's own is.
    let gateway = gateway("203.0.113.7");
    let control = sim.control();
    let push = control
        .push_http(&app_id(BOT), HttpPush::default())
        .expect("it has a URL");
    let record = wait_until("the platform has an answer", || {
        let record = control.http_record(push).ok_or("no record")?;
        if record.tries.is_empty() {
            Err(format!("{record:?}"))
        } else {
            Ok(record)
        }
    });
    assert_eq!(record.tries[0].status, Some(403), "{record:?}");
    drop(gateway);
}

fn posted(gateway: &Gateway, sim: &longwire_sim::Sim, url: &str) {
    let control = sim.control();
    let saved = save_request_url(&control, BOT, url, VERIFICATION_TOKEN, Some(ENCRYPT_KEY));
    saved.expect("the challenge comes through");
    let push = control
        .push_http(&app_id(BOT), HttpPush::default())
        .expect("it has a URL");
    let record = wait_posted(&control, push);
    assert!(gateway.event(&record.event_id).is_some(), "{record:?}");
    // What is too long ends at the proxy. Caddy finds that out while it already asks longwire, and says so.
    let long = HttpPush::of(Payload::MadeUp { bytes: 1 << 20 });
    let push = control.push_http(&app_id(BOT), long).expect("it has a URL");
    let record = wait_until("the platform has an answer", || {
        let record = control.http_record(push).ok_or("no record")?;
        if record.state == HttpPushState::Lost {
            Ok(record)
        } else {
            Err(format!("{record:?}"))
        }
    });
    let refused = matches!(record.tries[0].status, Some(413 | 502));
    assert!(refused, "{record:?}");
}
