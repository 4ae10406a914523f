import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { NodeError } from 'lsps2';
import { describe, expect, onTestFinished, test } from 'vitest';
import { msat } from '../../../lib/core/amount.ts';
import { toHex } from '../../../lib/core/bytes.ts';
import { nodeId } from '../../../lib/core/ids.ts';
import { scid } from '../../../lib/core/scid.ts';
import { Channel, HTLC, type LightningClient } from '../../../lib/generated/lnd/lightning.ts';
import { type ForwardHtlcInterceptResponse, ResolveHoldForwardAction } from '../../../lib/generated/lnd/router.ts';
import type { Lnd } from '../../../lib/nodes/lnd/lnd.ts';
import { madePayments } from '../../../lib/nodes/lnd/made.ts';
import { payments } from '../../../lib/nodes/lnd/payments.ts';
import { systemClock } from '../../../lib/platform/clock.ts';
import type { Gates, PartsAnswer } from '../../../lib/ports/gates.ts';
import { publicKey } from '../../../lib/protocol/bolt11/signature.ts';
import { hashOf } from '../../../lib/protocol/bolt11/preimage.ts';
import { memoryStore } from '../../../lib/stores/memory.ts';
import { HEIGHT, KEY, SECRET, shown } from './intercepted.ts';

// What the port of gRPC hides stands here: an lnd that says what a test wants, when it wants it.

const PREIMAGE = '5b'.repeat(32);
const HASH = hashOf(PREIMAGE);
const SCID = 42n;
const POINT = `${'aa'.repeat(32)}:0`;
const PEER = publicKey(KEY);

interface Stream extends EventEmitter {
  cancel(): void;
  write(answer: ForwardHtlcInterceptResponse): boolean;
}

async function world(o: { readonly answer?: PartsAnswer; readonly requires?: boolean } = {}) {
  const told: string[] = [];
  const state = {
    height: async (): Promise<number> => HEIGHT,
    list: async (): Promise<readonly Channel[]> => [
      { ...Channel.create(), chanId: 7n, channelPoint: POINT, remotePubkey: PEER },
    ],
    put: async (): Promise<void> => undefined,
    /** lnd takes an invoice. */
    give: async (): Promise<void> => undefined,
  };
  const streams: Stream[] = [];
  const newStream = (): Stream =>
    Object.assign(new EventEmitter(), {
      cancel: () => undefined,
      write(answer: ForwardHtlcInterceptResponse) {
        const { incomingCircuitKey: key, action } = answer;
        const name = Object.entries(ResolveHoldForwardAction).find(([, value]) => value === action)?.[0];
        told.push(`${name} ${key?.htlcId}`);
        return true;
      },
    });
  const lnd = {
    where: 'lnd',
    isUp: () => true,
    metadata: () => ({}),
    requiresInterceptor: o.requires ?? false,
    log: () => undefined,
    height: () => state.height(),
    async call(name: string, _: unknown, request: { rPreimage?: Uint8Array }) {
      if (name !== 'AddInvoice') return { channels: await state.list() };
      await state.give();
      told.push(`given ${toHex(request.rPreimage!).slice(0, 4)}`);
      return {};
    },
    lightning: { listChannels: () => undefined, addInvoice: () => undefined } as unknown as LightningClient,
    router: {
      htlcInterceptor() {
        const stream = newStream();
        streams.push(stream);
        return stream;
      },
    },
  } as unknown as Lnd;
  const gates = {
    partsArrived: async () => {
      told.push('asked');
      return o.answer ?? 'claim';
    },
    partsGone: async ({ received }: { received?: bigint }) => void told.push(`gone ${received}`),
    partsHeld: async () => undefined,
    partsClaimed: async () => undefined,
  } as unknown as Gates;
  const store = memoryStore();
  const slow = { ...store, put: async (key: string, json: string) => (await state.put(), store.put(key, json)) };
  const made = await madePayments(slow, [], systemClock);
  const record = {
    paymentSecret: SECRET,
    preimage: PREIMAGE,
    amount: msat(100_000n),
    minFinalCltvExpiryDelta: 18,
    endsAt: 9e9,
  };
  await made.put(HASH, record);
  const phantom = { key: KEY, scid: scid(SCID), nodeId: nodeId(PEER) };
  let ahead = 0;
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + ahead, later: (ms: number) => void (ahead += ms) };
  const it = payments({ lnd, phantom, made, clock, gates: () => gates, tell: (news) => void news(gates) });
  onTestFinished(() => it.close());
  /** lnd shows HTLC 1, or the one that is named. */
  const show = (change: Parameters<typeof shown>[1] = {}, sent: Partial<Parameters<typeof shown>[0]> = {}) =>
    streams.at(-1)!.emit('data', shown({ hash: HASH, ...sent }, { outgoingRequestedChanId: SCID, ...change }));
  const cut = () => streams.at(-1)!.emit('error', { code: 2, details: 'forward does not exist' });
  return { told, state, show, cut, made, record, streams, clock };
}

/** Long enough for what is under way, too short for a timer. */
const settled = () => sleep(30);

/** A promise, and the way to let it go. */
function gate<T>(value: T) {
  let open = () => undefined as void;
  const promise = new Promise<T>((resolve) => {
    open = () => resolve(value);
  });
  return { promise, open };
}

describe('parts for the phantom', () => {
  test('are claimed, durably first', async () => {
    const { told, show, made } = await world();
    show();
    await settled();
    expect(told).toEqual(['asked', 'given 5b5b', 'SETTLE 1']);
    expect(made.get(HASH)?.claim).toMatchObject({ stage: 'settling', received: 99_000n, extraFee: 1_000n });
  });

  test('what is for others goes on untouched; what is on the chain is not answered at all', async () => {
    const { told, show } = await world();
    show({ outgoingRequestedChanId: 99n });
    show({ outgoingRequestedChanId: 99n, autoFailHeight: HEIGHT + 60, incomingCircuitKey: { chanId: 7n, htlcId: 2n } });
    show({ autoFailHeight: HEIGHT + 60, incomingCircuitKey: { chanId: 7n, htlcId: 3n } });
    await settled();
    expect(told).toEqual(['RESUME 1']);
  });

  test.each([
    ['are kept by an lnd that requires an interceptor', true, []],
    ['go on, and fail, where lnd would not keep them', false, ['RESUME 1']],
  ])('of another wallet’s phantom %s', async (_, requires, answers) => {
    const { told, show } = await world({ requires });
    show({ outgoingRequestedChanId: 16_300_001n << 40n });
    await settled();
    expect(told).toEqual(answers);
  });

  test('of an invoice that is long over are refused, unless lnd shows what it held', async () => {
    const { told, show, made, record, clock } = await world();
    await made.put(HASH, { ...record, endsAt: clock.nowMs() / 1000 - 601 });
    show();
    await settled();
    expect(told).toEqual(['asked', 'given 5b5b', 'SETTLE 1']);
    await made.put(HASH, { ...record, endsAt: clock.nowMs() / 1000 - 601 });
    clock.later(11_000);
    show({ incomingCircuitKey: { chanId: 7n, htlcId: 2n } });
    await settled();
    expect(told.slice(3)).toEqual(['FAIL 2']);
  });

  test('of a channel that is closed while they wait are given up, and only the others are answered', async () => {
    const { told, show } = await world();
    const half = { amount: 40_000n };
    show({}, half);
    show({ incomingCircuitKey: { chanId: 8n, htlcId: 2n } }, half);
    show({ autoFailHeight: HEIGHT + 60 }, half);
    await settled();
    expect(told).toEqual(['FAIL 2', 'gone undefined']);
  });

  test('a set that lnd let go before the gates were asked is not counted', async () => {
    const { told, state, show, cut } = await world();
    const list = gate<readonly Channel[]>([]);
    state.list = () => list.promise;
    show();
    await settled();
    cut();
    list.open();
    await settled();
    expect(told).toEqual(['gone 99000']);
  });

  test('what came over a stream that is no more is not answered over the next', async () => {
    const { told, state, show, cut, streams } = await world({ requires: true });
    const height = gate(HEIGHT);
    state.height = () => height.promise;
    show();
    cut();
    await sleep(400);
    expect(streams.length).toBe(2);
    height.open();
    await settled();
    expect(told).toEqual([]);
    // lnd shows it again.
    show();
    await settled();
    expect(told).toEqual(['asked', 'given 5b5b', 'SETTLE 1']);
  });

  test('are given back in time, and not when lnd does it itself', async () => {
    for (const [height, answers] of [
      [HEIGHT + 39, ['asked', 'FAIL 1']],
      [HEIGHT + 41, ['asked']],
    ] as const) {
      const { told, state, show } = await world({ answer: 'fail' });
      const list = gate<readonly Channel[]>([]);
      state.list = () => list.promise;
      show();
      await settled();
      state.height = async () => height;
      list.open();
      await settled();
      expect(told).toEqual(answers);
    }
  });

  test('a store that is too slow costs no preimage: too late is given back, and uncounted', async () => {
    const { told, state, show, made, record } = await world();
    const put = gate(undefined);
    state.put = () => put.promise;
    show();
    await settled();
    state.height = async () => HEIGHT + 38;
    put.open();
    await settled();
    expect(told).toEqual(['asked', 'given 5b5b', 'FAIL 1', 'gone 99000']);
    expect(made.get(HASH)).toEqual(record);
  });

  test('an lnd that cannot be given the preimage, and would not claim on the chain, hands it to nobody', async () => {
    const { told, state, show, made, record } = await world();
    state.give = () => Promise.reject(new NodeError('no', { reason: 'permission' }));
    show();
    await settled();
    expect(told).toEqual(['asked', 'FAIL 1', 'gone 99000']);
    expect(made.get(HASH)).toEqual(record);
  });

  test('a preimage that lnd has already is one that it has', async () => {
    const { told, state, show } = await world();
    const detail = 'invoice with payment hash already exists';
    state.give = () => Promise.reject(new NodeError('no', { reason: 'other', detail }));
    show();
    await settled();
    expect(told).toEqual(['asked', 'SETTLE 1']);
  });

  test('a store that fails costs no preimage either', async () => {
    const { told, state, show, made, record } = await world();
    state.put = () => Promise.reject(new Error('the disk is full'));
    show();
    await settled();
    expect(told).toEqual(['asked', 'FAIL 1', 'gone 99000']);
    expect(made.get(HASH)).toEqual(record);
  });

  test('a store that fails a little later: nobody has the preimage, and the payer may try again', async () => {
    const { told, state, show, made, record } = await world();
    let puts = 0;
    state.put = async () => {
      if (++puts === 2) throw new Error('the disk is full');
    };
    show();
    await settled();
    expect(told).toEqual(['asked', 'given 5b5b', 'FAIL 1', 'gone 99000']);
    expect(made.get(HASH)).toEqual(record);
    show({ incomingCircuitKey: { chanId: 7n, htlcId: 2n } });
    await settled();
    expect(told.slice(4)).toEqual(['asked', 'given 5b5b', 'SETTLE 2']);
  });

  test('a store that fails from then on: what lnd shows again has no preimage, and it comes to an end', async () => {
    const { told, state, show, made } = await world();
    let puts = 0;
    state.put = async () => {
      if (++puts > 1) throw new Error('the disk is full');
    };
    state.list = async () => [{ ...Channel.create(), chanId: 7n, channelPoint: POINT, remotePubkey: PEER }];
    show();
    await settled();
    show();
    await settled();
    expect(told).toEqual(['asked', 'given 5b5b', 'FAIL 1', 'gone 99000', 'FAIL 1']);
    state.put = async () => undefined;
    await sleep(1_200);
    expect(made.get(HASH)?.claim).toBeUndefined();
  });

  test('a store that cannot take back what came too late: what lnd shows again has no preimage', async () => {
    const { told, state, show } = await world();
    let puts = 0;
    state.put = async () => {
      if (++puts === 2) state.height = async () => HEIGHT + 38;
      if (puts > 2) throw new Error('the disk is full');
    };
    show();
    await settled();
    show();
    await settled();
    expect(told).toEqual(['asked', 'given 5b5b', 'FAIL 1', 'gone 99000', 'FAIL 1']);
  });

  test('an lnd that cannot say its height has the part back for now', async () => {
    const { told, state, show } = await world();
    state.height = () => Promise.reject(new Error('slow'));
    show();
    await settled();
    expect(told).toEqual(['FAIL 1']);
  });

  describe('of a claim that was decided before a restart', () => {
    const claim = {
      stage: 'settling' as const,
      preimage: PREIMAGE,
      received: msat(99_000n),
      extraFee: msat(1_000n),
      before: [[POINT, 0n]] as const,
      parts: [
        { chanId: 7n, htlcId: 1n, amount: msat(49_000n), deadline: HEIGHT + 10 },
        { chanId: 7n, htlcId: 2n, amount: msat(50_000n), deadline: HEIGHT + 41 },
      ],
    };
    const second = { incomingCircuitKey: { chanId: 7n, htlcId: 2n } };
    const onChain = { ...second, autoFailHeight: HEIGHT + 60 };
    const holding = (...ids: readonly bigint[]) => ({
      ...Channel.create(),
      chanId: 7n,
      channelPoint: POINT,
      pendingHtlcs: ids.map((htlcIndex) => HTLC.fromPartial({ incoming: true, htlcIndex })),
    });
    const decided = { ...claim, stage: 'decided' as const };

    test.each<
      [string, typeof claim | typeof decided, number, readonly Channel[], Parameters<typeof shown>[1], string[]]
    >([
      ['are settled while all can be', decided, HEIGHT, [holding(1n, 2n)], second, ['given 5b5b', 'SETTLE 2']],
      ['are given back when one is late: W3', decided, HEIGHT + 8, [holding(1n, 2n)], second, ['FAIL 2']],
      ['are given back when one is gone: W3', decided, HEIGHT, [holding(2n)], second, ['FAIL 2']],
      ['are not answered on the chain', decided, HEIGHT, [], onChain, []],
      ['are settled, however late, where the preimage may be out', claim, HEIGHT + 20, [], second, ['SETTLE 2']],
      ['are settled on the chain, where it may be out', claim, HEIGHT + 20, [], onChain, ['SETTLE 2']],
    ])('%s', async (_, before, height, channels, which, answers) => {
      const { told, made, record, show, state } = await world({ requires: true });
      await made.put(HASH, { ...record, claim: before });
      state.height = async () => height;
      state.list = async () => channels;
      show(which);
      await settled();
      expect(told).toEqual(answers);
    });

    test.each(['height', 'list', 'give', 'put'] as const)(
      'are all given back once one was, as when %s failed for a moment: W3',
      async (what) => {
        const { told, made, record, show, state } = await world({ requires: true });
        await made.put(HASH, { ...record, claim: decided });
        state.list = async () => [holding(1n, 2n)];
        const works = state[what];
        Object.assign(state, {
          [what]() {
            Object.assign(state, { [what]: works });
            return Promise.reject(new Error('for a moment'));
          },
        });
        show();
        await settled();
        show(second);
        await settled();
        expect(told.filter((each) => !each.startsWith('given'))).toEqual(['FAIL 1', 'FAIL 2']);
      },
    );

    test('of one that was never begun nothing is told as paid, whatever else came over its channel', async () => {
      const { told, made, record, show, state } = await world({ requires: true });
      await made.put(HASH, { ...record, claim: decided });
      state.list = async () => [{ ...holding(), totalSatoshisReceived: 99n }];
      show(second);
      await sleep(200);
      expect(told).toEqual(['FAIL 2', 'gone 99000']);
      expect(made.get(HASH)).toEqual(record);
    });

    test('another part of the same invoice is refused', async () => {
      const { told, made, record, show } = await world();
      await made.put(HASH, { ...record, claim });
      show({ incomingCircuitKey: { chanId: 7n, htlcId: 3n } });
      await settled();
      expect(told).toEqual(['FAIL 3']);
    });
  });
});
