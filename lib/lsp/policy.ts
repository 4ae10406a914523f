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
    readonly paymentSize: Msat;
  }): Promise<Sale | Refusal>;
  /** The size of the channel; its reserve and its commitment fees come on top of what the client receives. */
  open(d: { readonly client: NodeId; readonly net: Msat }): Promise<{ readonly capacity: Sat }>;
  readonly rules: Rules;
}

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
}

/** Commitment fees, anchors and dust that the funder's side must be able to pay. */
const COMMITMENT_ALLOWANCE: Msat = sat(50_000n);
const PPM = 1_000_000n;

/** A policy with one price for everybody: 1 % but at least 1,000 sat, payments of 2,000 sat to 0.1 BTC, LSP trusts client. */
export function flatRate(rate: FlatRate = {}): Policy {
  const overProvision = BigInt(rate.overProvisionPpm ?? 200_000);
  return {
    rules: { ...DEFAULT_RULES, ...rate.rules },
    menu: async ({ now }) => [
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
      const room = msat(net + (net * overProvision) / PPM + COMMITMENT_ALLOWANCE);
      return { capacity: wholeSat(ceilToSat(room)) };
    },
  };
}
