import { msat, wholeSat } from '../../core/amount.ts';
import { toHex } from '../../core/bytes.ts';
import { nodeId } from '../../core/ids.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { ChannelAnswer, ChannelOffer, Gates } from '../../ports/gates.ts';
import { FEATURE } from '../../protocol/bolt1/features.ts';
import type { Records } from '../parts/records.ts';
import { amountOf, type Json, objectOf, textOf, wholeOf } from './json.ts';
import type { Lightningd } from './lightningd.ts';
import type { Offer } from './offers.ts';

/** Answers to the hook `openchannel` that lightningd knows; over any other it ends. */
export type OpenAnswer =
  | { readonly result: 'continue'; readonly mindepth?: number }
  | { readonly result: 'reject'; readonly error_message: string };

const ANNOUNCE_CHANNEL = 1;
const ID_BYTES = 16;
const MSAT_PER_SAT = 1000n;
const NOT_BOUGHT = { accept: false, code: 'not_bought', message: 'no channel was bought from you' } as const;

export interface OpensInit {
  readonly cln: Lightningd;
  readonly offers: Records<Offer>;
  readonly clock: Clock;
  readonly random: Random;
  /** Channels that nobody bought: as lightningd does with them without us, or refused. Never zero-conf. */
  readonly others: 'accept' | 'refuse';
  gates(): Gates | undefined;
  scidAlias(peer: string): Promise<boolean>;
  /** A peer offers a channel: lightningd negotiates one at a time, so what it offered before is over. */
  before(peer: ChannelOffer['peer']): Promise<void>;
}

/** Answers the hook `openchannel`. Whatever goes wrong, nothing is zero-conf that was not bought. */
export function opens(o: OpensInit): (request: Json) => Promise<OpenAnswer> {
  const { cln } = o;
  return async (request) => {
    let hungUp = false;
    const offered = request['openchannel'];
    const stop = cln.onDisconnected((id) => {
      if (typeof offered === 'object' && offered !== null && 'id' in offered && offered.id === id) hungUp = true;
    });
    try {
      const answer = await answerTo(request, o);
      // lightningd (26.06) has forgotten the negotiation, and ends over any answer but this one.
      return hungUp ? { result: 'continue' } : answer;
    } catch (cause) {
      cln.log({ level: 'warn', event: 'cln.gate_failed', fields: { cause: String(cause) } });
      // Without `mindepth` it is no zero-conf channel; and a stranger must not make us say what lightningd may end over.
      return hungUp || o.others === 'accept'
        ? { result: 'continue' }
        : { result: 'reject', error_message: NOT_BOUGHT.message };
    } finally {
      stop();
    }
  };
}

async function answerTo(request: Json, o: OpensInit): Promise<OpenAnswer> {
  const offer = await toOffer(objectOf(request['openchannel'], 'openchannel'), o);
  const { peer, capacity, offerId } = offer;
  await o.before(peer);
  const older = (await o.cln.channels()).flatMap((each) => (each.peer === peer ? (each.channelId ?? []) : []));
  // Before the gate, so that no offer that it let in is unknown here.
  await o.offers.put(offerId, { peer, capacity, since: o.clock.nowMs(), older });
  const answer = await gateSays(offer, o);
  if (answer.accept) return { result: 'continue', mindepth: answer.minimumDepth };
  await o.offers.remove(offerId);
  // Without `mindepth` lightningd itself refuses a channel that is to be zero-conf.
  if (answer.code === NOT_BOUGHT.code && o.others === 'accept') return { result: 'continue' };
  return { result: 'reject', error_message: answer.message };
}

async function gateSays(offer: ChannelOffer, { gates, offers }: OpensInit): Promise<ChannelAnswer> {
  try {
    return (await gates()?.channelOffered(offer)) ?? NOT_BOUGHT;
  } catch (cause) {
    await offers.remove(offer.offerId);
    throw cause;
  }
}

async function toOffer(from: Json, { random, scidAlias }: OpensInit): Promise<ChannelOffer> {
  const peer = nodeId(textOf(from, 'id'));
  const bits = objectOf(from['channel_type'] ?? {}, 'channel_type')['bits'];
  const has = (bit: number) => Array.isArray(bits) && (bits.includes(bit) || bits.includes(bit + 1));
  return {
    peer,
    // The peer picks the temporary channel id, and may pick one twice; the name of the offer is ours.
    offerId: toHex(random(ID_BYTES)),
    capacity: wholeSat(amountOf(from, 'funding_msat') / MSAT_PER_SAT),
    push: msat(amountOf(from, 'push_msat')),
    announced: (wholeOf(from, 'channel_flags') & ANNOUNCE_CHANNEL) !== 0,
    scidAlias: has(FEATURE.scidAlias) || (await scidAlias(peer)),
    toSelfDelayBlocks: wholeOf(from, 'to_self_delay'),
  };
}
