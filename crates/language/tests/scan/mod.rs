//! The texts of the source, by rules that a new text cannot slip through.
//!
//! ```text
//! crates/*/src/**.rs ──syn──▶ sentences  string literals of two words or more, and what `#[error]` says
//!                             help       documentation of what clap makes the command line of
//!                             words      headings of tables, keys of pages, labels of states, what `word(…)` is asked for
//! ```
//!
//! Tests, the log and panics are left out: nobody who uses the product meets the first and the last, and the log stays
//! English. What is found and meets nobody all the same stands in `messages/unseen.toml`, each with its reason.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use longwire_language::Template;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{
    Attribute, Expr, ExprCall, ExprMethodCall, Field, ImplItemFn, Item, Lit, LitStr, Meta, Variant,
};

/// Macros that write the log. It stays English.
const LOG: &[&str] = &[
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "event",
    "span",
    "trace_span",
    "debug_span",
    "info_span",
    "warn_span",
    "error_span",
];
/// Macros whose text ends the process or never leaves the compiler.
const UNSAID: &[&str] = &[
    "panic",
    "unreachable",
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "include_str",
    "include_bytes",
    "env",
    "option_env",
];
/// Derives of clap, whose fields and variants are documented in the help.
const COMMAND_LINE: &[&str] = &["Parser", "Args", "Subcommand", "ValueEnum"];
/// Functions whose literals are single words that a person reads: file, function.
const LABELS: &[(&str, &str)] = &[
    ("link/src/state.rs", "label"),
    ("store/src/timeline.rs", "label"),
    ("store/src/consumer.rs", "label"),
    ("endpoint-check/src/report.rs", "label"),
];
/// Crates of tools for whoever works on the source.
const TOOLS: &[&str] = &["bare", "fuzz", "xtask"];
/// Methods whose first argument is the key of a line.
const KEYED_LINES: &[&str] = &["line", "good", "bad", "note"];

/// What people may meet: each text with the files where it stands.
#[derive(Default)]
pub(crate) struct Texts {
    pub(crate) sentences: BTreeMap<String, BTreeSet<String>>,
    pub(crate) words: BTreeMap<String, BTreeSet<String>>,
}

/// Reads the source of every crate in `crates`.
pub(crate) fn texts(crates: &Path) -> Texts {
    let files = sources(crates);
    let parsed: Vec<(String, syn::File)> = files
        .iter()
        .map(|path| {
            let source = std::fs::read_to_string(path).expect("the source can be read");
            let place = path.strip_prefix(crates).expect("it lies there");
            let parsed = syn::parse_file(&source);
            let parsed = parsed.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (place.display().to_string(), parsed)
        })
        .collect();
    let tests: BTreeSet<String> = parsed
        .iter()
        .flat_map(|(place, file)| test_modules(place, file))
        .collect();
    let mut texts = Texts::default();
    for (place, file) in &parsed {
        let stem = place.trim_end_matches(".rs");
        let is_test = tests
            .iter()
            .any(|test| stem == test || place.starts_with(&format!("{test}/")));
        if !is_test {
            let mut scan = Scan {
                place,
                texts: &mut texts,
                is_help: false,
            };
            scan.visit_file(file);
        }
    }
    texts
}

/// Every file below `src` of a crate.
fn sources(crates: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).expect("a folder can be read");
        entries
            .map(|entry| entry.expect("an entry can be read").path())
            .collect()
    };
    let is_tool = |path: &PathBuf| TOOLS.iter().any(|tool| path.ends_with(tool));
    let mut folders: Vec<PathBuf> = entries(crates)
        .into_iter()
        .filter(|path| !is_tool(path))
        .map(|path| path.join("src"))
        .filter(|path| path.is_dir())
        .collect();
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Modules in files of their own that are compiled for tests alone, as paths without their ending.
fn test_modules(place: &str, file: &syn::File) -> Vec<String> {
    let stem = place.trim_end_matches(".rs");
    let last = stem.rsplit('/').next().unwrap_or_default();
    let folder = match last {
        "lib" | "main" | "mod" => stem.trim_end_matches(last).trim_end_matches('/'),
        _ => stem,
    };
    let modules = file.items.iter().filter_map(|item| match item {
        Item::Mod(module) if module.content.is_none() && is_for_tests(&module.attrs) => {
            Some(module.ident.to_string())
        }
        _ => None,
    });
    modules.map(|name| format!("{folder}/{name}")).collect()
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("cfg") => {
            let condition = list.tokens.to_string();
            condition == "test"
                || condition.starts_with("all (test")
                || condition.starts_with("any (test")
        }
        _ => false,
    })
}

/// Whether this is more than one word. A place for a value counts as one.
pub(crate) fn is_sentence(text: &str) -> bool {
    let words = text
        .split_whitespace()
        .filter(|word| word.chars().any(|letter| letter.is_ascii_alphabetic()));
    words.count() >= 2
}

struct Scan<'a> {
    place: &'a str,
    texts: &'a mut Texts,
    /// Within a type that clap makes the command line of.
    is_help: bool,
}

impl Scan<'_> {
    fn sentence(&mut self, text: &str) {
        if is_sentence(text) {
            self.take(text);
        }
    }

    fn take(&mut self, text: &str) {
        let places = self.texts.sentences.entry(text.to_owned()).or_default();
        places.insert(self.place.to_owned());
    }

    fn word(&mut self, text: &str) {
        let places = self.texts.words.entry(text.to_owned()).or_default();
        places.insert(self.place.to_owned());
    }

    /// The literals of a macro's arguments, at any depth, without documentation in them.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        let mut after_hash = false;
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Group(group) => {
                    let is_attribute = after_hash && group.delimiter() == Delimiter::Bracket;
                    if !is_attribute {
                        self.tokens(group.stream());
                    }
                }
                TokenTree::Literal(literal) => {
                    if let Lit::Str(text) = Lit::new(literal) {
                        self.sentence(&text.value());
                    }
                }
                TokenTree::Ident(name) => {
                    let is_macro = matches!(tokens.peek(), Some(TokenTree::Punct(mark)) if mark.as_char() == '!');
                    if is_macro && is_unsaid(&name.to_string()) {
                        tokens.next();
                        tokens.next();
                    }
                    if name == "word"
                        && let Some(TokenTree::Group(arguments)) = tokens.peek()
                        && let Ok(word) = syn::parse2::<LitStr>(arguments.stream())
                    {
                        self.word(&word.value());
                    }
                    // `.expect("…")`
                    if name == "expect" {
                        tokens.next();
                    }
                }
                TokenTree::Punct(ref mark) if mark.as_char() == '#' => {
                    after_hash = true;
                    continue;
                }
                TokenTree::Punct(_) => {}
            }
            after_hash = false;
        }
    }

    /// The paragraphs of what documents a part of the command line, as clap shows them.
    fn help(&mut self, attributes: &[Attribute]) {
        let is_hidden = attributes.iter().any(|attribute| match &attribute.meta {
            Meta::List(list) => {
                let text = list.tokens.to_string();
                text.contains("hide = true") || text.contains("flatten")
            }
            _ => false,
        });
        if is_hidden || !self.is_help {
            return;
        }
        let mut paragraphs = vec![String::new()];
        for attribute in attributes
            .iter()
            .filter(|attribute| attribute.path().is_ident("doc"))
        {
            let Meta::NameValue(doc) = &attribute.meta else {
                continue;
            };
            let Expr::Lit(literal) = &doc.value else {
                continue;
            };
            let Lit::Str(line) = &literal.lit else {
                continue;
            };
            let line = line.value();
            match (line.trim(), paragraphs.last_mut()) {
                ("", _) => paragraphs.push(String::new()),
                (line, Some(paragraph)) if paragraph.is_empty() => paragraph.push_str(line),
                (line, Some(paragraph)) => {
                    paragraph.push(' ');
                    paragraph.push_str(line);
                }
                (_, None) => {}
            }
        }
        for paragraph in paragraphs.iter().filter(|paragraph| !paragraph.is_empty()) {
            self.take(paragraph.strip_suffix('.').unwrap_or(paragraph));
        }
    }
}

fn is_unsaid(name: &str) -> bool {
    LOG.contains(&name) || UNSAID.contains(&name)
}

fn literal(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        _ => &[],
    }
}

impl<'ast> Visit<'ast> for Scan<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = attributes(item);
        if is_for_tests(attributes) {
            return;
        }
        let derives: String = attributes
            .iter()
            .filter(|attribute| attribute.path().is_ident("derive"))
            .filter_map(|attribute| attribute.meta.require_list().ok())
            .map(|list| list.tokens.to_string() + ",")
            .collect();
        let derives: Vec<&str> = derives.split([',', ':', ' ']).collect();
        let outer = self.is_help;
        self.is_help = COMMAND_LINE.iter().any(|derive| derives.contains(derive));
        if derives.contains(&"Parser") {
            self.help(attributes);
        }
        visit::visit_item(self, item);
        self.is_help = outer;
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        if is_for_tests(&item.attrs) {
            return;
        }
        if LABELS
            .iter()
            .any(|(file, function)| self.place == *file && item.sig.ident == function)
        {
            let mut labels = Labels(Vec::new());
            labels.visit_block(&item.block);
            labels.0.iter().for_each(|label| self.word(label));
        }
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_field(&mut self, field: &'ast Field) {
        self.help(&field.attrs);
        visit::visit_field(self, field);
    }

    fn visit_variant(&mut self, variant: &'ast Variant) {
        self.help(&variant.attrs);
        visit::visit_variant(self, variant);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if !attribute.path().is_ident("error") {
            return;
        }
        let Meta::List(list) = &attribute.meta else {
            return;
        };
        let mut tokens = list.tokens.clone().into_iter();
        if let Some(TokenTree::Literal(literal)) = tokens.next()
            && let Lit::Str(text) = Lit::new(literal)
        {
            let text = text.value();
            // `{0}` alone passes on what something else says.
            let is_text = Template::parse(&text).letters() > 0;
            if is_text {
                self.take(&text);
            }
        }
        self.tokens(tokens.collect());
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        let name = called
            .path
            .segments
            .last()
            .map(|part| part.ident.to_string());
        if !is_unsaid(&name.unwrap_or_default()) {
            self.tokens(called.tokens.clone());
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        if call.method == "expect" || call.method == "expect_err" {
            return self.visit_expr(&call.receiver);
        }
        if KEYED_LINES.iter().any(|method| call.method == method)
            && let Some(key) = call.args.first().and_then(literal)
            && !is_sentence(&key)
        {
            self.word(&key);
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        let is_table = matches!(&*call.func, Expr::Path(path)
            if path.path.segments.iter().map(|part| part.ident.to_string()).collect::<Vec<_>>().ends_with(&["Table".to_owned(), "new".to_owned()]));
        let is_word = matches!(&*call.func, Expr::Path(path) if path.path.is_ident("word"));
        if is_word && let Some(word) = call.args.first().and_then(literal) {
            return self.word(&word);
        }
        if is_table && let Some(Expr::Array(headings)) = call.args.first() {
            let headings: Vec<String> = headings.elems.iter().filter_map(literal).collect();
            return headings.iter().for_each(|heading| self.word(heading));
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_lit_str(&mut self, text: &'ast LitStr) {
        self.sentence(&text.value());
    }
}

/// Literals of a function.
struct Labels(Vec<String>);

impl<'ast> Visit<'ast> for Labels {
    fn visit_lit_str(&mut self, text: &'ast LitStr) {
        self.0.push(text.value());
    }
}
