//! What the node can be told to do.

use ldk_node::bitcoin::secp256k1::PublicKey;
use ldk_node::bitcoin::Network;
use ldk_node::lightning::ln::msgs::SocketAddress;
use ldk_node::lightning::routing::router::RouteParametersConfig;
use ldk_node::lightning_invoice::{Bolt11Invoice, Bolt11InvoiceDescription, Description};
use ldk_node::liquidity::LSPS2ServiceConfig;
use ldk_node::{Builder, Node};
use serde_json::{json, Value};
use std::fmt::Debug;
use std::str::FromStr;

type Answer = Result<Value, String>;

fn said(error: impl Debug) -> String {
    format!("{error:?}")
}

fn text(from: &Value, name: &str) -> Result<String, String> {
    from[name].as_str().map(str::to_owned).ok_or(format!("{name} is missing"))
}

fn number(from: &Value, name: &str) -> Result<u64, String> {
    from[name].as_u64().ok_or(format!("{name} is missing"))
}

fn key(from: &Value) -> Result<PublicKey, String> {
    PublicKey::from_str(&text(from, "node_id")?).map_err(said)
}

fn address(from: &Value) -> Result<SocketAddress, String> {
    SocketAddress::from_str(&text(from, "address")?).map_err(said)
}

/// `bitcoind: { host, port, user, password }`, `folder`, `listen`; `lsp: {...}` makes it an LSP, `source: {...}` a client of one.
pub fn start(o: &Value) -> Result<Node, String> {
    let mut builder = Builder::new();
    let rpc = &o["bitcoind"];
    builder.set_network(Network::Regtest);
    builder.set_storage_dir_path(text(o, "folder")?);
    builder.set_chain_source_bitcoind_rpc(
        text(rpc, "host")?,
        u16::try_from(number(rpc, "port")?).map_err(said)?,
        text(rpc, "user")?,
        text(rpc, "password")?,
    );
    let listen = SocketAddress::from_str(&text(o, "listen")?).map_err(said)?;
    builder.set_listening_addresses(vec![listen]).map_err(said)?;
    builder.set_node_alias("interop".to_owned()).map_err(said)?;
    if o["lsp"].is_object() {
        builder.set_liquidity_provider_lsps2(service(&o["lsp"])?);
    }
    let source = &o["source"];
    if source.is_object() {
        let token = source["token"].as_str().map(str::to_owned);
        builder.set_liquidity_source_lsps2(key(source)?, address(source)?, token);
    }
    let node = builder.build().map_err(said)?;
    node.start().map_err(said)?;
    Ok(node)
}

fn service(o: &Value) -> Result<LSPS2ServiceConfig, String> {
    let small = |name: &str| number(o, name).and_then(|value| u32::try_from(value).map_err(said));
    Ok(LSPS2ServiceConfig {
        require_token: o["token"].as_str().map(str::to_owned),
        advertise_service: true,
        channel_opening_fee_ppm: small("fee_ppm")?,
        channel_over_provisioning_ppm: small("over_provisioning_ppm")?,
        min_channel_opening_fee_msat: number(o, "min_fee_msat")?,
        min_channel_lifetime: 1008,
        max_client_to_self_delay: 2016,
        min_payment_size_msat: number(o, "min_payment_size_msat")?,
        max_payment_size_msat: number(o, "max_payment_size_msat")?,
        client_trusts_lsp: o["client_trusts_lsp"].as_bool().unwrap_or(false),
    })
}

pub fn run(node: &Node, o: &Value) -> Answer {
    match text(o, "do")?.as_str() {
        "address" => Ok(json!(node.onchain_payment().new_address().map_err(said)?.to_string())),
        "sync" => node.sync_wallets().map(|()| json!(null)).map_err(said),
        "connect" => node.connect(key(o)?, address(o)?, true).map(|()| json!(null)).map_err(said),
        "disconnect" => node.disconnect(key(o)?).map(|()| json!(null)).map_err(said),
        "open" => node
            .open_channel(key(o)?, address(o)?, number(o, "sats")?, None, None)
            .map(|_| json!(null))
            .map_err(said),
        "balance" => Ok(balance(node)),
        "pay" => pay(node, o),
        "receive" => receive(node, o),
        other => Err(format!("unknown command {other}")),
    }
}

/// What is ours in channels, to the millisatoshi as long as no HTLC is on its way.
fn balance(node: &Node) -> Value {
    let channels: Vec<Value> = node
        .list_channels()
        .iter()
        .map(|channel| {
            let whole = channel.channel_value_sats * 1000;
            let theirs = channel.inbound_capacity_msat + channel.counterparty_unspendable_punishment_reserve * 1000;
            let reserve = channel.unspendable_punishment_reserve.unwrap_or(0) * 1000;
            // LDK shows what can be sent, which is nothing below the reserve; then only the other side's half is exact.
            let ours = if channel.outbound_capacity_msat > 0 {
                channel.outbound_capacity_msat + reserve
            } else {
                whole.saturating_sub(theirs)
            };
            json!({
                "peer": channel.counterparty_node_id.to_string(),
                "sats": channel.channel_value_sats,
                "ours_msat": ours.to_string(),
                "usable": channel.is_usable,
            })
        })
        .collect();
    let funds = node.list_balances();
    json!({ "onchain_sats": funds.spendable_onchain_balance_sats, "channels": channels })
}

fn pay(node: &Node, o: &Value) -> Answer {
    let invoice = Bolt11Invoice::from_str(&text(o, "invoice")?).map_err(said)?;
    let route = RouteParametersConfig {
        max_path_count: u8::try_from(o["parts"].as_u64().unwrap_or(10)).map_err(said)?,
        ..RouteParametersConfig::default()
    };
    let sent = match o["amount_msat"].as_u64() {
        Some(amount) => node.bolt11_payment().send_using_amount(&invoice, amount, Some(route)),
        None => node.bolt11_payment().send(&invoice, Some(route)),
    };
    sent.map(|id| json!(id.to_string())).map_err(said)
}

/// Buys a JIT channel as ldk-node's own LSPS2 client, and makes its invoice.
fn receive(node: &Node, o: &Value) -> Answer {
    let about = Bolt11InvoiceDescription::Direct(Description::new("interop".to_owned()).map_err(said)?);
    let expiry = 3600;
    let most = o["max_fee"].as_u64();
    let made = match o["amount_msat"].as_u64() {
        Some(amount) => node.bolt11_payment().receive_via_jit_channel(amount, &about, expiry, most),
        None => node.bolt11_payment().receive_variable_amount_via_jit_channel(&about, expiry, most),
    };
    made.map(|invoice| json!(invoice.to_string())).map_err(said)
}
