//! The operation of `/callbacks`.

use crate::callbacks;
use crate::operation::Operation;
use crate::table::Table;

pub(super) fn add(table: Table) -> Table {
    let path = "/callbacks/feishu/{installation}";
    let operation = Operation::callback(path, "take_callback")
        .about(
            "callbacks",
            "Take a callback of Feishu or Lark",
            "The request URL for the developer console: events and callbacks, plain or encrypted, schema 1.0 and 2.0, cards of both \
             generations, and the challenge when the URL is saved. The event is durable before the answer 200. There is no token; \
             the bot's verification token or encrypt key shows whom the request is from, and a bot without either takes none.",
        )
        .path_part("installation", "Its id or name.", "ins_00000000000000000000000000");
    table.add(operation, callbacks::take)
}
