//! A Lightning node that we did not write (`ldk-node`), driven by JSON lines: one command a line on stdin, answers and events on
//! stdout. What it is (LSP, payer, LSPS2 client) is said by its first command, `start`. It ends with its stdin.

mod commands;
mod events;

use serde_json::{json, Value};
use std::io::{BufRead, Write};
use std::sync::Arc;

/// One line on stdout. Two threads write: the lock keeps lines whole.
pub fn tell(line: Value) {
    let mut out = std::io::stdout().lock();
    // Whoever started us is gone when nobody reads.
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

fn main() {
    let mut lines = std::io::stdin().lock().lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    let start: Value = serde_json::from_str(&first).expect("a command is a JSON object");
    let node = match commands::start(&start) {
        Ok(node) => Arc::new(node),
        Err(error) => {
            tell(json!({ "id": start["id"], "error": error }));
            std::process::exit(1);
        }
    };
    tell(json!({ "id": start["id"], "ok": { "node_id": node.node_id().to_string() } }));
    events::follow(node.clone());
    for line in lines {
        let command: Value = serde_json::from_str(&line).expect("a command is a JSON object");
        let id = command["id"].clone();
        let node = node.clone();
        // Some wait for a peer's answer: none waits for another.
        std::thread::spawn(move || match commands::run(&node, &command) {
            Ok(ok) => tell(json!({ "id": id, "ok": ok })),
            Err(error) => tell(json!({ "id": id, "error": error })),
        });
    }
    let _ = node.stop();
    std::process::exit(0);
}
