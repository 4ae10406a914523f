import type { Msat } from '../../core/amount.ts';
import type { NodeId, PaymentHash } from '../../core/ids.ts';
import type { Network } from '../../core/network.ts';
import type { Scid } from '../../core/scid.ts';

/** One hop of an `r` field: how to get from this public node towards the payee. */
export interface RouteHop {
  readonly nodeId: NodeId;
  readonly scid: Scid;
  readonly feeBaseMsat: number;
  readonly feeProportionalPpm: number;
  readonly cltvExpiryDelta: number;
}

/** What a BOLT 11 invoice says, apart from its signature. */
export interface InvoiceTerms {
  readonly network: Network;
  /** Absent: the payer chooses. */
  readonly amount?: Msat | undefined;
  /** Unix seconds, below 2^35. */
  readonly timestamp: number;
  readonly paymentHash: PaymentHash;
  /** 64 hex characters. */
  readonly paymentSecret: string;
  /** At most 639 bytes of UTF-8. Exactly one of this and `descriptionHash`. */
  readonly description?: string | undefined;
  /** SHA-256 of a longer description, 64 hex characters. */
  readonly descriptionHash?: string | undefined;
  readonly expirySeconds: number;
  readonly minFinalCltvExpiryDelta: number;
  readonly routeHints: readonly (readonly RouteHop[])[];
  /** Feature bits that are set. */
  readonly features: readonly number[];
  /** The `n` field; when absent the payee is recovered from the signature. */
  readonly payee?: NodeId | undefined;
  /** The `m` field, hex. */
  readonly metadata?: string | undefined;
}

/** An invoice whose checksum and signature were verified. */
export interface Invoice extends InvoiceTerms {
  /** The invoice as it is handed out, lower case. */
  readonly text: string;
  /** Whose key signed. */
  readonly payee: NodeId;
  /** r, s and the recovery id: 65 bytes as hex. */
  readonly signature: string;
}

/** BOLT 11: what holds when the field is absent. */
export const DEFAULT_EXPIRY_SECONDS = 3600;
export const DEFAULT_MIN_FINAL_CLTV_EXPIRY_DELTA = 18;
