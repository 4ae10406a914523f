import { wholeSat, msat } from '../../core/amount.ts';
import { toHex } from '../../core/bytes.ts';
import { NodeError } from '../../core/errors.ts';
import { nodeId } from '../../core/ids.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { ChannelAnswer, ChannelOffer, Gates } from '../../ports/gates.ts';
import {
  type ChannelAcceptRequest,
  type ChannelAcceptResponse,
  CommitmentType,
} from '../../generated/lnd/lightning.ts';
import { follow, type Following } from '../grpc/calls.ts';
import type { Lnd } from './lnd.ts';
import type { Offer } from './offers.ts';
import type { Records } from '../parts/records.ts';

/** lnd's own default for small channels, and well within what LSPs allow. */
export const TO_SELF_DELAY_BLOCKS = 144;
const ANNOUNCE_CHANNEL = 1;
const ID_BYTES = 16;
/** lnd refuses what is not answered within 15 s. */
const ANSWER_WITHIN_MS = 12_000;
/** lnd cuts no longer text; it refuses it. */
const ERROR_LETTERS_MAX = 500;

export interface AcceptorInit {
  readonly lnd: Lnd;
  readonly offers: Records<Offer>;
  readonly clock: Clock;
  readonly random: Random;
  /** Channels that nobody bought: as lnd does with them without us, or refused. Never zero-conf. */
  readonly others: 'accept' | 'refuse';
  gates(): Gates | undefined;
  /** What the gate let in is not let in. */
  gone(offerId: string): void;
  scidAlias(peer: string): Promise<boolean>;
  /** A peer offers a channel: what it offered before may have come to nothing. */
  before(peer: string): Promise<void>;
  /** The channel points of the channels with a peer. */
  channelsWith(peer: string): Promise<readonly string[]>;
}

const NOT_BOUGHT = { accept: false, code: 'not_bought', message: 'no channel was bought from you' } as const;

/** Answers every peer's open: lnd asks all of them, and refuses what is not answered within 15 s. */
export function acceptor(o: AcceptorInit): Following {
  const { lnd } = o;
  const failed = (cause: unknown) =>
    lnd.log({ level: 'warn', event: 'lnd.gate_failed', fields: { cause: String(cause) } });

  async function answerTo(request: ChannelAcceptRequest): Promise<Partial<ChannelAcceptResponse>> {
    const began = o.clock.nowMs();
    const offer = await toOffer(request, o);
    const { peer, capacity, offerId } = offer;
    await o.before(peer);
    // Before the gate, so that no offer that it let in is unknown here. Whether it is zero-conf the gate says.
    const known = { peer, capacity, since: began, older: await o.channelsWith(peer) };
    await o.offers.put(offerId, { ...known, zeroConf: true });
    const answer = await gateSays(offer);
    if (!answer.accept) {
      await o.offers.remove(offerId);
      if (answer.code === NOT_BOUGHT.code && o.others === 'accept' && !request.wantsZeroConf) return { accept: true };
      return { accept: false, error: answer.message.slice(0, ERROR_LETTERS_MAX) };
    }
    const zeroConf = answer.minimumDepth === 0;
    if (!zeroConf) await o.offers.put(offerId, { ...known, zeroConf });
    // lnd has forgotten the question, and would take the answer for that of the next open with this id.
    if (o.clock.nowMs() - began > ANSWER_WITHIN_MS) {
      o.gone(offerId);
      throw new NodeError('a channel was not answered in time');
    }
    // LDK's LSPs do not ask for zero-conf, and wait for it nevertheless.
    return { accept: true, zeroConf, minAcceptDepth: answer.minimumDepth, csvDelay: TO_SELF_DELAY_BLOCKS };
  }

  async function gateSays(offer: ChannelOffer): Promise<ChannelAnswer> {
    try {
      return (await o.gates()?.channelOffered(offer)) ?? NOT_BOUGHT;
    } catch (cause) {
      failed(cause);
      return { ...NOT_BOUGHT, code: 'gate_failed' };
    }
  }

  return follow({
    name: 'ChannelAcceptor',
    where: lnd.where,
    isUp: lnd.isUp,
    ping: lnd.height,
    open: () => lnd.lightning.channelAcceptor(lnd.metadata()),
    heard(request: ChannelAcceptRequest, stream) {
      const { pendingChanId } = request;
      const began = o.clock.nowMs();
      answerTo(request)
        .catch((cause: unknown) => {
          failed(cause);
          return { accept: false, error: NOT_BOUGHT.message };
        })
        .then((answer) => {
          if (o.clock.nowMs() - began <= ANSWER_WITHIN_MS) stream.write({ ...NO_ANSWER, ...answer, pendingChanId });
        })
        .catch(failed);
    },
    cut: (error) =>
      lnd.log({ level: 'warn', event: 'lnd.stream_cut', fields: { stream: 'acceptor', cause: error.message } }),
  });
}

const NO_ANSWER: Omit<ChannelAcceptResponse, 'pendingChanId'> = {
  accept: false,
  error: '',
  csvDelay: 0,
  minAcceptDepth: 0,
  zeroConf: false,
};

async function toOffer(request: ChannelAcceptRequest, { random, scidAlias }: AcceptorInit): Promise<ChannelOffer> {
  const peer = nodeId(toHex(request.nodePubkey));
  return {
    peer,
    // The peer picks the temporary channel id, and may pick one twice; the name of the offer is ours.
    offerId: toHex(random(ID_BYTES)),
    capacity: wholeSat(request.fundingAmt),
    push: msat(request.pushAmt),
    announced: (request.channelFlags & ANNOUNCE_CHANNEL) !== 0,
    scidAlias: request.wantsScidAlias || (await scidAlias(peer)),
    toSelfDelayBlocks: request.csvDelay,
    // Of a named type that lnd does not know, as {12, 46, 50} without anchors; it asks us, and fails the channel then.
    unsupportedType: request.wantsZeroConf && request.commitmentType === CommitmentType.UNKNOWN_COMMITMENT_TYPE,
  };
}
