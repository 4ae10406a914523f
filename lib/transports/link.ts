import { equalBytes, toHex } from '../core/bytes.ts';
import { DecodeError, TransportError } from '../core/errors.ts';
import type { NodeId } from '../core/ids.ts';
import type { Network } from '../core/network.ts';
import type { Stop } from '../ports/abort.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { chainHash } from '../protocol/bolt1/chains.ts';
import { FEATURE, missingDependency, unknownCompulsory } from '../protocol/bolt1/features.ts';
import { isCustom } from '../protocol/bolt1/customMessage.ts';
import { decodeMessage, encodeMessage } from '../protocol/bolt1/message.ts';
import {
  decodeComplaint,
  decodeInit,
  encodeInit,
  encodePing,
  MESSAGE_TYPE,
  mustNotIgnore,
  pongFor,
} from '../protocol/bolt1/setup.ts';
import type { OwnKeys } from '../protocol/bolt8/handshake.ts';
import { filterPeerText } from '../protocol/lsps0/errors.ts';
import { floodGauge } from './flood.ts';
import { type Noise, noise } from './noise.ts';
import type { Pipe, PipeEvents } from './transport.ts';

/** Each step of a connection (act two, their init) may take so long. */
const STEP_TIMEOUT_MS = 10_000;
/** A message that was begun must be whole by then. */
const MESSAGE_TIMEOUT_MS = 60_000;
/** A peer that is silent for so long is pinged; if it still is after as long again, it is gone. */
const IDLE_MS = 45_000;
/** More than this waiting for a peer that does not read ends the connection. */
const OUT_BYTES_MAX = 1 << 20;

const NOTHING = new Uint8Array(0);

/** Of a peer's complaint; what is shown of it is shorter still. */
const WORDS_BYTES_MAX = 1_000;

/** What every peer of today wants to see, all of it optional (study of LDK, CLN and LND); never bit 729, which is for LSPs. */
const FEATURES = [
  FEATURE.dataLossProtect,
  FEATURE.varOnionOptin,
  FEATURE.staticRemotekey,
  FEATURE.paymentSecret,
  FEATURE.channelType,
].map((even) => even + 1);

export interface LinkInit {
  readonly keys: OwnKeys;
  readonly remote: NodeId;
  /** Undefined: we do not say, and do not ask. */
  readonly network: Network | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Both sides have said `init`. */
  up(): void;
  message(type: number, payload: Uint8Array): void;
  /** It is over; told once, and never after `close`. */
  over(error: TransportError): void;
}

/** One connection by BOLT 8 and BOLT 1, over a pipe. */
export interface Link {
  readonly events: PipeEvents;
  /** The pipe stands: the handshake begins. */
  begin(pipe: Pipe): void;
  send(type: number, payload: Uint8Array): void;
  close(): void;
}

type Stage = 'dialing' | 'act two' | 'init' | 'up' | 'over';

export function link(o: LinkInit): Link {
  const { clock, log, remote } = o;
  const cipher: Noise = noise(o.keys, remote);
  const tooMuch = floodGauge(clock);
  let stage: Stage = 'dialing';
  let pipe: Pipe | undefined;
  let disarm: Stop = () => undefined;
  let lastWords = '';
  /** Since when a message has been on its way. */
  let begun: number | undefined;
  let heardAt = clock.nowMs();
  let pinged = false;

  function end(error?: TransportError): void {
    if (stage === 'over') return;
    stage = 'over';
    disarm();
    pipe?.close();
    if (error) o.over(error);
  }
  const broken = (message: string, cause?: unknown) =>
    end(new TransportError('protocol', `the peer ${message}`, { cause, detail: lastWords }));

  function waitFor(next: Stage): void {
    stage = next;
    disarm();
    disarm = clock.after(STEP_TIMEOUT_MS, () =>
      end(
        new TransportError('timeout', `the peer did not finish the handshake (${next}) in ${STEP_TIMEOUT_MS / 1000} s`),
      ),
    );
  }

  function write(type: number, payload: Uint8Array): void {
    if (!pipe) return;
    pipe.write(cipher.seal(encodeMessage({ type, payload })));
    if (pipe.buffered() > OUT_BYTES_MAX) end(new TransportError('closed', 'the peer does not read what we send'));
  }

  /** Looks after a connection that is up: messages that never end, peers that fell silent. */
  function watch(): void {
    disarm();
    disarm = clock.after(IDLE_MS, () => {
      const silent = clock.nowMs() - heardAt;
      if (begun !== undefined && clock.nowMs() - begun >= MESSAGE_TIMEOUT_MS)
        end(new TransportError('timeout', 'the peer did not finish a message'));
      else if (pinged && silent >= IDLE_MS) end(new TransportError('timeout', 'the peer has fallen silent'));
      else {
        if (silent >= IDLE_MS) {
          pinged = true;
          write(MESSAGE_TYPE.ping, encodePing(0));
        }
        if (stage === 'up') watch();
      }
    });
  }

  function data(bytes: Uint8Array): void {
    if (stage === 'over' || !pipe) return;
    heardAt = clock.nowMs();
    pinged = false;
    let fed: ReturnType<Noise['feed']>;
    try {
      fed = cipher.feed(bytes);
    } catch (cause) {
      broken(`is not the node that it should be, or garbled what it sent (${(cause as Error).message})`, cause);
      return;
    }
    if (fed.reply) {
      pipe.write(fed.reply);
      // Ours goes out with act three: nobody waits for the other here.
      const chains = o.network === undefined ? undefined : [chainHash(o.network)];
      write(MESSAGE_TYPE.init, encodeInit({ features: FEATURES, chains }));
      waitFor('init');
    }
    const since = fed.messages.length > 0 ? undefined : begun;
    begun = cipher.pending() > 0 ? (since ?? heardAt) : undefined;
    for (const message of fed.messages) if (!isOver()) received(message);
  }
  const isOver = () => stage === 'over';

  function received(bytes: Uint8Array): void {
    if (tooMuch(bytes.length)) {
      broken('floods us with messages');
      return;
    }
    try {
      const { type, payload } = decodeMessage(bytes);
      if (type === MESSAGE_TYPE.error || type === MESSAGE_TYPE.warning) complained(type, payload);
      else if (stage === 'init') greeted(type, payload);
      else if (type === MESSAGE_TYPE.ping) {
        const pong = pongFor(payload);
        // A ping of 4 bytes may ask for 65,531: what it makes us send counts as well.
        if (pong && tooMuch(pong.length)) broken('floods us with pings');
        else if (pong) write(MESSAGE_TYPE.pong, pong);
      } else if (type === MESSAGE_TYPE.init) broken('said init twice');
      else if (mustNotIgnore(type)) broken(`sent a message of the unknown even type ${type}`);
      else if (isCustom(type)) o.message(type, payload);
      // Anything else is of channels or gossip. Not even an `error` is said about a channel that is unknown here: it may be known
      // to another device with our key, and `error` would close it.
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause;
      broken(`sent a message that is not of the format (${cause.message})`, cause);
    }
  }

  function complained(type: number, payload: Uint8Array): void {
    const { ofAll, words } = decodeComplaint(payload);
    lastWords = filterPeerText(String.fromCharCode(...words.subarray(0, WORDS_BYTES_MAX)));
    const what = type === MESSAGE_TYPE.error ? 'bolt1.error' : 'bolt1.warning';
    log({ level: 'warn', event: what, fields: { peer: remote, words: lastWords } });
    // An error that is about everything ends what there is between us; one about a channel is about none of ours.
    if (type === MESSAGE_TYPE.error && ofAll)
      end(new TransportError('closed', 'the peer wants nothing to do with us', { detail: lastWords }));
  }

  function greeted(type: number, payload: Uint8Array): void {
    if (type !== MESSAGE_TYPE.init) {
      broken(`sent a message of type ${type} before init`);
      return;
    }
    const { features, chains } = decodeInit(payload);
    const compulsory = unknownCompulsory(features);
    if (compulsory !== undefined) {
      broken(`asks for the unknown feature ${compulsory}`);
      return;
    }
    const lacking = missingDependency(features);
    if (lacking !== undefined) {
      broken(`offers a feature without ${lacking}, on which it depends`);
      return;
    }
    const mine = o.network && chainHash(o.network);
    if (mine && chains && !chains.some((each) => equalBytes(each, mine))) {
      broken(
        `is not on ${o.network}, but on ${chains.length} other chain(s), the first ${toHex(chains[0] ?? NOTHING)}`,
      );
      return;
    }
    stage = 'up';
    watch();
    o.up();
  }

  return {
    events: {
      data,
      closed(cause) {
        const when = stage === 'act two' ? ' during the handshake: is its node id right?' : '';
        end(new TransportError('closed', `the peer hung up${when}`, { cause, detail: lastWords }));
      },
    },
    begin(given) {
      if (stage !== 'dialing') {
        given.close();
        return;
      }
      pipe = given;
      waitFor('act two');
      given.write(cipher.actOne);
    },
    send(type, payload) {
      if (stage !== 'up') throw new TransportError('offline', 'there is no connection to this peer');
      write(type, payload);
    },
    close: () => end(),
  };
}
