//! The operations on installations.

use actix_web::http::Method;
use longwire_access::Scope;
use longwire_fleet::STATE_LABELS;
use longwire_installation::Platform;
use serde_json::json;

use crate::installations;
use crate::openapi::{list_of, reference};
use crate::operation::Operation;
use crate::problem_code::ProblemCode::{self, *};
use crate::table::Table;

const ONE: &str = "/v1/installations/{installation}";
/// What a change may be refused for.
const CHANGE: [ProblemCode; 4] = [AuditFull, StoreUnsettled, NameTaken, DiskStalled];

pub(super) fn add(table: Table) -> Table {
    retry(rotate_secret(try_secret(change(see(table)))))
}

fn one(operation: Operation) -> Operation {
    operation.path_part(
        "installation",
        "Its id or name.",
        "ins_00000000000000000000000000",
    )
}

fn write(method: Method, path: &'static str, id: &'static str) -> Operation {
    Operation::write(method, path, Scope::InstallationsWrite, id).may_fail(&CHANGE)
}

fn see(table: Table) -> Table {
    let get = |path, id| Operation::get(path, Scope::InstallationsRead, id);
    let platforms: Vec<_> = Platform::ALL.iter().map(|one| one.label()).collect();
    table
        .add(
            get("/v1/installations", "list_installations")
                .about(
                    "installations",
                    "List installations",
                    "In the order in which they were added.",
                )
                .query(
                    "state",
                    "Only those in this state. Can be given several times.",
                    json!({"type": "string", "enum": STATE_LABELS}),
                )
                .query(
                    "platform",
                    "Only those of this platform. Can be given several times.",
                    json!({"type": "string", "enum": platforms}),
                )
                .query(
                    "not_live",
                    "Only those that are wanted, need a connection and have none.",
                    json!({"type": "boolean", "default": false}),
                )
                .paged()
                .json(200, "A page.", list_of(reference("Installation"))),
            installations::list,
        )
        .add(
            one(get(ONE, "show_installation"))
                .about(
                    "installations",
                    "Show an installation",
                    "`ETag` has its revision.",
                )
                .json(200, "The installation.", reference("Installation")),
            installations::show,
        )
}

fn change(table: Table) -> Table {
    table
        .add(
            write(Method::POST, "/v1/installations", "add_installation")
                .about(
                    "installations",
                    "Add an installation",
                    "In the space of the token. What is secret is never answered. The platform is asked before the bot is kept: Feishu and Lark grant a connection that is not opened, and an app of the other region is kept with the platform that took it; WeCom is reached, and with `exclusive` the bot subscribes once. What the platform does not take is not kept.",
                )
                .body(
                    "application/json",
                    true,
                    reference("NewInstallation"),
                    json!({"name": "support-bot", "platform": "feishu", "app_id": "cli_0123456789abcdef", "app_secret": "0123456789abcdefghijklmnopqrstuv", "desired": "stop", "probe": false}),
                )
                .may_fail(&[SameBot, SpaceLimit, TokenNarrowed, BotRefused, BotNotProbed])
                .json(201, "It is added.", reference("AddedInstallation")),
            installations::create,
        )
        .add(
            one(write(Method::PATCH, ONE, "change_installation"))
                .about(
                    "installations",
                    "Change an installation",
                    "By a merge patch (RFC 7396): members that are absent stay, `null` takes away. Which bot it is stays. While the bot is connected, a new secret waits as `candidate` until the platform has taken it: on Feishu and Lark it is proven at once beside the living connection, on WeCom when it is told to be tried.",
                )
                .header("If-Match", "The `ETag` that the change is for.")
                .body(
                    "application/merge-patch+json",
                    true,
                    reference("InstallationPatch"),
                    json!({"mode": "both", "encrypt_key": "0123456789abcdefghijklmnopqrstuv"}),
                )
                .may_fail(&[DeclaredByFile, Outdated, SpaceLimit])
                .json(200, "The installation.", reference("Installation")),
            installations::change,
        )
        .add(
            one(write(Method::DELETE, ONE, "remove_installation"))
                .about(
                    "installations",
                    "Remove an installation",
                    "Its secrets are wiped and its name is free. Its events stay under its id until retention takes them, and filters that name it match them still. The same bot added again is another installation.",
                )
                .may_fail(&[DeclaredByFile])
                .answers(204, "It is removed.", "", json!({})),
            installations::remove,
        )
}

fn rotate_secret(table: Table) -> Table {
    let path = "/v1/installations/{installation}/rotate-secret";
    let operation = one(write(Method::POST, path, "rotate_installation_secret"))
        .about(
            "installations",
            "Give an installation a new secret",
            "Answers once the platform has taken or refused it, within a minute. A connected bot proves it on a second connection while the present secret serves: on Feishu and Lark without a gap, on WeCom with one, because the platform ends the first connection and with it the streams under way. A refused secret is dropped, and the present one serves on. A bot that is not connected uses the new secret at once. `PATCH` sets a secret and waits for nothing.",
        )
        .body(
            "application/json",
            true,
            json!({
                "type": "object",
                "description": "The secret under the key of its platform: `app_secret` on Feishu and Lark, `secret` on WeCom.",
                "properties": {"app_secret": {"type": "string"}, "secret": {"type": "string"}},
                "additionalProperties": false,
            }),
            json!({"app_secret": "0123456789abcdefghijklmnopqrstuv"}),
        )
        .may_fail(&[
            DeclaredByFile,
            UnknownInstallation,
            NoNewSecret,
            NotConnected,
            SecretRefused,
            SecretNotTried,
            TryGivenUp,
            TimedOut,
        ])
        .json(200, "It is the secret from now on.", reference("RotatedSecret"));
    table.add(operation, installations::rotate_secret)
}

fn retry(table: Table) -> Table {
    let path = "/v1/installations/{installation}/retry";
    let operation = one(write(Method::POST, path, "retry_installation"))
        .about(
            "installations",
            "Try an installation now",
            "One that is refused, waits after failures, or whose actors failed too often is tried at once; files with its secrets are read again before. One that another program has is taken back. One that is live or on its way stays as it is. The answer has the bot as it is after the attempt, or after 20 seconds.",
        )
        .may_fail(&[UnknownInstallation, NotWanted, NoConnectionWanted, Displaced, SameBot])
        .json(200, "The installation.", reference("Installation"));
    table.add(operation, installations::retry)
}

fn try_secret(table: Table) -> Table {
    let path = "/v1/installations/{installation}/try-secret";
    let operation = one(write(Method::POST, path, "try_secret"))
        .about(
            "installations",
            "Try the new secret of an installation",
            "Answers once the platform has taken or refused it, within a minute. A bot of WeCom subscribes with it on a second connection; if the platform takes it, the first one ends, and with it the streams under way. Bots of Feishu and Lark try a new secret by themselves, without a gap; for them this only waits.",
        )
        .may_fail(&[
            UnknownInstallation,
            NoNewSecret,
            NotConnected,
            SecretRefused,
            SecretNotTried,
            TryGivenUp,
            TimedOut,
        ])
        .json(200, "It is used from now on.", reference("TriedSecret"));
    table.add(operation, installations::try_secret)
}
