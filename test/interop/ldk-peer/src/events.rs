//! What happens to the node, as JSON lines.

use crate::tell;
use ldk_node::{Event, Node};
use serde_json::{json, Value};
use std::sync::Arc;

pub fn follow(node: Arc<Node>) {
    std::thread::spawn(move || loop {
        let event = node.wait_next_event();
        tell(line(&event));
        let _ = node.event_handled();
    });
}

fn line(event: &Event) -> Value {
    match event {
        Event::PaymentSuccessful { payment_hash, fee_paid_msat, .. } => {
            json!({ "event": "paid", "hash": payment_hash.to_string(), "fee_msat": fee_paid_msat.unwrap_or(0).to_string() })
        }
        Event::PaymentFailed { payment_hash, reason, .. } => {
            json!({ "event": "failed", "hash": payment_hash.map(|hash| hash.to_string()), "reason": format!("{reason:?}") })
        }
        Event::PaymentReceived { payment_hash, amount_msat, .. } => {
            json!({ "event": "received", "hash": payment_hash.to_string(), "amount_msat": amount_msat.to_string() })
        }
        Event::PaymentForwarded { total_fee_earned_msat, skimmed_fee_msat, outbound_amount_forwarded_msat, .. } => json!({
            "event": "forwarded",
            "fee_msat": total_fee_earned_msat.unwrap_or(0).to_string(),
            "skimmed_msat": skimmed_fee_msat.unwrap_or(0).to_string(),
            "amount_msat": outbound_amount_forwarded_msat.unwrap_or(0).to_string(),
        }),
        Event::ChannelReady { counterparty_node_id, .. } => {
            json!({ "event": "channel_ready", "peer": counterparty_node_id.map(|id| id.to_string()) })
        }
        Event::ChannelClosed { counterparty_node_id, reason, .. } => {
            json!({ "event": "channel_closed", "peer": counterparty_node_id.map(|id| id.to_string()), "reason": format!("{reason:?}") })
        }
        other => json!({ "event": "other", "what": format!("{other:?}") }),
    }
}
