//! Files: ciphertexts, chunks, names, and the limits of texts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use longwire_wire::wecom::limit::{CONTENT_BYTES, FEEDBACK_ID_BYTES, cut_content};
use longwire_wire::wecom::media::upload::{self, Checksum};
use longwire_wire::wecom::media::{
    DecryptError, MAX_CHUNKS, MediaKind, MediaLimits, UploadPlan, UploadRefusal, check_name,
    decrypt, file_name,
};
use serde_json::Value;

use super::vectors::{VECTORS, case};

#[test]
fn downloads_are_decrypted() {
    let mut good = 0;
    for vector in &VECTORS.decrypt_vectors {
        let ciphertext = STANDARD.decode(&vector.ciphertext_b64).expect("base64");
        let found = decrypt(&vector.aeskey, &ciphertext);
        if vector.ok {
            let plaintext = vector.plaintext_b64.as_ref().expect("present");
            let plaintext = STANDARD.decode(plaintext).expect("base64");
            assert_eq!(found, Ok(plaintext), "{}", vector.name);
            good += 1;
            continue;
        }
        let expected = match vector.name.as_str() {
            "length_not_multiple_of_16" => DecryptError::Truncated,
            "empty_ciphertext" => DecryptError::Empty,
            "key_of_31_bytes" => DecryptError::KeyLength(31),
            _ => DecryptError::Padding,
        };
        assert_eq!(found, Err(expected), "{}", vector.name);
    }
    assert_eq!(good, 10);
    let no_key = decrypt("no key!", &[0; 32]);
    assert_eq!(no_key, Err(DecryptError::KeyNotBase64));
}

/// S150, S151, S167, S169: the sum is computed piece by piece, and chunks are ranges of the file.
#[test]
fn uploads_are_cut_and_summed() {
    for vector in &VECTORS.upload_vectors {
        let (name, file) = (&vector.name, vector.file());
        let kind = MediaKind::parse(&vector.r#type).expect(name);
        let mut checksum = Checksum::default();
        file.chunks(65_537).for_each(|part| checksum.update(part));
        assert_eq!(checksum.finish(), vector.md5, "{name}");
        let plan = UploadPlan::of(vector.total_size, kind, &MediaLimits::default());
        assert_eq!(plan.is_ok(), vector.accept, "{name}: {plan:?}");
        let Ok(plan) = plan else { continue };
        assert_eq!(plan.chunk_count(), vector.total_chunks, "{name}");
        assert!(plan.chunk_count() <= MAX_CHUNKS, "{name}");
        let ranges: Vec<_> = plan.chunks().collect();
        assert_eq!(ranges.len() as u64, vector.total_chunks, "{name}");
        let parts = ranges.iter();
        let parts = parts.map(|range| &file[range.start as usize..range.end as usize]);
        let whole = parts.collect::<Vec<_>>().concat();
        assert!(whole == file, "{name}: the chunks are the file");
        let last = ranges.last().expect("at least one");
        assert_eq!(Some(last.end - last.start), vector.last_chunk_len, "{name}");
        let last = &file[last.start as usize..last.end as usize];
        let encoded = STANDARD.encode(last).len();
        assert_eq!(Some(encoded), vector.last_chunk_base64_len, "{name}");
        for chunk in vector.chunks.iter().flatten() {
            let range = &ranges[chunk.index];
            let bytes = &file[range.start as usize..range.end as usize];
            assert_eq!(bytes.len(), chunk.len, "{name}");
            let mut checksum = Checksum::default();
            checksum.update(bytes);
            assert_eq!(checksum.finish(), chunk.md5, "{name}");
            let body = upload::chunk("U", chunk.index, bytes);
            let body: Value = serde_json::from_str(body.get()).expect("json");
            let data = body["base64_data"].as_str().expect("text");
            assert_eq!(data.len(), chunk.base64_len, "{name}");
            assert!(data.starts_with(&chunk.base64_first_16), "{name}");
        }
    }
}

/// S151 and S168: the platform refuses an empty file.
#[test]
fn what_is_refused_says_why() {
    let refusal =
        |len, kind| UploadPlan::of(len, kind, &MediaLimits::default()).expect_err("refused");
    let mb = 1024 * 1024;
    assert_eq!(
        refusal(0, MediaKind::File),
        UploadRefusal::TooShort { len: 0 }
    );
    assert_eq!(
        refusal(4, MediaKind::File),
        UploadRefusal::TooShort { len: 4 }
    );
    let long = |len, max, kind| UploadRefusal::TooLong { len, max, kind };
    let file = long(20 * mb + 1, 20 * mb, MediaKind::File);
    assert_eq!(refusal(20 * mb + 1, MediaKind::File), file);
    let voice = long(2 * mb + 1, 2 * mb, MediaKind::Voice);
    assert_eq!(refusal(2 * mb + 1, MediaKind::Voice), voice);
    let chunks = refusal(50 * mb + 1, MediaKind::File);
    assert_eq!(chunks.to_string(), "file too large: 101 chunks (max 100)");
    assert_eq!(check_name(""), Err(UploadRefusal::NoName));
    assert_eq!(check_name(&"n".repeat(256)), Ok(()));
    let name = "汉".repeat(86);
    assert_eq!(
        check_name(&name),
        Err(UploadRefusal::NameTooLong { len: 258 })
    );
    let strict = MediaLimits {
        image: 2 * mb,
        ..MediaLimits::default()
    };
    assert!(UploadPlan::of(2 * mb + 1, MediaKind::Image, &strict).is_err());
    assert_eq!(strict.fitting(MediaKind::Image, 2 * mb), MediaKind::Image);
    assert_eq!(
        strict.fitting(MediaKind::Image, 2 * mb + 1),
        MediaKind::File
    );
}

/// S164 to S166: bodies as in the vectors, to the letter.
#[test]
fn the_three_steps_of_an_upload() {
    let vectors = &VECTORS.upload_vectors;
    let name = "two_full_chunks_plus_one_byte";
    let vector = vectors.iter().find(|vector| vector.name == name);
    let vector = vector.expect(name);
    let plan =
        UploadPlan::of(vector.total_size, MediaKind::File, &MediaLimits::default()).expect("fits");
    let check = |name, body: &str| {
        let pointer = format!("@upload:{}.md5", vector.name);
        let text = case(name).text.replace(&pointer, &vector.md5);
        assert!(
            text.ends_with(&format!(r#""body":{body}}}"#)),
            "{name}: {body}"
        );
    };
    check(
        "upload_init",
        upload::init(&plan, "report.bin", &vector.md5).get(),
    );
    check(
        "upload_chunk_last_of_three",
        upload::chunk("UPL_0001", 2, &vector.file()[1_048_576..]).get(),
    );
    check("upload_finish", upload::finish("UPL_0001").get());
}

#[test]
fn downloads_are_named() {
    for vector in &VECTORS.content_disposition_vectors {
        assert_eq!(
            file_name(&vector.header),
            vector.filename,
            "{}",
            vector.header
        );
    }
}

#[test]
fn texts_are_cut_at_their_limit() {
    for vector in &VECTORS.limit_vectors {
        let (name, text) = (&vector.name, vector.text());
        assert_eq!(text.len(), vector.utf8_bytes, "{name}");
        let limit = match name.split_once('_').expect("a name").0 {
            "content" => CONTENT_BYTES,
            "feedback" => FEEDBACK_ID_BYTES,
            other => panic!("a limit of {other}"),
        };
        let (kept, rest) = cut_content(&text, limit);
        assert_eq!(rest.is_empty(), vector.accept, "{name}");
        assert_eq!(format!("{kept}{rest}"), text, "{name}");
        if let Some(counts) = &vector.split_at_char_boundary {
            let found = vec![kept.chars().count(), rest.chars().count()];
            assert_eq!(&found, counts, "{name}");
        }
    }
}
