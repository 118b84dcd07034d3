//! Files pass through in both directions, with a small part of them in memory at a time.
//!
//! A program of its own, because it looks at the memory of its process.

#[path = "support/mod.rs"]
mod support;

use support::platform::read_head;
use support::{PATIENCE, TENANT_TOKEN, World};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// The length of each file.
const FILE_BYTES: u64 = 200 << 20;
/// What the process may take more than before at any time: buffers of five sockets, and whatever the allocator keeps.
const MOST_KIB: u64 = 24 << 10;

static PART: [u8; 64 << 10] = [7; 64 << 10];

/// A platform that takes a file and gives one.
async fn platform() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    actix_rt::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            actix_rt::spawn(serve(BufReader::new(socket)));
        }
    });
    port
}

async fn serve(mut socket: BufReader<TcpStream>) -> Option<()> {
    loop {
        let (line, headers) = read_head(&mut socket).await?;
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length: u64 = length.map_or(0, |(_, value)| value.parse().expect("a length"));
        let taken = drain(&mut socket, length).await;
        if line.starts_with("GET") {
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {FILE_BYTES}\r\n\r\n"
            );
            socket.write_all(head.as_bytes()).await.ok()?;
            for _ in 0..FILE_BYTES / PART.len() as u64 {
                socket.write_all(&PART).await.ok()?;
            }
            continue;
        }
        let body = format!(
            r#"{{"code":0,"tenant_access_token":"{TENANT_TOKEN}","expire":7200,"taken":{taken}}}"#
        );
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        socket.write_all((head + &body).as_bytes()).await.ok()?;
    }
}

/// Reads so many bytes and keeps none.
async fn drain(socket: &mut (impl tokio::io::AsyncRead + Unpin), bytes: u64) -> u64 {
    let mut part = vec![0; PART.len()];
    let mut taken = 0;
    while taken < bytes {
        match socket.read(&mut part).await {
            Ok(0) | Err(_) => break,
            Ok(read) => taken += read as u64,
        }
    }
    taken
}

/// The most memory that the process has had, in KiB; counted anew from each call on.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    std::fs::write("/proc/self/clear_refs", "5").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let kib = line.and_then(|line| line.split_ascii_whitespace().nth(1)?.parse().ok());
    kib.expect("a number")
}

#[cfg(target_os = "linux")]
#[actix_rt::test]
async fn two_hundred_megabytes_pass_in_each_direction() {
    let world = World::new(platform().await);
    let token = world.token("shop", "relay");
    let authorization = world.authorization(&token).await;
    // The first call of each kind has what is allocated once.
    world
        .call(
            "POST",
            "/open-apis/im/v1/files",
            &authorization,
            &[7; 400_000],
        )
        .await;
    peak_kib();
    let before = peak_kib();

    let mut socket = TcpStream::connect(world.address).await.expect("it listens");
    let head = format!(
        "POST /open-apis/im/v1/files HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {authorization}\r\nContent-Length: {FILE_BYTES}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.expect("the head");
    let sending = async {
        for _ in 0..FILE_BYTES / PART.len() as u64 {
            socket.write_all(&PART).await.expect("a part");
        }
    };
    timeout(PATIENCE * 2, sending)
        .await
        .expect("it passes in time");
    let answered = support::client::answer(socket).await;
    assert_eq!(answered.json()["taken"], FILE_BYTES, "{answered:?}");
    let up = peak_kib().saturating_sub(before);

    let mut socket = TcpStream::connect(world.address).await.expect("it listens");
    let path = "/open-apis/im/v1/messages/om_1/resources/file_1?type=file";
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\n\r\n");
    socket.write_all(head.as_bytes()).await.expect("the head");
    let mut socket = BufReader::new(socket);
    let (line, headers) = read_head(&mut socket).await.expect("a head");
    assert!(line.contains(" 200 "), "{line}");
    let length = headers.iter().find(|(name, _)| name == "content-length");
    assert_eq!(length.expect("a length").1, FILE_BYTES.to_string());
    let read = timeout(PATIENCE * 2, drain(&mut socket, FILE_BYTES)).await;
    assert_eq!(read.expect("it passes in time"), FILE_BYTES);
    let down = peak_kib().saturating_sub(before);

    println!("up {up} KiB, down {down} KiB more than {before} KiB before");
    assert!(
        up < MOST_KIB && down < MOST_KIB,
        "up {up} KiB, down {down} KiB"
    );
    world.stop().await;
}
