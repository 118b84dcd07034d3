//! The operation of `/callbacks`.

use serde_json::json;

use crate::callbacks;
use crate::operation::Operation;
use crate::problem_code::ProblemCode;
use crate::table::Table;

pub(super) fn add(table: Table) -> Table {
    let path = "/callbacks/feishu/{installation}";
    let operation = Operation::open_post(path, "take_callback")
        .about(
            "callbacks",
            "Take a callback of Feishu or Lark",
            "The request URL for the developer console: events and callbacks, plain or encrypted, schema 1.0 and 2.0, cards of both \
             generations, and the challenge when the URL is saved. The event is durable before the answer 200. There is no token; \
             the bot's verification token or encrypt key shows whom the request is from, and a bot without either takes none.",
        )
        .path_part("installation", "Its id or name.", "ins_00000000000000000000000000")
        .body(
            "application/json",
            true,
            json!({"type": "object"}),
            json!({"challenge": "ajls384kdjx98XX", "token": "xxxxxx", "type": "url_verification"}),
        )
        .may_fail(&[
            ProblemCode::CallbackUnreadable,
            ProblemCode::CallbackUnproven,
            ProblemCode::SourceRefused,
            ProblemCode::ForeignApp,
            ProblemCode::CallbackNotRecorded,
            ProblemCode::CallbacksPaused,
        ])
        .json(
            200,
            "It is recorded; of a card event the body is its result, of a challenge the challenge.",
            json!({"type": "object"}),
        );
    table.add(operation, callbacks::take)
}
