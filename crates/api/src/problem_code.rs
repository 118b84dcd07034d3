//! Every code that a problem may have: its status, its title, what it means and what to do. `/problems/{code}` answers a page
//! of it.
//!
//! The handlers of this crate make their problems of it alone. Codes of the listener and of the admin interface stand here as
//! well, because the address of their page is in every problem.

use actix_web::http::StatusCode;
use longwire_consumer::{DefinitionFault, DefinitionFaults};
use longwire_listener::{FieldError, Problem};

macro_rules! problem_codes {
    ($($name:ident = $status:literal, $code:literal, $title:literal, $meaning:literal, $advice:literal;)+) => {
        /// What went wrong with a request, by a name that never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(crate) enum ProblemCode {
            $(#[doc = $meaning] $name,)+
        }

        impl ProblemCode {
            /// All of them.
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)+];

            /// Its status, code, title, meaning and advice.
            fn text(self) -> (u16, &'static str, &'static str, &'static str, &'static str) {
                match self {
                    $(Self::$name => ($status, $code, $title, $meaning, $advice),)+
                }
            }
        }
    };
}

problem_codes! {
    InvalidRequest = 400, "invalid_request", "The request is not what it has to be",
        "A parameter or a member of the body is missing, unknown, of another type, or not allowed. Nothing was changed.",
        "Look at `errors`: each has the place (`pointer`; a parameter of the query begins with `?`), a code, and what would be right.";
    CallbackUnreadable = 400, "callback_unreadable", "The callback cannot be read",
        "The body is no JSON object, no callback of the platform, or cannot be decrypted with what is known of the bot.",
        "`GET /v1/installations/{installation}` shows the cause of the last refusal and what to do, `longwire installations show` too.";
    CallbackUnproven = 401, "callback_unproven", "Nothing shows that the platform sent the callback",
        "The signature or the verification token is missing, wrong, or too old.",
        "`GET /v1/installations/{installation}` shows the cause of the last refusal and what to do, `longwire installations show` too.";
    SourceRefused = 403, "source_refused", "Callbacks are not taken from this address",
        "The configuration names the addresses that callbacks may come from, and the sender's is not among them.",
        "Add the platform's addresses to `callbacks.sources`; behind a reverse proxy name the proxy in `callbacks.trusted_proxies`.";
    ForeignApp = 403, "foreign_app", "The callback is for another app",
        "The callback names another app than the bot's.",
        "Give each app the request URL of its own bot in the console.";
    CursorInvalid = 400, "cursor_invalid", "The cursor is not one of this list",
        "A cursor is opaque. This one was altered, cut off, made for another list, another space or another gateway, or by a version that is too old.",
        "Begin without a cursor, or use `next` of an answer of the same list as it is.";
    TokenMissing = 401, "token_missing", "There is no token",
        "The path needs a token, and the request brought none.",
        "Send `Authorization: Bearer lw_…`. `longwire tokens create` makes a token.";
    TokenRefused = 401, "token_refused", "The token is not valid",
        "The token is unknown, revoked, expired or mistyped. Which of these it is stands in the log of the gateway alone.",
        "`longwire tokens list` shows the tokens that are valid.";
    ScopeMissing = 403, "scope_missing", "The token may not do this",
        "The token is valid and lacks the scope that the member `scope` names.",
        "Make a token with that scope: `longwire tokens create --scope …`.";
    TokenNarrowed = 403, "token_narrowed", "The token is narrowed to installations",
        "This is about more than the installations that the token names.",
        "Use a token that is not narrowed.";
    GrantExceeded = 403, "grant_exceeded", "The token gives no more than it has",
        "A token makes and revokes tokens that allow no more than itself.",
        "Use a token that allows more.";
    TlsRequired = 400, "tls_required", "The listener speaks TLS, and the request came without",
        "`[api] tls` is set, and the client spoke plain HTTP.",
        "Write `https://` in the address. `longwire print ca` shows the authority of a certificate of longwire's own.";
    ForeignHost = 403, "foreign_host", "The name in `Host` is not this listener's",
        "The admin interface answers to the names of its host only, so that no web page reaches it under a name of its own.",
        "Use 127.0.0.1, localhost, or a name of `server.admin_hosts`.";
    ForeignOrigin = 403, "foreign_origin", "The request comes from a web page of another origin",
        "The admin interface takes no request that another web page made a browser send.",
        "Send the request without a browser, or from the gateway's own page.";
    NotFound = 404, "not_found", "There is no such thing",
        "Nothing has this path, name or id, or it belongs to a space or an installation that the token does not see.",
        "Compare the name with the list of its kind. What another space owns is answered in the same way.";
    EventsExpired = 410, "events_expired", "The events are no longer kept",
        "Retention took the events from here on, or the event of this id. `oldest` is the oldest event that is kept.",
        "Begin with `oldest`, or without a cursor. What is kept for how long stands in the section `retention` of the configuration.";
    ErasureUnderWay = 409, "erasure_under_way", "Another erasure is under way",
        "What names a person is erased for one person at a time, because each erasure reads the whole log. Nothing was changed.",
        "Send it again when the other one has ended.";
    NoAuthorization = 404, "no_authorization", "The person has not agreed",
        "There is no authorization of this person for the bot's app, or it was taken away.",
        "Begin an authorization, and let the person agree.";
    MethodNotAllowed = 405, "method_not_allowed", "The path does not take this method",
        "The path exists and takes other methods.",
        "The detail names the methods that it takes; `/openapi.json` has all of them.";
    BodyStalled = 408, "body_stalled", "The body came too slowly",
        "The gateway waits ten seconds for each 256 KiB of a body, or for its end.",
        "Send the body at once, with its length in `Content-Length`.";
    NameTaken = 409, "name_taken", "The name is taken",
        "Something else of this kind has the name, or had it and is still known.",
        "Choose another name.";
    SameBot = 409, "same_bot", "The bot has another name already",
        "Two installations of one bot would take the connection from each other.",
        "Use the installation that is there.";
    BotRefused = 422, "bot_refused", "The platform does not take the bot",
        "The platform was asked about the bot before it is kept, and does not take its id or its secret, or does not let it connect. Nothing was kept.",
        "`next_step` says what to do. Then add it again.";
    BotNotProbed = 424, "bot_not_probed", "The platform could not be asked about the bot",
        "The platform is asked about a bot before it is kept. It could not be reached, or its answer says nothing about the bot. Nothing was kept.",
        "`next_step` says what to do. With `\"probe\": false` the bot is kept without asking.";
    SpaceLimit = 409, "space_limit", "The space has as many connections as it may have",
        "The operator limits how many bots of a space are connected at once (`connections_per_space`). Nothing was changed.",
        "Stop another bot of the space, or have the limit raised.";
    NoNewSecret = 409, "no_new_secret", "No new secret waits to be tried",
        "The bot uses the newest secret that it was given, or the platform refused that one.",
        "Set the new secret with PATCH or `longwire installations set --secret`, then try it.";
    SecretRefused = 409, "secret_refused", "The platform refused the new secret",
        "The new secret is dropped. The present one serves as before, and its connection was not interrupted.",
        "`next_step` says what to do. Then set the right secret.";
    TryGivenUp = 409, "try_given_up", "The new secret was not tried to its end",
        "The bot was stopped or changed, or lost its connection meanwhile. The new secret waits, and the present one serves.",
        "Wait until it is live, then try again.";
    DeclaredByFile = 409, "declared_by_file", "The configuration file declares the installation",
        "What the file declares is what the file says. Nothing was changed.",
        "Change its `[[installation]]` in the file, and run `longwire reload`. Taken out of the file, it is stopped and can be changed and removed like any other.";
    NotWanted = 409, "not_wanted", "The bot is stopped",
        "A bot that is stopped is not tried. Nothing was changed.",
        "Start it with `longwire installations start`.";
    NoConnectionWanted = 409, "no_connection_wanted", "The bot needs no connection",
        "The bot is in webhook mode: its events come over HTTP, and it does not connect.",
        "Change its mode, if it is to connect.";
    ConfigurationRefused = 409, "configuration_refused", "The configuration file has a mistake",
        "The file was read again and is not taken over: the detail has line, column and key of the mistake, or says why the file cannot be read. Nothing was changed, and the gateway goes on as before.",
        "Correct the file, then run `longwire reload` again; `longwire check` tries it without the gateway.";
    Draining = 409, "draining", "The gateway is about to end",
        "The process takes no changes any more.",
        "Send the request again in some seconds, to the process that follows.";
    WrongRoad = 409, "wrong_road", "The consumer has another road",
        "Events of a webhook are posted, those of a pull consumer are asked for, those of a stream consumer come over its stream, and those of a relay over connections of the platform's SDK.",
        "Use the path of the consumer's road, or change `road` with PATCH.";
    AnswerRefused = 409, "answer_refused", "The answer was not used",
        "The answer is not what the platform takes, or it is late: a click on a card is answered within 2.5 seconds, after that with the default.",
        "The detail says what is wrong. Acknowledge the event all the same.";
    NothingThere = 409, "nothing_there", "There is nothing to replay",
        "No event of the log lies between the two ends.",
        "Name an earlier beginning or a later end.";
    OtherRoad = 409, "other_road", "A consumer keeps its name and its kind of road",
        "The change would make another consumer of it.",
        "Make a second consumer that begins where this one is, and remove this one.";
    ReplayLimit = 409, "replay_limit", "Too many replays are under way",
        "A consumer has a bounded number of replays at a time.",
        "Wait until one of them has ended.";
    NotRunning = 409, "not_running", "The consumer does not run",
        "What runs the consumer ended and is started again in a moment, or the consumer is paused.",
        "Send the request again in a second. `GET /v1/consumers/{name}` says why it does not run.";
    OtherPlatform = 409, "other_platform", "The bot's platform has no such thing",
        "Only bots of Feishu and Lark act for people.",
        "Use a bot of Feishu or Lark.";
    AuthorizationEnded = 409, "authorization_ended", "The person has to agree again",
        "The platform takes the person's tokens no longer, or gave none; `reason` says why.",
        "Begin a new authorization, and let the person agree.";
    NoSecret = 409, "no_secret", "The consumer has no secret",
        "Only webhooks have a secret, with which their deliveries are signed.",
        "Readers of pull and stream consumers show a token instead.";
    Outdated = 412, "outdated", "It was changed meanwhile",
        "`If-Match` names a revision that is not the newest one. Nothing was changed.",
        "Read it again, and decide anew.";
    BodyTooLarge = 413, "body_too_large", "The body is too large",
        "A JSON body has at most 1 MiB.",
        "Send less at a time.";
    NotJson = 415, "not_json", "The body is no JSON",
        "The path takes JSON alone.",
        "Send `Content-Type: application/json`.";
    RateLimited = 429, "rate_limited", "The token asks too often",
        "Each token has a number of requests per second, for reading, changing and streams each.",
        "Wait for `Retry-After`. Ask for more at a time with `limit`, and wait for events with `wait` or a stream instead of asking again and again.";
    MessageRate = 429, "message_rate", "Applications send too many messages through the bot",
        "The operator limits how many messages applications send through one bot. Nothing was sent.",
        "Wait for `Retry-After`, or let the operator raise `limits.messages_per_bot`.";
    TooManyStreams = 429, "too_many_streams", "Too many streams and waiting requests are open",
        "A stream and a request that waits hold a connection. Their number is limited, per space and per gateway.",
        "Close those that nobody reads.";
    TooManyFeeds = 429, "too_many_feeds", "Too many feeds of the overview are open",
        "Each feed holds a connection of the admin interface.",
        "Close one, or ask for the overview instead.";
    TooManyUploads = 429, "too_many_uploads", "Too many uploads are under way",
        "Each upload holds a file until the platform has it.",
        "Wait until one has ended.";
    Interrupted = 500, "interrupted", "The request was not finished",
        "The gateway began it and failed. Whether it was done is not known.",
        "Look whether it was done, and send it again if not. Report the error in the log of the gateway.";
    CallbackNotRecorded = 500, "callback_not_recorded", "The event of the callback is not recorded",
        "The store takes nothing, or not in time. The platform sends the event again, for seven hours.",
        "See to the store's disk: `longwire check`, `/readyz`.";
    CallbacksPaused = 503, "callbacks_paused", "No callbacks are taken now",
        "The bot is stopped, or too many long bodies came at once. The platform sends events again, for seven hours.",
        "`longwire installations start` starts a bot that is stopped.";
    AuditFull = 503, "audit_full", "The audit takes nothing",
        "The store takes nothing, so that the change could not be written into the audit. Nothing was changed.",
        "See to the store's disk: `longwire check`, `/readyz`.";
    StoreUnavailable = 503, "store_unavailable", "The store does not answer",
        "The database takes no question or no change now. Nothing was changed.",
        "See to the store's disk: `longwire check`, `/readyz`. Then send the request again.";
    DiskStalled = 503, "disk_stalled", "The disk does not answer",
        "The disk has hung for ten seconds. What was asked may still be done when it answers.",
        "See to the disk. Then look whether it was done.";
    DeliveryEnded = 503, "delivery_ended", "Delivery has ended",
        "The part of the gateway that delivers events ended, or the process is about to. Events are recorded still.",
        "Send the request again in some seconds. If delivery stays away, report the panic in the log and restart the gateway.";
    NoRandomBytes = 503, "no_random_bytes", "The system gives no random bytes",
        "A secret needs random bytes of the operating system, and there were none.",
        "Send the request again; if it fails again, see to the host.";
    NotDurable = 504, "not_durable", "It is done and not on disk yet",
        "The acknowledgement or the move counts in this process, and the disk has not taken it within five seconds. After a crash the events come again.",
        "Send the request again. See to the store's disk: `longwire check`, `/readyz`.";
    StoreUnsettled = 504, "store_unsettled", "The store has not said whether it did it",
        "The change was handed to the database, which has not answered in time.",
        "Look whether it was done before you send it again.";
    PlatformRefused = 502, "platform_refused", "The platform refused",
        "The platform gave no token; `reason` says why, and the detail has its code.",
        "`next_step` says what to do.";
    PlatformUnanswered = 503, "platform_unanswered", "The platform was not asked, or did not answer",
        "The bot could not ask its platform, or no answer came; `reason` says why.",
        "`next_step` says what to do. Then send the request again.";
    SecretNotTried = 502, "secret_not_tried", "The new secret could not be tried",
        "The platform said nothing about it. The new secret waits, and the present one serves as before.",
        "Try again.";
    UploadRefused = 502, "upload_refused", "The platform refused the file",
        "WeCom refused a step of the upload; `platform_code` is its code.",
        "The page of the platform on that code says what it means.";
    ConnectionLost = 502, "connection_lost", "The connection ended before the answer",
        "The platform may have done what was asked.",
        "Look whether it did before you send it again.";
    TimedOut = 504, "timed_out", "The platform has not answered",
        "The platform may have done what was asked.",
        "Look whether it did before you send it again.";
    FileTooLarge = 413, "file_too_large", "The file is too large",
        "The platform takes files of this kind up to a size.",
        "Send a smaller file.";
    FileTooSmall = 400, "file_too_small", "The file is too small",
        "The platform takes files from a size on.",
        "Send a file that is not empty.";
    FileNameRefused = 400, "file_name_refused", "The platform takes no such file name",
        "A file needs a name, which the platform limits in length.",
        "Give `file_name`, or a shorter one.";
    FileRefused = 400, "file_refused", "The platform would not take this file",
        "The file is not what the platform takes as this type. Nothing was sent.",
        "The detail says what is wrong with it.";
    BodyBroken = 400, "body_broken", "The body ended early",
        "The connection brought less than the whole body. Nothing was sent to the platform.",
        "Send it again.";
    NoReqId = 400, "no_req_id", "The command answers a callback, and none was named",
        "Some commands are taken under the `req_id` of the callback that they answer alone.",
        "Give the `req_id` of the recorded callback, or send a message of its own with `aibot_send_msg`.";
    BodyTooLong = 400, "body_too_long", "The platform takes no text of this length",
        "A text of the body is longer than the platform takes. Nothing was sent.",
        "Cut it between characters, and send the rest in a message of its own.";
    BodyRefused = 400, "body_refused", "The platform would not take this body",
        "The body is not what the platform documents of this command. Nothing was sent.",
        "The detail says what is wrong with it.";
    UnknownInstallation = 404, "unknown_installation", "There is no such installation",
        "The installation was removed, or never was there.",
        "`longwire installations list` shows those that are there.";
    NoRequests = 409, "no_requests", "The platform takes no requests over its connection",
        "Feishu and Lark are asked over their own HTTP interface.",
        "Use that interface.";
    SpentReqId = 409, "spent_req_id", "An earlier request under this `req_id` is unanswered",
        "An answer to this one could not be told from an answer to the earlier one. Nothing was sent.",
        "Say it in a message of its own, with `aibot_send_msg`.";
    Full = 429, "full", "Too many requests wait already",
        "The bot's connection has as many requests waiting as it may. Nothing was sent.",
        "Send fewer at once.";
    WebhookUnanswered = 502, "webhook_unanswered", "The webhook did not answer",
        "There was no connection to the webhook of the consumer, or no whole answer in time. It may have the event all the same.",
        "The detail says what happened. `longwire check-endpoint` tries each step.";
    UnreadableAnswer = 502, "unreadable_answer", "The platform's answer was not understood",
        "The platform answered a step of the upload with something that it does not document.",
        "Upload it again.";
    NotConnected = 503, "not_connected", "The bot is not connected",
        "The bot has no connection, so that nothing was sent.",
        "Wait until it is live, then send it again. `longwire installations show` says why it is not.";
    Displaced = 503, "displaced", "Another program has the bot",
        "A WeCom bot has one connection, which another program took over. Nothing was sent.",
        "Ask that program, or end it and take the bot back with `longwire installations start`.";
    NotSubscribed = 503, "not_subscribed", "The connection is not subscribed any more",
        "The platform refused the request, and the connection is made anew.",
        "Send it again once the bot is live, with `aibot_send_msg`: the callback's `req_id` ended with the connection.";
    NotSent = 503, "not_sent", "The connection ended before this was sent",
        "Nothing was sent.",
        "Send it again once the bot is live.";
    FileNotKept = 503, "file_not_kept", "The file could not be kept",
        "Uploads wait in the store's directory, and the file could not be written there.",
        "See to its disk and its permissions, then send it again.";
    FileUnreadable = 503, "file_unreadable", "The file that waited cannot be read",
        "Uploads wait in the store's directory, and the file could not be read back.",
        "See to its disk, then send it again.";
    UploadExpired = 504, "upload_expired", "The upload took too long",
        "The platform forgets an upload that is not finished in time.",
        "Upload it again.";
    DiskFull = 507, "disk_full", "The store's disk is full",
        "Uploads wait on the store's disk, where there is no space for this one.",
        "Free space there, then send it again.";
}

impl ProblemCode {
    /// The code of this name.
    pub(crate) fn find(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.code() == code)
    }

    /// Its name in problems, which never changes.
    pub(crate) fn code(self) -> &'static str {
        self.text().1
    }

    /// The status of an answer with it.
    pub(crate) fn status(self) -> StatusCode {
        StatusCode::from_u16(self.text().0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// What went wrong, in a few words.
    pub(crate) fn title(self) -> &'static str {
        self.text().2
    }

    /// What it means.
    pub(crate) fn meaning(self) -> &'static str {
        self.text().3
    }

    /// What to do about it.
    pub(crate) fn advice(self) -> &'static str {
        self.text().4
    }

    /// A problem of this kind, with what is known of this one.
    pub(crate) fn problem(self, detail: impl Into<String>) -> Problem {
        Problem::new(self.status(), self.code(), detail)
    }
}

/// A problem with each mistake of a definition, for the routes of other crates that read the same bodies.
#[must_use]
pub fn definition_problem(faults: &DefinitionFaults) -> Problem {
    body_problem(faults.all())
}

/// A problem with each mistake of a body.
pub(crate) fn body_problem(faults: &[DefinitionFault]) -> Problem {
    let problem = ProblemCode::InvalidRequest.problem("the body is not what is wanted");
    faults.iter().fold(problem, |problem, fault| {
        problem.with_error(FieldError {
            pointer: fault.pointer.clone(),
            code: fault.code.label(),
            detail: fault.detail.clone(),
        })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Texts of a source that look like the code of a problem, outside its tests.
    fn literals(source: &str) -> impl Iterator<Item = &str> {
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        let is_code = |text: &&str| {
            text.len() > 3
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        code.split('"').skip(1).step_by(2).filter(is_code)
    }

    /// The codes that follow the word in a source: of a call whose arguments have one text of that form, the first.
    fn codes_of<'a>(source: &'a str, word: &str) -> Vec<&'a str> {
        let calls = source.split(word).skip(1);
        let code = |call: &'a str| literals(call.split(')').next().unwrap_or(call)).next();
        calls.filter_map(code).collect()
    }

    fn sources(directory: &Path, all: &mut Vec<String>) {
        for entry in std::fs::read_dir(directory).expect("the directory is there") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                sources(&path, all);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && !path.ends_with("tests.rs")
            {
                all.push(std::fs::read_to_string(&path).expect("text"));
            }
        }
    }

    /// A problem names the address of its page, whichever crate makes it.
    #[test]
    fn each_code_of_other_crates_has_a_page() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut made = Vec::new();
        for of in ["listener", "admin"] {
            sources(&crates.join(of).join("src"), &mut made);
        }
        let mut codes = BTreeSet::new();
        for source in &made {
            for word in ["StatusCode::", "Problem::conflict("] {
                codes.extend(codes_of(source, word));
            }
        }
        // The labels of these errors are codes.
        let labels = [
            "request.rs",
            "fleet/upload/error.rs",
            "try_secret.rs",
            "fleet/operator.rs",
        ]
        .map(|file| std::fs::read_to_string(crates.join("fleet/src").join(file)).expect("text"));
        for source in &labels {
            let label = source.split("fn label").nth(1).expect("it has labels");
            let label = label.split("fn advice").next().unwrap_or_default();
            codes.extend(literals(label));
        }
        for known in [
            "foreign_host",
            "same_bot",
            "disk_full",
            "displaced",
            "upload_expired",
        ] {
            assert!(codes.contains(known), "{known}: {codes:?}");
        }
        let missing: Vec<_> = codes
            .iter()
            .filter(|code| ProblemCode::find(code).is_none())
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn each_code_has_a_status_and_a_page() {
        let mut codes = BTreeSet::new();
        for &code in ProblemCode::ALL {
            let text = code.code();
            assert!(codes.insert(text), "{text} stands here twice");
            assert_eq!(ProblemCode::find(text), Some(code));
            assert!(
                text.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{text}"
            );
            let status = code.status();
            assert!(
                status.is_client_error() || status.is_server_error(),
                "{text}"
            );
            let page = crate::problem_pages::page(code);
            for part in [text, code.title(), code.meaning(), code.advice()] {
                assert!(
                    page.contains(&crate::page_document::escaped(part)),
                    "{text}: {part}"
                );
            }
        }
    }
}
