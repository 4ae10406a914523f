import * as ldk from 'lightningdevkit';
import type { Log } from '../../ports/log.ts';

export interface Pump {
  /** The first round; nothing is told before. */
  begin(): void;
  /** Asks for a round soon; many calls make one round. */
  wake(): void;
  stop(): void;
}

const PEERS_TICK_MS = 10_000;
const MANAGER_TICK_MS = 60_000;
/** LDK batches forwards to hide which HTLC led to which; a JIT payment has nothing to batch with. */
const FORWARD_DELAY_MS = 5;
/** A disk that is full may have room again. */
const COMMIT_RETRY_MS = 1_000;
const GATE_LOOK_MS = 50;

/**
 * The heartbeat of an LDK node. A round: events, and what they lead to; messages, into a buffer; the commit; only then does
 * anything leave the node. LDK's `process_events` can itself move a channel on (a claim that waited for a peer), so the
 * commit has to come after it and before the sockets.
 */
export function eventPump(o: {
  readonly manager: ldk.ChannelManager;
  readonly monitor: ldk.ChainMonitor;
  readonly peers: ldk.PeerManager;
  readonly log: Log;
  event(event: ldk.Event): void;
  round(): void;
  /** @throws when nothing was saved; then nothing leaves the node either. */
  commit(): void;
  /** Messages and transactions, out of the node. */
  flush(): void;
  /** Whether HTLCs may be moved on now; after a restart that waits for the peers. */
  mayForward(): boolean;
}): Pump {
  const { manager, monitor, peers, log } = o;
  const queue: ldk.Event[] = [];
  let begun = false;
  let stopped = false;
  let awake = false;
  let armed = false;
  let toForward = false;
  let gate: NodeJS.Timeout | undefined;
  let paused: NodeJS.Timeout | undefined;

  // A throw inside this callback would end all events for ever, so it only collects.
  const handler = ldk.EventHandler.new_impl({
    handle_event(event) {
      queue.push(event);
      return ldk.Result_NoneReplayEventZ.constructor_ok();
    },
  });
  const providers = [manager.as_EventsProvider(), monitor.as_EventsProvider()];
  const waker = ldk.FutureCallback.new_impl({
    call() {
      armed = false;
      wake();
    },
  });

  function arm(): void {
    if (armed || stopped) return;
    armed = true;
    manager.get_event_or_persistence_needed_future().register_callback_fn(waker);
  }

  function wake(): void {
    if (awake || stopped || !begun || paused) return;
    awake = true;
    setImmediate(round);
  }

  function round(): void {
    awake = false;
    if (stopped) return;
    guarded(o.round);
    handleEvents();
    if (toForward) forward();
    peers.process_events();
    // Once more before anything leaves: what this round answered may be gone from LDK's lists by the next.
    guarded(o.round);
    try {
      o.commit();
    } catch (cause) {
      log({ level: 'warn', event: 'ldk.commit_failed', fields: { cause: String(cause) } });
      pause(COMMIT_RETRY_MS);
      return;
    }
    o.flush();
    arm();
  }

  function handleEvents(): void {
    do {
      for (const provider of providers) provider.process_pending_events(handler);
      for (const event of queue.splice(0)) {
        if (event instanceof ldk.Event_PendingHTLCsForwardable) forwardSoon();
        else guarded(() => o.event(event));
        wake();
      }
    } while (queue.length > 0);
  }

  function forwardSoon(): void {
    setTimeout(() => {
      toForward = true;
      wake();
    }, FORWARD_DELAY_MS);
  }

  function forward(): void {
    if (o.mayForward()) {
      toForward = false;
      manager.process_pending_htlc_forwards();
      wake();
    } else gate ??= setTimeout(lookAgain, GATE_LOOK_MS);
  }

  function lookAgain(): void {
    gate = undefined;
    wake();
  }

  /** No round for a while, whatever happens. */
  function pause(ms: number): void {
    paused ??= setTimeout(() => {
      paused = undefined;
      wake();
    }, ms);
  }

  function guarded(f: () => void): void {
    try {
      f();
    } catch (cause) {
      log({ level: 'warn', event: 'ldk.listener_threw', fields: { cause: String(cause) } });
    }
  }

  const ticks = [
    setInterval(() => {
      peers.timer_tick_occurred();
      wake();
    }, PEERS_TICK_MS),
    setInterval(() => {
      manager.timer_tick_occurred();
      wake();
    }, MANAGER_TICK_MS),
  ];
  return {
    begin() {
      if (begun) return;
      begun = true;
      arm();
      // What a restored manager has pending does not wake anybody.
      wake();
    },
    wake,
    stop() {
      stopped = true;
      for (const tick of ticks) clearInterval(tick);
      clearTimeout(gate);
      clearTimeout(paused);
    },
  };
}
