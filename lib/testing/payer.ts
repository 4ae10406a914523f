import { randomBytes } from 'node:crypto';
import * as ldk from 'lightningdevkit';
import { type Msat, msat } from '../core/amount.ts';
import { fromHex, toHex } from '../core/bytes.ts';
import { NodeError } from '../core/errors.ts';
import type { PaymentHash } from '../core/ids.ts';
import type { Stop } from '../ports/abort.ts';
import { someOf, toNodeId, toPaymentHash, toU64, unwrap } from '../nodes/ldk/fromLdk.ts';
import type { LdkNode } from '../nodes/ldk/node.ts';
import { decodeInvoice } from '../protocol/bolt11/decode.ts';
import type { Invoice, RouteHop } from '../protocol/bolt11/invoice.ts';
import { PPM } from '../protocol/lsps2/openingFee.ts';

/** How a payment ended, as the payer saw it. */
export type PayOutcome =
  | { readonly paid: true; readonly preimage: string }
  /** `failureCode`: the BOLT 4 failure that came back last, as `temporary_channel_failure`, when LDK told one. */
  | { readonly paid: false; readonly failureCode: string | undefined };

export interface PayOptions {
  readonly parts?: number;
  readonly via?: readonly RouteHop[];
  readonly extraBlocks?: number;
}

export interface Payer {
  readonly nodeId: string;
  /**
   * Pays an invoice in so many parts of nearly equal size (default 1). `via`: hops to go by instead of the invoice's route hint.
   * `extraBlocks`: added to the last hop's expiry, as payers do who hide how far it is (BOLT 7). Resolves when it is over, either way.
   */
  pay(invoice: string, options?: PayOptions): Promise<PayOutcome>;
  /** Pays with parts of these amounts, whatever the invoice says; fewer than it asks for leave it incomplete. */
  payParts(invoice: string, amounts: readonly Msat[]): Promise<PayOutcome>;
  /** What the payer owns in its channels. */
  balance(): Msat;
}

/** What is left of `amount` goes to the first part. */
function split(amount: Msat, parts: number): readonly Msat[] {
  const each = amount / BigInt(parts);
  return Array.from({ length: parts }, (_, index) => msat(index === 0 ? amount - each * BigInt(parts - 1) : each));
}

/** A person who pays, over an LDK node with a channel to the LSP. */
export function ldkPayer(node: LdkNode): Payer {
  const failures = new Map<string, string>();
  node.onWords((text) => {
    // LDK tells a payer the failure code in its log and nowhere else.
    const match = /Onion Error\[from \w+: (\w+)\(0x\w+\)\]/.exec(text);
    if (match?.[1]) failures.set('last', match[1]);
  });

  async function payParts(
    text: string,
    amounts: readonly Msat[],
    { via, extraBlocks = 0 }: Pick<PayOptions, 'via' | 'extraBlocks'> = {},
  ): Promise<PayOutcome> {
    const read = decodeInvoice(text);
    const minFinalCltvExpiryDelta = read.minFinalCltvExpiryDelta + extraBlocks;
    const invoice = { ...read, minFinalCltvExpiryDelta, routeHints: via ? [via] : read.routeHints };
    failures.delete('last');
    const route = routeTo(node, invoice, amounts);
    const outcome = outcomeOf(node, invoice.paymentHash, () => failures.get('last'));
    unwrap(
      node.manager.send_payment_with_route(
        route,
        fromHex(invoice.paymentHash),
        ldk.RecipientOnionFields.constructor_secret_only(fromHex(invoice.paymentSecret)),
        new Uint8Array(randomBytes(32)),
      ),
      'send_payment_with_route',
    );
    node.wake();
    return outcome;
  }

  return {
    nodeId: node.nodeId,
    payParts: (text, amounts) => payParts(text, amounts),
    async pay(text, { parts = 1, ...how } = {}) {
      const { amount } = decodeInvoice(text);
      if (amount === undefined) throw new RangeError('the invoice leaves the amount to the payer');
      return payParts(text, split(amount, parts), how);
    },
    balance: () =>
      msat(
        node.manager.list_channels().reduce((total, channel) => {
          const reserve = someOf<bigint>(channel.get_unspendable_punishment_reserve()) ?? 0n;
          return total + toU64(channel.get_outbound_capacity_msat()) + toU64(reserve) * 1000n;
        }, 0n),
      ),
  };
}

/** Resolves once LDK gave the payment up, or has the preimage. */
function outcomeOf(node: LdkNode, hash: PaymentHash, failureCode: () => string | undefined): Promise<PayOutcome> {
  return new Promise((resolve) => {
    const stop: Stop = node.onEvent((event) => {
      if (event instanceof ldk.Event_PaymentSent && toPaymentHash(event.payment_hash) === hash) {
        stop();
        resolve({ paid: true, preimage: toHex(event.payment_preimage) });
      } else if (event instanceof ldk.Event_PaymentFailed) {
        const failed = someOf<Uint8Array>(event.payment_hash);
        if (!failed || toPaymentHash(failed) !== hash) return;
        stop();
        resolve({ paid: false, failureCode: failureCode() });
      }
    });
  });
}

/** One path for each part: our channel to the hint's first node, then the hint; without a hint, our channel to the payee. */
function routeTo(node: LdkNode, invoice: Invoice, amounts: readonly Msat[]): ldk.Route {
  const hint = invoice.routeHints[0] ?? [];
  const peer = hint[0]?.nodeId ?? invoice.payee;
  const scids = outboundScids(node, peer);
  const paths = amounts.map((amount, index) => {
    const own = scids[index % scids.length];
    if (own === undefined) throw new NodeError(`the payer has no usable channel to ${peer}`);
    return ldk.Path.constructor_new(hopsOver([own, ...hint.map(({ scid }) => scid)], hint, invoice, amount), null);
  });
  return ldk.Route.constructor_new(paths, null);
}

/** LDK's hop says where it leads, and what its node takes and asks for the one after it; the last one, what arrives. */
function hopsOver(scids: readonly bigint[], hint: readonly RouteHop[], invoice: Invoice, amount: Msat): ldk.RouteHop[] {
  let arriving: bigint = amount;
  const hops: ldk.RouteHop[] = [];
  for (let i = hint.length; i >= 0; i--) {
    const next = hint[i];
    const fee = next && BigInt(next.feeBaseMsat) + (arriving * BigInt(next.feeProportionalPpm)) / PPM;
    const delta = next?.cltvExpiryDelta ?? invoice.minFinalCltvExpiryDelta;
    hops.unshift(hop(next?.nodeId ?? invoice.payee, scids[i] ?? 0n, fee ?? amount, delta));
    arriving += fee ?? 0n;
  }
  return hops;
}

/** Of this node's usable channels to a peer. */
export const outboundScids = (node: LdkNode, peer: string): readonly bigint[] =>
  node.manager
    .list_usable_channels()
    .filter((channel) => toNodeId(channel.get_counterparty().get_node_id()) === peer)
    .flatMap((channel) => someOf<bigint>(channel.get_outbound_payment_scid()) ?? []);

/** A hop of a path as LDK wants it. */
export const hop = (nodeId: string, scid: bigint, feeMsat: bigint, cltvDelta: number) =>
  ldk.RouteHop.constructor_new(
    fromHex(nodeId),
    ldk.NodeFeatures.constructor_empty(),
    scid,
    ldk.ChannelFeatures.constructor_empty(),
    feeMsat,
    cltvDelta,
    false,
  );
