import { fromHex } from '../../core/bytes.ts';
import type { PaymentHash } from '../../core/ids.ts';
import { Failure_FailureCode } from '../../generated/lnd/lightning.ts';
import type { CircuitKey } from '../../generated/lnd/router.ts';
import type { Records } from '../parts/records.ts';
import { listChannels } from './channels.ts';
import { type Claims, isWhole } from './claims.ts';
import type { Interceptor } from './interceptor.ts';
import type { Lnd } from './lnd.ts';
import type { Claim, Made } from './made.ts';
import { givePreimage } from './preimages.ts';

// How the preimage of a payment that passed the gates goes out: durably first, and for all of its parts or for none.

/** A code that lnd has for a fault that passes: temporary_channel_failure. */
export const TRY_AGAIN = { failureCode: Failure_FailureCode.RESERVED } as const;
/** A claim must reach lnd well before it gives the first part back by itself. */
export const CLAIM_BLOCKS = 3;

export interface Settling {
  /** Resolves with whether the preimage may go out now: lnd has it, and it is durable that others may have it, too. */
  hand(hash: PaymentHash, claim: Claim): Promise<boolean>;
  /**
   * Answers a part that lnd shows again. What may be out goes out; what is not, only if all parts can still be taken. Of what is on the chain
   * nothing is given back.
   */
  again(
    hash: PaymentHash,
    circuit: CircuitKey,
    how: { readonly height: number | undefined; readonly onChain: boolean },
  ): Promise<void>;
  /** A part of it is given back, or may have been: its preimage goes to nobody any more. */
  giveUp(hash: PaymentHash): void;
  /** A new claim of this hash. */
  anew(hash: PaymentHash): void;
}

const isOut = ({ stage }: Claim): boolean => stage !== 'decided' && stage !== 'abandoned';

export function settling(o: {
  readonly lnd: Lnd;
  readonly made: Records<Made>;
  readonly stream: Pick<Interceptor, 'answer'>;
  readonly claimed: Claims;
  failed(cause: unknown): void;
}): Settling {
  const { lnd, made, stream, claimed, failed } = o;
  /** Known before it is durable, and where that fails. */
  const givenUp = new Set<PaymentHash>();

  async function put(hash: PaymentHash, claim: Claim): Promise<void> {
    const record = made.get(hash);
    if (record) await made.put(hash, { ...record, claim });
  }

  async function hand(hash: PaymentHash, claim: Claim): Promise<boolean> {
    try {
      await givePreimage(lnd, claim);
      await put(hash, { ...claim, stage: 'settling' });
      return true;
    } catch (cause) {
      failed(cause);
      return false;
    }
  }

  async function begins(hash: PaymentHash, claim: Claim, height: number | undefined): Promise<boolean> {
    if (claim.stage === 'abandoned' || givenUp.has(hash)) return false;
    if (height === undefined || claim.parts.some(({ deadline }) => height + CLAIM_BLOCKS >= deadline)) return false;
    const channels = await listChannels(lnd).catch(failed);
    return channels !== undefined && isWhole(claim, channels) && hand(hash, claim);
  }

  return {
    hand,
    async again(hash, circuit, { height, onChain }) {
      const claim = made.get(hash)?.claim;
      if (!claim) return;
      // What was given up here never went out, whatever the store could not take back.
      const mayBeOut = isOut(claim) && !givenUp.has(hash);
      if (mayBeOut || (await begins(hash, claim, height)))
        stream.answer(circuit, { preimage: fromHex(claim.preimage) });
      else if (!onChain) {
        givenUp.add(hash);
        await put(hash, { ...claim, stage: 'abandoned' }).catch(failed);
        stream.answer(circuit, TRY_AGAIN);
      }
      claimed.follow(hash);
    },
    giveUp: (hash) => void givenUp.add(hash),
    anew: (hash) => void givenUp.delete(hash),
  };
}
