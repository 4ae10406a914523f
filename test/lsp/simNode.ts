import { msat } from '../../lib/core/amount.ts';
import { NodeError } from '../../lib/core/errors.ts';
import { type ChannelId, channelId, type NodeId, type Txid, txid } from '../../lib/core/ids.ts';
import { listeners } from '../../lib/core/listeners.ts';
import { scid } from '../../lib/core/scid.ts';
import { untilTaken } from '../../lib/core/untilTaken.ts';
import type { ChannelEvent, InterceptedPart, LspNode, PartResolved } from '../../lib/ports/lspNode.ts';
import type { Dice } from '../random.ts';

// A node that forgets nothing, makes mistakes when it is told to, and watches the money rules from its side.

type Fate = 'held' | 'failed' | 'forwarded' | 'settled' | 'refused' | 'gone';

export interface SimPart extends InterceptedPart {
  fate: Fate;
  extraFee: bigint;
}

export interface SimChannel {
  readonly key: string;
  readonly peer: NodeId;
  readonly channelId: ChannelId;
  readonly fundingTxid: Txid;
  stage: 'offered' | 'accepted' | 'funding' | 'funded' | 'ready' | 'closed';
  coins: 'none' | 'locked' | 'spent' | 'freed';
}

export interface SimNode {
  /** The port; after a crash a new one is made, and the old one does nothing any more. */
  port(): LspNode;
  readonly parts: Map<string, SimPart>;
  readonly channels: Map<string, SimChannel>;
  readonly connected: Set<NodeId>;
  intercept(part: InterceptedPart): void;
  /** The client takes or fails what was forwarded. */
  resolve(part: SimPart, fate: 'settled' | 'refused'): void;
  tell(event: ChannelEvent): void;
  setConnected(peer: NodeId, is: boolean): void;
  mine(): void;
  crash(): void;
}

const NODE_ID = `03${'00'.repeat(32)}` as NodeId;
const START_HEIGHT = 100;
export const HTLC_MINIMUM = msat(1_000n);

export function simNode(roll: Dice, flaky: number): SimNode {
  const parts = new Map<string, SimPart>();
  const channels = new Map<string, SimChannel>();
  const connected = new Set<NodeId>();
  let height = START_HEIGHT;
  let life = 0;
  let scids = 1n;
  let wires = wire();

  function wire() {
    return {
      part: listeners<[InterceptedPart]>(),
      outcome: untilTaken<PartResolved>(({ id }) => void untold.delete(id)),
      channel: listeners<[ChannelEvent]>(),
      block: listeners<[number]>(),
      message: listeners<[NodeId, number, Uint8Array]>(),
      up: listeners<[NodeId]>(),
      down: listeners<[NodeId]>(),
    };
  }
  /** Outcomes that nobody has taken: they outlive a crash. */
  const untold = new Map<string, PartResolved>();

  const hex = () => [...roll.bytes(32)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const rule = (holds: boolean, what: string) => {
    if (!holds) throw new Error(`broken: ${what}`);
  };
  /** A node may fail before or after it did what it was asked. */
  const act = async <T>(mine: number, job: () => T): Promise<T> => {
    if (mine !== life) return new Promise<never>(() => undefined);
    if (roll.chance(flaky)) throw new NodeError('the node is not in the mood');
    const result = job();
    if (roll.chance(flaky)) throw new NodeError('the node did it and says it did not');
    return result;
  };
  const outcome = (part: SimPart, what: PartResolved['outcome']) => {
    const told = { id: part.id, scid: part.scid, paymentHash: part.paymentHash, outcome: what };
    untold.set(part.id, told);
    wires.outcome.tell(told);
  };

  function port(): LspNode {
    const mine = life;
    return {
      nodeId: NODE_ID,
      network: 'regtest',
      cltvMarginBlocks: 18,
      height: () => height,
      onBlock: wires.block.add,
      connect: async () => undefined,
      isConnected: (peer) => connected.has(peer),
      send: async () => undefined,
      onMessage: wires.message.add,
      onConnected: wires.up.add,
      onDisconnected: wires.down.add,
      newScid: () => scid(scids++),
      onPart: wires.part.add,
      onPartResolved: wires.outcome.add,
      forward: ({ id, channelId: over, peer, amount }) =>
        act(mine, () => {
          const part = parts.get(id);
          if (part?.fate === 'forwarded') return;
          if (part?.fate !== 'held') throw new NodeError('this part is not held');
          const channel = [...channels.values()].find((each) => each.channelId === over);
          const usable = [...channels.values()].some((each) => each.peer === peer && each.stage === 'ready');
          if (!usable || !connected.has(peer)) throw new NodeError('no usable channel');
          rule(channel !== undefined, 'L4: forwarded over a channel that there never was');
          rule(amount <= part.incomingAmount && amount <= part.onionAmount, 'L8: more forwarded than came in');
          rule(amount >= HTLC_MINIMUM || amount === part.onionAmount, 'L4: less than the minimum');
          part.fate = 'forwarded';
          part.extraFee = part.onionAmount - amount;
        }),
      fail: (id) =>
        act(mine, () => {
          const part = parts.get(id);
          if (part?.fate === 'held') part.fate = 'failed';
          else if (part?.fate === 'forwarded') throw new NodeError('it was forwarded');
          else rule(part?.fate !== 'settled', 'L2: a settled part failed');
        }),
      open: ({ key, peer }) =>
        act(mine, () => {
          if (channels.has(key)) return;
          if (!connected.has(peer)) throw new NodeError('the client is not connected');
          const ids = { channelId: channelId(hex()), fundingTxid: txid(hex()) };
          channels.set(key, { key, peer, ...ids, stage: 'offered', coins: 'none' });
        }),
      fund: (key) =>
        act(mine, () => {
          const channel = channels.get(key);
          if (channel?.stage !== 'accepted') return;
          const [at] = key.split('#');
          const others = [...channels.values()].filter(
            (each) => each.key.startsWith(`${at}#`) && each.coins === 'spent',
          );
          rule(others.length === 0, 'L1: a second funding for one purchase');
          channel.stage = 'funding';
          channel.coins = 'locked';
        }),
      broadcast: (key) =>
        act(mine, () => {
          const channel = channels.get(key);
          if (!channel) throw new NodeError('no such channel');
          rule(channel.coins === 'locked' || channel.coins === 'spent', 'L5: broadcast of what was never funded');
          channel.coins = 'spent';
          return channel.fundingTxid;
        }),
      abandon: (key) =>
        act(mine, () => {
          const channel = channels.get(key);
          if (!channel) return;
          rule(channel.coins !== 'spent', 'L6: coins freed that are spent');
          channel.coins = 'freed';
          channels.delete(key);
        }),
      close: (key) =>
        act(mine, () => {
          const channel = channels.get(key);
          if (!channel || channel.stage === 'closed') return;
          channel.stage = 'closed';
          wires.channel.tell({ key, tag: 'failed', words: 'closed' });
        }),
      forget: () => undefined,
      onChannel: wires.channel.add,
      async resume(known) {
        const held = [...parts.values()].filter(({ fate }) => fate === 'held').map(({ id }) => id);
        return {
          held,
          tellAgain() {
            for (const part of parts.values()) if (part.fate === 'held') wires.part.tell(part);
            for (const told of untold.values()) wires.outcome.tell(told);
            for (const { id } of known.parts) {
              const part = parts.get(id);
              if (part?.fate === 'failed') outcome(part, 'gone');
            }
            for (const key of known.channels) {
              const channel = channels.get(key);
              if (!channel || channel.stage === 'closed')
                wires.channel.tell({ key, tag: 'failed', words: 'not there' });
              else tellStage(channel);
            }
          },
        };
      },
    };
  }

  function tellStage({ key, stage, channelId: id, fundingTxid }: SimChannel): void {
    if (stage === 'funded' || stage === 'ready') wires.channel.tell({ key, tag: 'funded', channelId: id, fundingTxid });
    if (stage === 'ready') wires.channel.tell({ key, tag: 'ready', channelId: id });
  }

  return {
    port,
    parts,
    channels,
    connected,
    intercept(part) {
      parts.set(part.id, { ...part, fate: 'held', extraFee: 0n });
      wires.part.tell(part);
    },
    resolve(part, fate) {
      part.fate = fate;
      outcome(part, fate === 'settled' ? 'settled' : 'failed');
    },
    tell: (event) => wires.channel.tell(event),
    setConnected(peer, is) {
      if (connected.has(peer) === is) return;
      if (is) connected.add(peer);
      else {
        connected.delete(peer);
        // BOLT 2: what is not signed yet is forgotten.
        for (const channel of channels.values()) {
          if (channel.peer !== peer || (channel.stage !== 'offered' && channel.stage !== 'accepted')) continue;
          channel.stage = 'closed';
          wires.channel.tell({ key: channel.key, tag: 'failed', words: 'disconnected' });
        }
      }
      wires[is ? 'up' : 'down'].tell(peer);
    },
    mine() {
      height++;
      for (const part of parts.values()) {
        // A node gives back by itself what comes too close to its expiry.
        if (part.fate !== 'held' || part.incomingExpiryHeight - height > 10) continue;
        part.fate = 'gone';
        outcome(part, 'gone');
      }
      wires.block.tell(height);
    },
    crash() {
      life++;
      wires = wire();
      connected.clear();
      for (const channel of channels.values()) {
        if (channel.stage === 'offered' || channel.stage === 'accepted') channel.stage = 'closed';
      }
    },
  };
}

export const isFinal = (part: SimPart): boolean => part.fate !== 'held' && part.fate !== 'forwarded';
