import { ceilToSat, type Msat, msat, type Sat, sat, wholeSat } from '../core/amount.ts';
import type { NodeId } from '../core/ids.ts';
import type { Trust } from '../protocol/lsps2/messages.ts';
import type { OpeningFeeTerms } from '../protocol/lsps2/openingFeeParams.ts';
import type { Rules } from '../session/data.ts';

/** A no of the operator, as an error of bLIP-50 or bLIP-52. */
export interface Refusal {
  readonly refuse: 'client_rejected' | 'unrecognized_or_stale_token' | 'payment_size_too_large';
}

/** What a purchase is sold under, besides its terms. */
export interface Sale {
  readonly trust: Trust;
  /** For the route hint; at least what the node demands for a forward. */
  readonly cltvExpiryDelta: number;
}

/** The operator's decisions. Each may take its time; a rejected promise is an internal error to the client. */
export interface Policy {
  /** In the order of bLIP-52: fees strictly increase. Empty: nothing to sell. `now` in Unix seconds. */
  menu(a: {
    readonly client: NodeId;
    readonly token: string | undefined;
    readonly now: number;
  }): Promise<readonly OpeningFeeTerms[] | Refusal>;
  sell(o: {
    readonly client: NodeId;
    readonly terms: OpeningFeeTerms;
    /** Undefined: the payer decides. */
    readonly paymentSize: Msat | undefined;
  }): Promise<Sale | Refusal>;
  /** The size of the channel; its reserve and its commitment fees come on top of what the client receives. */
  open(d: { readonly client: NodeId; readonly net: Msat }): Promise<{ readonly capacity: Sat }>;
  readonly rules: Rules;
  readonly caps: Caps;
}

/** How much of the LSP a client, or all together, may tie up. */
export interface Caps {
  /** Purchases that were not paid; further buys are answered with error 1. */
  readonly unpaidPerClient: number;
  readonly unpaid: number;
  /** Channels that were broadcast and that nobody has paid for; further purchases are then client-trusts-LSP. */
  readonly unpaidChannelsPerClient: number;
  readonly unpaidChannels: number;
  /** HTLCs that are held; further ones go back with temporary_channel_failure. */
  readonly heldPartsPerClient: number;
  readonly heldParts: number;
}

export const DEFAULT_CAPS: Caps = {
  unpaidPerClient: 20,
  unpaid: 200_000,
  unpaidChannelsPerClient: 2,
  unpaidChannels: 1_000,
  heldPartsPerClient: 200,
  heldParts: 10_000,
};

export const DEFAULT_RULES: Rules = {
  collectSeconds: 90,
  acceptSeconds: 30,
  fundSeconds: 30,
  readySeconds: 30,
  cltvMarginBlocks: 18,
  partsMax: 30,
  partMin: sat(1n),
  sessionsMax: 10,
  refusalsMax: 5,
  unpaidChannels: 'close',
};

/** The figures of a simple operator: one price for everybody. */
export interface FlatRate {
  readonly minFee?: Msat;
  readonly proportionalPpm?: number;
  readonly minPaymentSize?: Msat;
  readonly maxPaymentSize?: Msat;
  readonly validSeconds?: number;
  readonly minLifetimeBlocks?: number;
  readonly maxClientToSelfDelayBlocks?: number;
  readonly trust?: Trust;
  readonly cltvExpiryDelta?: number;
  /** Capacity beyond what the client receives at once, in parts per million of it. */
  readonly overProvisionPpm?: number;
  readonly rules?: Partial<Rules>;
  readonly caps?: Partial<Caps>;
  /** Only clients with one of these tokens are served; others get error 200. */
  readonly tokens?: readonly string[];
}

/** Commitment fees, anchors and dust that the funder's side must be able to pay. */
const COMMITMENT_ALLOWANCE: Msat = sat(50_000n);
/** The reserve that clients ask of us, in parts per million of the capacity: 1 % is everybody's default. */
const RESERVE_PPM = 10_000n;
const PPM = 1_000_000n;

/** A policy with one price for everybody: 1 % but at least 1,000 sat, payments of 2,000 sat to 0.1 BTC, LSP trusts client. */
export function flatRate(rate: FlatRate = {}): Policy {
  const overProvision = BigInt(rate.overProvisionPpm ?? 200_000);
  return {
    rules: { ...DEFAULT_RULES, ...rate.rules },
    caps: { ...DEFAULT_CAPS, ...rate.caps },
    menu: async ({ now, token }) =>
      rate.tokens && (token === undefined || token === '' || !rate.tokens.includes(token))
        ? { refuse: 'unrecognized_or_stale_token' }
        : [
            {
              minFee: rate.minFee ?? sat(1_000n),
              proportionalPpm: rate.proportionalPpm ?? 10_000,
              validUntil: now + (rate.validSeconds ?? 3600),
              minLifetimeBlocks: rate.minLifetimeBlocks ?? 4320,
              maxClientToSelfDelayBlocks: rate.maxClientToSelfDelayBlocks ?? 2016,
              minPaymentSize: rate.minPaymentSize ?? sat(2_000n),
              maxPaymentSize: rate.maxPaymentSize ?? sat(10_000_000n),
            },
          ],
    sell: async () => ({ trust: rate.trust ?? 'lsp-trusts-client', cltvExpiryDelta: rate.cltvExpiryDelta ?? 144 }),
    open: async ({ net }) => {
      const room = msat(((net + (net * overProvision) / PPM + COMMITMENT_ALLOWANCE) * PPM) / (PPM - RESERVE_PPM));
      return { capacity: wholeSat(ceilToSat(room)) };
    },
  };
}
