//! The operations on people who let a bot's app act for them.

use actix_web::http::Method;
use longwire_access::Scope;
use serde_json::json;

use crate::openapi::reference;
use crate::operation::Operation;
use crate::problem_code::ProblemCode;
use crate::table::Table;
use crate::user_authorizations::{self as users, AuthorizationDocument};

const OF_ONE: &str = "/v1/installations/{installation}/user-authorizations/{open_id}";

pub(super) fn add(table: Table) -> Table {
    let table = table.schema::<AuthorizationDocument>();
    page(of_one(begin(table)))
}

fn write(method: Method, path: &'static str, id: &'static str) -> Operation {
    Operation::write(method, path, Scope::UsersToken, id)
}

fn begin(table: Table) -> Table {
    use ProblemCode::{AuditFull, Draining, NotFound, OtherPlatform, PlatformUnanswered};
    table
        .add(
            bot(write(
                Method::POST,
                "/v1/installations/{installation}/user-authorizations",
                "begin_user_authorization",
            ))
            .about(
                "people",
                "Ask a person to authorize the bot's app",
                "Send the person to `url`, by a link in a card: it is good for ten minutes and once. An event tells what came of it.",
            )
            .body(
                "application/json",
                true,
                json!({
                    "type": "object", "required": ["open_id", "scopes", "redirect"], "additionalProperties": false,
                    "properties": {
                        "open_id": {"type": "string", "minLength": 4, "maxLength": 256, "description": "The person, as the bot's app knows them: of a click its `sender.id`."},
                        "scopes": {"type": "array", "minItems": 1, "maxItems": 50, "items": {"type": "string", "minLength": 1, "maxLength": 256}, "description": "With `offline_access` the token can be renewed without the person."},
                        "redirect": {"type": "string", "format": "uri", "maxLength": 2048, "description": "The address of `/callbacks/feishu/{installation}/authorized` as browsers reach it and as it is registered in the console."},
                    },
                }),
                json!({
                    "open_id": "ou_7d8a6e6df7621556ce0d21922b676706",
                    "scopes": ["offline_access", "docx:document:readonly"],
                    "redirect": "https://gateway.example/callbacks/feishu/ins_00000000000000000000000000/authorized",
                }),
            )
            .may_fail(&[NotFound, OtherPlatform, PlatformUnanswered, AuditFull, Draining])
            .json(
                201,
                "It is begun.",
                json!({
                    "type": "object", "required": ["open_id", "url", "until"],
                    "properties": {
                        "open_id": {"type": "string"},
                        "url": {"type": "string", "format": "uri", "description": "The platform's page."},
                        "until": {"type": "string", "format": "date-time"},
                    },
                }),
            ),
            users::begin,
        )
}

fn of_one(table: Table) -> Table {
    use ProblemCode::{
        AuditFull, AuthorizationEnded, Draining, NoAuthorization, NotFound, OtherPlatform,
        PlatformRefused, PlatformUnanswered, StoreUnavailable,
    };
    table
        .add(
            person(bot(Operation::get(OF_ONE, Scope::InstallationsRead, "show_user_authorization")))
                .about("people", "Show what a person agreed to", "Without any token.")
                .may_fail(&[NotFound, NoAuthorization, StoreUnavailable])
                .json(200, "What is kept.", reference("UserAuthorization")),
            users::show,
        )
        .add(
            person(bot(write(
                Method::POST,
                "/v1/installations/{installation}/user-authorizations/{open_id}/token",
                "give_user_token",
            )))
            .about(
                "people",
                "Get a token to act for a person",
                "It is renewed first if it ends within five minutes. Keep it until `until`, and ask for the next one then.",
            )
            .may_fail(&[
                NotFound, NoAuthorization, AuthorizationEnded, OtherPlatform, PlatformRefused,
                PlatformUnanswered, StoreUnavailable, AuditFull, Draining,
            ])
            .json(
                200,
                "The token.",
                json!({
                    "type": "object", "required": ["access_token", "until", "scopes"],
                    "properties": {
                        "access_token": {"type": "string"},
                        "until": {"type": "string", "format": "date-time"},
                        "scopes": {"type": "array", "items": {"type": "string"}},
                    },
                }),
            ),
            users::token,
        )
        .add(
            person(bot(write(Method::DELETE, OF_ONE, "remove_user_authorization")))
                .about(
                    "people",
                    "Forget what a person agreed to",
                    "Its tokens are wiped here. The person revokes the authorization at the platform.",
                )
                .may_fail(&[NotFound, NoAuthorization, StoreUnavailable, AuditFull, Draining])
                .answers(204, "It is forgotten.", "", json!({})),
            users::remove,
        )
}

/// Where the platform sends a person back to.
fn page(table: Table) -> Table {
    table.add(
        bot(Operation::open(
            "/callbacks/feishu/{installation}/authorized",
            "finish_user_authorization",
        ))
        .about(
            "people",
            "The page to which the platform sends a person back",
            "It says in both languages whether it worked, and nothing of the request.",
        )
        .query("code", "The platform's code.", json!({"type": "string"}))
        .query("state", "As the page had it.", json!({"type": "string"}))
        .answers(
            200,
            "The person has agreed.",
            "text/html",
            json!({"type": "string"}),
        )
        .answers(
            400,
            "It did not work.",
            "text/html",
            json!({"type": "string"}),
        ),
        users::finish,
    )
}

fn bot(operation: Operation) -> Operation {
    operation.path_part(
        "installation",
        "Its id or name.",
        "ins_00000000000000000000000000",
    )
}

fn person(operation: Operation) -> Operation {
    operation.path_part(
        "open_id",
        "The person, as the bot's app knows them.",
        "ou_7d8a6e6df7621556ce0d21922b676706",
    )
}
