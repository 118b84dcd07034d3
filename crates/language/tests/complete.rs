//! The table against the source: every text that a person may read has Chinese, and no row is left of a text that is gone.

mod scan;
mod unseen;

use std::collections::BTreeSet;
use std::path::Path;

use longwire_language::{Catalog, CatalogEntry, Template};

use scan::Texts;
use unseen::Unseen;

fn source() -> Texts {
    scan::texts(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
}

/// Texts to write down, as rows of the table.
fn rows(texts: &[(&String, &BTreeSet<String>)]) -> String {
    let row = |(text, places): &(&String, &BTreeSet<String>)| {
        let places: Vec<&str> = places.iter().map(String::as_str).collect();
        let text = toml::Value::String((*text).clone());
        format!("# {}\n{text} = \"\"\n", places.join(", "))
    };
    texts.iter().map(row).collect()
}

#[test]
fn every_text_has_chinese_or_a_reason() {
    let texts = source();
    let table = Catalog::built_in();
    let mut unseen = Unseen::read();
    let known: BTreeSet<&str> = table
        .messages()
        .iter()
        .map(|message| message.english.as_str())
        .collect();
    let missing: Vec<_> = texts
        .sentences
        .iter()
        .filter(|(text, places)| {
            Template::parse(text).letters() >= 2 && !unseen.has_everywhere(text, places)
        })
        .filter(|(text, _)| !known.contains(text.as_str()))
        .collect();
    let words: Vec<_> = texts
        .words
        .iter()
        .filter(|(text, _)| table.word(text).is_none())
        .collect();
    assert!(
        missing.is_empty() && words.is_empty(),
        "{} texts have no Chinese. Put them into crates/language/messages, by crate, or into unseen.toml with the reason:\n{}\n\
         words.toml:\n{}",
        missing.len() + words.len(),
        rows(&missing),
        rows(&words)
    );
    let unused = unseen.unused();
    assert!(
        unused.is_empty(),
        "unseen.toml has entries for texts that are gone: {unused:#?}"
    );
}

#[test]
fn every_row_is_of_a_text_that_is_there() {
    let texts = source();
    let table = Catalog::built_in();
    let is_gone = |message: &&CatalogEntry| match message.area {
        "words" => !texts.words.contains_key(&message.english),
        "others" => false,
        _ => !texts.sentences.contains_key(&message.english),
    };
    let gone: Vec<(&str, &str)> = table
        .messages()
        .iter()
        .filter(is_gone)
        .map(|message| (message.area, message.english.as_str()))
        .collect();
    assert!(gone.is_empty(), "the source says no longer: {gone:#?}");
}

#[test]
fn no_text_is_in_the_table_twice() {
    let table = Catalog::built_in();
    let mut seen = BTreeSet::new();
    for CatalogEntry { area, english, .. } in table.messages() {
        assert!(
            seen.insert((*area == "words", english)),
            "{area}: {english:?}"
        );
    }
}

#[test]
fn both_languages_have_the_same_places() {
    for message in Catalog::built_in().messages() {
        let names = |text: &str| -> BTreeSet<String> {
            Template::parse(text).names().iter().cloned().collect()
        };
        assert_eq!(
            names(&message.english),
            names(&message.chinese),
            "{:?}",
            message.english
        );
        assert!(
            !message.chinese.trim().is_empty(),
            "{:?} has no Chinese",
            message.english
        );
    }
}

/// A text is recognized as what it was made of, whatever other templates there are.
#[test]
fn no_template_is_taken_for_another() {
    let table = Catalog::built_in();
    let mut taken = Vec::new();
    for message in table
        .messages()
        .iter()
        .filter(|message| message.area != "words")
    {
        let english = Template::parse(&message.english);
        // Values that no text has in it.
        let values: Vec<String> = (0..english.names().len())
            .map(|index| format!("⟨{index}⟩"))
            .collect();
        let value = |name: &str| {
            let index = english.names().iter().position(|known| known == name)?;
            values.get(index).map(String::as_str)
        };
        let text = english.with(value);
        let expected = Template::parse(&message.chinese).with(value);
        match table.said(&text) {
            Some(said) if said == expected => {}
            // A template of few letters is known by its values only.
            None if english.letters() < 4 => {}
            said => taken.push((text, said, expected)),
        }
    }
    assert!(taken.is_empty(), "text, said, expected: {taken:#?}");
}
