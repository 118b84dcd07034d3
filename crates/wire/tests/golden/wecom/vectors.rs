//! Reads the vector file.

use std::sync::LazyLock;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

pub(crate) static VECTORS: LazyLock<File> = LazyLock::new(|| {
    let text = include_str!("../../../vectors/wecom-frames.json");
    let file: File = serde_json::from_str(text).expect("the vectors are readable");
    let counts = [
        file.cases.len(),
        file.sequences.len(),
        file.decrypt_vectors.len(),
        file.upload_vectors.len(),
        file.limit_vectors.len(),
        file.content_disposition_vectors.len(),
    ];
    assert_eq!(counts, [85, 6, 17, 12, 4, 7]);
    file
});

#[derive(Deserialize)]
pub(crate) struct File {
    pub(crate) cases: Vec<Case>,
    pub(crate) sequences: Vec<Sequence>,
    pub(crate) decrypt_vectors: Vec<Decrypt>,
    pub(crate) upload_vectors: Vec<Upload>,
    pub(crate) limit_vectors: Vec<Limit>,
    pub(crate) content_disposition_vectors: Vec<ContentDisposition>,
}

#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) name: String,
    direction: String,
    pub(crate) text: String,
    pub(crate) expect: Value,
}

#[derive(Deserialize)]
pub(crate) struct Sequence {
    pub(crate) name: String,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    from: Option<String>,
    text: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Decrypt {
    pub(crate) name: String,
    pub(crate) aeskey: String,
    pub(crate) ciphertext_b64: String,
    pub(crate) plaintext_b64: Option<String>,
    pub(crate) ok: bool,
}

#[derive(Deserialize)]
pub(crate) struct Upload {
    pub(crate) name: String,
    pub(crate) r#type: String,
    pub(crate) total_size: u64,
    pub(crate) total_chunks: u64,
    pub(crate) md5: String,
    pub(crate) accept: bool,
    pub(crate) last_chunk_len: Option<u64>,
    pub(crate) last_chunk_base64_len: Option<usize>,
    pub(crate) chunks: Option<Vec<Chunk>>,
}

#[derive(Deserialize)]
pub(crate) struct Chunk {
    pub(crate) index: usize,
    pub(crate) len: usize,
    pub(crate) base64_len: usize,
    pub(crate) md5: String,
    pub(crate) base64_first_16: String,
}

#[derive(Deserialize)]
pub(crate) struct Limit {
    pub(crate) name: String,
    content: Repeated,
    pub(crate) utf8_bytes: usize,
    pub(crate) accept: bool,
    pub(crate) split_at_char_boundary: Option<Vec<usize>>,
}

#[derive(Deserialize)]
struct Repeated {
    repeat: String,
    count: usize,
    suffix: String,
}

#[derive(Deserialize)]
pub(crate) struct ContentDisposition {
    pub(crate) header: String,
    pub(crate) filename: Option<String>,
}

impl Case {
    pub(crate) fn is_servers(&self) -> bool {
        match self.direction.as_str() {
            "server_to_client" => true,
            "client_to_server" => false,
            other => panic!("{}: {other}", self.name),
        }
    }

    pub(crate) fn bytes(&self) -> Bytes {
        Bytes::from(self.text.clone())
    }

    /// A text member of `expect`.
    pub(crate) fn expected(&self, member: &str) -> Option<&str> {
        self.expect.get(member)?.as_str()
    }
}

impl Sequence {
    /// The frames of the server, which are all JSON.
    pub(crate) fn server_frames(&self) -> Vec<Bytes> {
        let steps = self.steps.iter();
        steps
            .filter(|step| step.from.as_deref() == Some("server"))
            .filter_map(|step| step.text.clone().map(Bytes::from))
            .collect()
    }
}

impl Upload {
    /// The file: `byte[i] = i mod 251`.
    pub(crate) fn file(&self) -> Vec<u8> {
        let len = self.total_size as usize;
        let period: Vec<u8> = (0..251).collect();
        let mut file = period.repeat(len.div_ceil(period.len()));
        file.truncate(len);
        file
    }
}

impl Limit {
    pub(crate) fn text(&self) -> String {
        self.content.repeat.repeat(self.content.count) + &self.content.suffix
    }
}

pub(crate) fn case(name: &str) -> &'static Case {
    let found = VECTORS.cases.iter().find(|case| case.name == name);
    found.unwrap_or_else(|| panic!("no case {name}"))
}

pub(crate) fn sequence(name: &str) -> &'static Sequence {
    let found = VECTORS.sequences.iter().find(|found| found.name == name);
    found.unwrap_or_else(|| panic!("no sequence {name}"))
}
