import { connectivityState, credentials as grpc, Metadata } from '@grpc/grpc-js';
import { toHex } from '../../core/bytes.ts';
import { type NodeId, nodeId } from '../../core/ids.ts';
import { listeners } from '../../core/listeners.ts';
import { NodeClient } from '../../generated/cln/node.ts';
import { systemClock } from '../../platform/clock.ts';
import type { Log } from '../../ports/log.ts';
import { calls, follow } from '../grpc/calls.ts';
import { checkAddress, type ClnCredentials, readClngrpc } from './credentials.ts';
import { factsOf } from './facts.ts';
import { grpcVerbs } from './grpcVerbs.ts';
import type { Lightningd } from './lightningd.ts';
import { presence } from './presence.ts';

const MESSAGE_BYTES_MAX = 200 * 1024 * 1024;
const KEEPALIVE_MS = 30_000;
const FIRST_BACKOFF_MS = 250;
const LAST_BACKOFF_MS = 5_000;
/** A peer that does not answer is not waited for longer. */
const CONNECT_TIMEOUT_MS = 60_000;
/** Every certificate that lightningd makes is for this name. */
const SERVER_NAME = 'cln';
const NO_BLOCKS = 0;

export interface ClnOptions {
  readonly log?: Log;
  /** How long it may take to answer a call. Default 30,000. */
  readonly answerWithinMs?: number;
}

/** Connects to a lightningd by its gRPC and asks who it is. @throws NodeError: unreachable, another certificate */
export async function connectCln(
  given: ClnCredentials | string,
  { log = () => undefined, answerWithinMs }: ClnOptions = {},
): Promise<Lightningd> {
  const { address, authority, certificate, key: privateKey } = typeof given === 'string' ? readClngrpc(given) : given;
  checkAddress(address);
  const where = `lightningd at ${address}`;
  let hasBeenUp = false;
  const metadata = () => new Metadata({ waitForReady: hasBeenUp });
  const secure = grpc.createSsl(Buffer.from(authority), Buffer.from(privateKey), Buffer.from(certificate));
  const node = new NodeClient(address, secure, {
    'grpc.ssl_target_name_override': SERVER_NAME,
    'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.initial_reconnect_backoff_ms': FIRST_BACKOFF_MS,
    'grpc.max_reconnect_backoff_ms': LAST_BACKOFF_MS,
  });
  const { call } = calls(where, metadata, answerWithinMs);
  const info = () => call('Getinfo', node.getinfo.bind(node), {});
  const verbs = grpcVerbs(node, call);
  const isUp = () => node.getChannel().getConnectivityState(false) === connectivityState.READY;
  const messages = listeners<[NodeId, Uint8Array]>();

  let facts: ReturnType<typeof factsOf>;
  try {
    const told = await info();
    hasBeenUp = true;
    const { configs } = await call('ListConfigs', node.listConfigs.bind(node), {});
    facts = factsOf(where, {
      id: toHex(told.id),
      network: told.network,
      version: told.version,
      synced: told.warningBitcoindSync === undefined && told.warningLightningdSync === undefined,
      watchtimeBlocks: configs?.watchtimeBlocks?.valueInt,
      cltvFinal: configs?.cltvFinal?.valueInt,
      minCapacitySat: configs?.minCapacitySat?.valueInt,
    });
  } catch (cause) {
    node.close();
    throw cause;
  }
  const there = presence({ peers: verbs.peers, clock: systemClock, log });
  const unread = (cause: unknown) => log({ level: 'warn', event: 'cln.unread', fields: { cause: String(cause) } });
  const streams = [
    follow({
      name: 'SubscribeCustomMsg',
      where,
      isUp,
      open: () => node.subscribeCustomMsg({}, metadata()),
      stands: () => void there.look(),
      heard: ({ peerId, payload }) => messages.tell(nodeId(toHex(peerId)), payload),
      unread,
      // Messages are not told again: who waits for an answer is told at once.
      cut: there.lost,
    }),
    follow({
      name: 'SubscribeConnect',
      where,
      isUp,
      open: () => node.subscribeConnect({}, metadata()),
      heard: ({ id }) => there.online(nodeId(toHex(id))),
      unread,
    }),
  ];
  const close = () => {
    for (const stream of streams) stream.stop();
    there.close();
    node.close();
  };
  try {
    await Promise.all(streams.map(({ begun }) => begun));
    await there.look();
  } catch (cause) {
    close();
    throw cause;
  }

  return {
    ...facts,
    where,
    log,
    height: async () => (await info()).blockheight || NO_BLOCKS,
    async connect({ nodeId: id, host, port }) {
      const options = { timeoutMs: CONNECT_TIMEOUT_MS };
      await call('ConnectPeer', node.connectPeer.bind(node), { id, host, port }, options);
      there.online(id);
    },
    ...verbs,
    onMessage: messages.add,
    isConnected: there.isConnected,
    onConnected: there.onConnected,
    onDisconnected: there.onDisconnected,
    isUp,
    close,
  };
}
