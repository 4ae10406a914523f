import { type Msat, msat, type Sat } from '../../core/amount.ts';
import { toHex } from '../../core/bytes.ts';
import { NodeError } from '../../core/errors.ts';
import { type ChannelId, channelId, type NodeId, type Txid, txid } from '../../core/ids.ts';
import { listeners } from '../../core/listeners.ts';
import { untilTaken } from '../../core/untilTaken.ts';
import { type Scid, scid } from '../../core/scid.ts';
import type { Random } from '../../ports/clock.ts';
import type { ChainView } from '../../ports/chainView.ts';
import type { ArrivedPart, ChannelOffer } from '../../ports/gates.ts';
import type { ChannelEvent, InterceptedPart, LspNode, PartResolved } from '../../ports/lspNode.ts';
import type { FailureReason } from '../../core/failureCode.ts';
import type { MemoryWallet } from './wallet.ts';
import type { WireEnd } from './wire.ts';

/** An HTLC that a payer sent to the LSP. */
interface Sent extends InterceptedPart {
  readonly total: Msat;
  settled(preimage: string): void;
  failed(reason: FailureReason | 'client'): void;
}

/** An LSP's node, and the side of it that payers and the chain see. */
export interface MemoryLsp {
  readonly node: LspNode;
  intercept(sent: Sent): void;
  /** Funding transactions that were broadcast, in order. */
  broadcasts(): readonly Txid[];
  mine(blocks: number): void;
  readonly chain: ChainView;
}

/** What an LSP's node may do against BOLTs and bLIPs. */
export interface MemoryTricks {
  /** What it offers instead of a private channel with an alias. */
  readonly offer?: (offer: ChannelOffer) => ChannelOffer;
  /** What it sends instead of a part with its `extra_fee`: a TLV left out or forged. */
  readonly part?: (part: ArrivedPart) => ArrivedPart;
  /** Says that it broadcast, and does not. */
  readonly withholdFunding?: boolean;
  /** What the chain shows in place of a funding output. */
  readonly funding?: (output: { readonly script: string; readonly value: Sat }) => { script: string; value: Sat };
}

interface Opened {
  readonly offerId: string;
  readonly capacity: Sat;
  readonly fundingTxid: Txid;
  readonly channelId: ChannelId;
  minimumDepth: number;
  funded: boolean;
  ready: boolean;
  /** Height of its block. */
  minedAt?: number;
}

const START_HEIGHT = 100;
const CLTV_MARGIN_BLOCKS = 18;
const RESERVE_DIVISOR = 100n;
const MSAT_PER_SAT = 1000n;
const ID_BYTES = 32;
/** Made-up scids look like channels of the first million blocks. */
const SCID_BYTES = 7;
const SCID_MASK = (1n << 50n) - 1n;

export function memoryLsp(
  nodeId: NodeId,
  wire: WireEnd,
  wallet: MemoryWallet,
  { random, tricks = {} }: { readonly random: Random; readonly tricks?: MemoryTricks | undefined },
): MemoryLsp {
  const parts = new Map<string, Sent & { answered: boolean }>();
  const channels = new Map<string, Opened>();
  const broadcasts = new Set<Txid>();
  const partListeners = listeners<[InterceptedPart]>();
  const outcomes = untilTaken<PartResolved>(() => undefined);
  const channelListeners = listeners<[ChannelEvent]>();
  const blockListeners = listeners<[number]>();
  let height = START_HEIGHT;

  function resolve({ id, scid: at, paymentHash }: Sent, outcome: PartResolved['outcome']): void {
    parts.delete(id);
    outcomes.tell({ id, scid: at, paymentHash, outcome });
  }

  function take(key: string): Opened {
    const channel = channels.get(key);
    if (!channel) throw new NodeError('there is no such channel');
    return channel;
  }

  function tellStage(key: string): void {
    const opened = channels.get(key);
    if (!opened) {
      channelListeners.tell({ key, tag: 'failed', words: 'there is no such channel' });
      return;
    }
    const { funded, ready, channelId: id, fundingTxid } = opened;
    if (funded) channelListeners.tell({ key, tag: 'funded', channelId: id, fundingTxid });
    if (ready) channelListeners.tell({ key, tag: 'ready', channelId: id });
  }

  async function offer(key: string, opened: Opened): Promise<void> {
    const { offerId, capacity } = opened;
    const terms = { push: msat(0n), announced: false, scidAlias: true, toSelfDelayBlocks: 144 };
    const offered: ChannelOffer = { peer: nodeId, offerId, capacity, ...terms };
    const answer = await wallet.offer(tricks.offer?.(offered) ?? offered);
    if (!channels.has(key)) return;
    if (!answer.accept) {
      channels.delete(key);
      channelListeners.tell({ key, tag: 'refused', words: answer.message });
      return;
    }
    opened.minimumDepth = answer.minimumDepth;
    const sendable = msat(capacity * MSAT_PER_SAT - (capacity * MSAT_PER_SAT) / RESERVE_DIVISOR);
    const limits = { sendable, htlcMinimum: msat(1n), toSelfDelayBlocks: 144, minimumDepth: answer.minimumDepth };
    channelListeners.tell({ key, tag: 'accepted', limits });
  }

  /** Ready when both sides are: at once, or with the client's depth. */
  async function makeReady(key: string, opened: Opened): Promise<void> {
    const depth = opened.minedAt === undefined ? 0 : height - opened.minedAt + 1;
    if (opened.ready || depth < opened.minimumDepth) return;
    opened.ready = true;
    const { offerId, channelId: id, capacity } = opened;
    const funding = { txid: opened.fundingTxid, vout: 0, script: scriptOf(opened.fundingTxid), value: capacity };
    await wallet.ready({ offerId, channelId: id, funding }, capacity);
    channelListeners.tell({ key, tag: 'ready', channelId: id });
  }

  return {
    chain: {
      async output({ txid: id }) {
        const found = [...channels.values()].find(({ fundingTxid }) => fundingTxid === id);
        if (!found || !broadcasts.has(id)) return undefined;
        const output = { script: scriptOf(id), value: found.capacity };
        const confirmations = found.minedAt === undefined ? 0 : height - found.minedAt + 1;
        return { ...(tricks.funding?.(output) ?? output), confirmations };
      },
    },
    intercept(sent) {
      parts.set(sent.id, { ...sent, answered: false });
      partListeners.tell(sent);
    },
    broadcasts: () => [...broadcasts],
    mine(blocks) {
      for (let i = 0; i < blocks; i++) {
        height++;
        for (const [key, opened] of channels) {
          if (broadcasts.has(opened.fundingTxid)) opened.minedAt ??= height;
          if (opened.funded) void makeReady(key, opened);
        }
        blockListeners.tell(height);
      }
    },
    node: {
      ...wire,
      nodeId,
      network: 'regtest',
      cltvMarginBlocks: CLTV_MARGIN_BLOCKS,
      height: () => height,
      onBlock: blockListeners.add,
      newScid: () => newScid(random),
      onPart: partListeners.add,
      onPartResolved: outcomes.add,
      async forward({ id, channelId: over, amount }) {
        const sent = parts.get(id);
        if (!sent || sent.answered) throw new NodeError('this part is not held any more');
        if (
          ![...channels.values()].some((each) => each.channelId === over && each.funded) ||
          !wire.isConnected(wire.peer)
        ) {
          throw new NodeError('the channel is not usable');
        }
        sent.answered = true;
        const right = { amount, extraFee: msat(sent.onionAmount - amount), onionAmount: sent.onionAmount };
        const part = tricks.part?.(right) ?? right;
        const settle = (preimage: string | undefined) => {
          resolve(sent, preimage === undefined ? 'failed' : 'settled');
          if (preimage === undefined) sent.failed('client');
          else sent.settled(preimage);
        };
        wallet.deliver({ id, paymentHash: sent.paymentHash, part, total: sent.total, channelId: over, settle });
      },
      async fail(id, reason) {
        const sent = parts.get(id);
        if (!sent) return;
        if (sent.answered) throw new NodeError('this part was forwarded');
        parts.delete(id);
        sent.failed(reason);
      },
      async open({ key, capacity }) {
        if (channels.has(key)) return;
        if (!wire.isConnected(wire.peer)) throw new NodeError('the client is not connected');
        const fresh = () => toHex(random(ID_BYTES));
        const ids = { offerId: fresh(), channelId: channelId(fresh()), fundingTxid: txid(fresh()) };
        const opened: Opened = { ...ids, capacity, minimumDepth: 0, funded: false, ready: false };
        channels.set(key, opened);
        void offer(key, opened);
      },
      async fund(key) {
        const opened = take(key);
        if (opened.funded) return;
        opened.funded = true;
        const { channelId: id, fundingTxid } = opened;
        channelListeners.tell({ key, tag: 'funded', channelId: id, fundingTxid });
        await makeReady(key, opened);
      },
      async broadcast(key) {
        const { fundingTxid } = take(key);
        if (!tricks.withholdFunding) broadcasts.add(fundingTxid);
        return fundingTxid;
      },
      async abandon(key) {
        const opened = channels.get(key);
        channels.delete(key);
        if (opened) await wallet.gone(opened.offerId);
      },
      async close(key) {
        const opened = channels.get(key);
        channels.delete(key);
        if (!opened) return;
        await wallet.closed(opened.offerId, opened.minedAt === undefined ? 0 : height - opened.minedAt + 1);
        channelListeners.tell({ key, tag: 'failed', words: 'closed' });
      },
      forget: () => undefined,
      onChannel: channelListeners.add,
      async resume(known) {
        const held = [...parts.values()].filter(({ answered }) => !answered);
        return {
          held: held.map(({ id }) => id),
          tellAgain() {
            for (const each of held) partListeners.tell(each);
            const told = new Set(outcomes.kept().map(({ id }) => id));
            outcomes.again();
            for (const each of known.parts) {
              if (!parts.has(each.id) && !told.has(each.id)) outcomes.tell({ ...each, outcome: 'gone' });
            }
            for (const key of known.channels) tellStage(key);
          },
        };
      },
    },
  };
}

/** A made-up script for a made-up transaction. */
const scriptOf = (id: Txid): string => `0020${id}`;

function newScid(random: Random): Scid {
  const bytes = random(SCID_BYTES);
  return scid(BigInt(`0x${toHex(bytes)}`) & SCID_MASK);
}
