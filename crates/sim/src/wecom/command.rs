//! Handles a command of a client: reads the frame, carries the command out, and answers it.

use std::time::Instant;

use longwire_platform_server::wecom::{CommandResult, answer_frame, code};
use serde_json::{Map, Value};

use crate::fault::ConnectionId;
use crate::ids::scramble;
use crate::live::Ending;
use crate::wecom::behaviour::{Behaviour, CommandKind, Occasion, ScriptedAnswer};
use crate::wecom::state::{Due, PlatformState};

/// The code under which the ledger counts commands that a script did not carry out.
const NOT_CARRIED_OUT: i64 = -1;

impl PlatformState {
    /// Handles a text or binary message of a client; both hold the same JSON.
    pub(crate) fn command(&mut self, id: ConnectionId, text: &[u8], now: Instant) {
        let Ok(frame) = serde_json::from_slice::<Value>(text) else {
            self.ledger.malformed += 1;
            if self.settings.close_on_bad_json {
                self.close(id, Some(1007), now);
            }
            return;
        };
        let req_id = frame.pointer("/headers/req_id").and_then(Value::as_str);
        let cmd = frame.get("cmd").and_then(Value::as_str);
        let asked = cmd.and_then(CommandKind::of);
        let empty = Map::new();
        let body = match frame.get("body") {
            None => Some(&empty),
            Some(body) => body.as_object(),
        };
        let (Some(req_id), Some(cmd), Some(asked), Some(body)) = (req_id, cmd, asked, body) else {
            self.ledger.malformed += 1;
            if frame.is_object() {
                let refusal = CommandResult::invalid("invalid Request Parameter");
                let text = answer_frame(req_id.unwrap_or_default(), &refusal, self.hint());
                self.change(id, |live| live.send_text(text.as_bytes()));
            }
            return;
        };
        if asked == CommandKind::Ping {
            self.count_ping(id, frame.get("body").is_some(), now);
        }
        let how = self.scripted_answer(id, asked, body);
        match how {
            Some(ScriptedAnswer::Ignore) => self.count(cmd, NOT_CARRIED_OUT),
            Some(ScriptedAnswer::Raw(text)) => {
                self.count(cmd, NOT_CARRIED_OUT);
                let text = text.replace("{req_id}", req_id);
                self.change(id, |live| live.send_text(text.as_bytes()));
            }
            Some(ScriptedAnswer::Code(code)) => {
                self.answer_command(cmd, id, req_id, CommandResult::refused(code), None, now);
            }
            how => {
                if let Some(result) = self.carry_out(id, asked, req_id, body, &how, now) {
                    self.answer_command(cmd, id, req_id, result, how, now);
                }
            }
        }
    }

    /// The answer that a script or a fault asks for.
    fn scripted_answer(
        &mut self,
        id: ConnectionId,
        asked: CommandKind,
        body: &Map<String, Value>,
    ) -> Option<ScriptedAnswer> {
        let bot = match asked {
            CommandKind::Subscribe => body.get("bot_id").and_then(Value::as_str),
            _ => None,
        };
        let bot = bot.map_or_else(|| self.bot_id_of(id), str::to_owned);
        let script = self.scripts.take(Occasion::Command(asked), &bot);
        if let Some(Behaviour::Answer { with, .. }) = script {
            return Some(with);
        }
        let pong = &self.connections.get(&id)?.pong;
        match asked {
            CommandKind::Ping if pong.silent => Some(ScriptedAnswer::Silence),
            CommandKind::Ping if pong.code.is_some() => pong.code.map(ScriptedAnswer::Code),
            CommandKind::Ping => pong.delay.map(ScriptedAnswer::Late),
            _ => None,
        }
    }

    /// The result of a command; `None` if it comes later.
    fn carry_out(
        &mut self,
        id: ConnectionId,
        asked: CommandKind,
        req_id: &str,
        body: &Map<String, Value>,
        how: &Option<ScriptedAnswer>,
        now: Instant,
    ) -> Option<CommandResult> {
        match asked {
            CommandKind::Subscribe => return self.subscribe(id, body, req_id, how, now),
            // Heartbeats are answered in any state.
            CommandKind::Ping => return Some(CommandResult::ok()),
            _ => {}
        }
        let live = self.connections.get(&id)?;
        let Some(bot) = live.bot.filter(|_| live.subscribed()) else {
            return Some(CommandResult::refused(code::NOT_SUBSCRIBED));
        };
        Some(match asked {
            CommandKind::Send => self.send_message(bot, body, now),
            CommandKind::UploadInit => self.upload_init(id, bot, body, now),
            CommandKind::UploadChunk => self.upload_chunk(id, bot, body, now),
            CommandKind::UploadFinish => self.upload_finish(id, bot, body, now),
            _ => self.reply(id, bot, asked, req_id, body, now),
        })
    }

    /// Counts a result and answers with it.
    pub(crate) fn answer_command(
        &mut self,
        cmd: &str,
        id: ConnectionId,
        req_id: &str,
        result: CommandResult,
        how: Option<ScriptedAnswer>,
        now: Instant,
    ) {
        self.count(cmd, result.code);
        let text = answer_frame(req_id, &result, self.hint());
        match how {
            Some(ScriptedAnswer::Silence) => {}
            Some(ScriptedAnswer::Late(delay)) => {
                self.timer_queue.add(now + delay, Due::Text(id, text));
                self.wake_clock();
            }
            Some(ScriptedAnswer::Twice) => self.change(id, |live| {
                live.send_text(text.as_bytes());
                live.send_text(text.as_bytes());
            }),
            Some(ScriptedAnswer::Foreign) => {
                let foreign = format!("{req_id}_{:016x}", self.hint());
                let text = answer_frame(&foreign, &result, self.hint());
                self.change(id, |live| live.send_text(text.as_bytes()));
            }
            Some(ScriptedAnswer::DropBefore) => self.end(id, Ending::Reset, now),
            Some(ScriptedAnswer::DropAfter) => {
                self.change(id, |live| live.send_text(text.as_bytes()));
                self.end(id, Ending::Hangup, now);
            }
            _ => self.change(id, |live| live.send_text(text.as_bytes())),
        }
    }

    fn count(&mut self, cmd: &str, code: i64) {
        if !self.ledger.commands.contains_key(cmd) {
            self.ledger
                .commands
                .insert(cmd.to_owned(), Default::default());
        }
        if let Some(codes) = self.ledger.commands.get_mut(cmd) {
            *codes.entry(code).or_default() += 1;
        }
    }

    fn count_ping(&mut self, id: ConnectionId, with_body: bool, now: Instant) {
        self.ledger.pings += 1;
        self.ledger.pings_with_body += u64::from(with_body);
        if let Some(live) = self.connections.get_mut(&id) {
            live.pings += 1;
            live.last_ping = Some(now);
        }
    }

    /// The digits in the text of a refusal, different every time.
    fn hint(&self) -> u64 {
        let answered: u64 = self
            .ledger
            .commands
            .values()
            .flatten()
            .map(|(_, n)| n)
            .sum();
        scramble(self.settings.seed ^ answered)
    }
}
