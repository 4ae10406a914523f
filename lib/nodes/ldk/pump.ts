import * as ldk from 'lightningdevkit';
import type { Log } from '../../ports/log.ts';

export interface Pump {
  /** Asks for a round soon; many calls make one round. */
  wake(): void;
  stop(): void;
}

const PEERS_TICK_MS = 10_000;
const MANAGER_TICK_MS = 60_000;
/** LDK batches forwards to hide which HTLC led to which; a JIT payment has nothing to batch with. */
const FORWARD_DELAY_MS = 5;

/** The heartbeat of an LDK node: events out, messages out, timers. */
export function eventPump(o: {
  readonly manager: ldk.ChannelManager;
  readonly monitor: ldk.ChainMonitor;
  readonly peers: ldk.PeerManager;
  readonly log: Log;
  event(event: ldk.Event): void;
  round(): void;
}): Pump {
  const { manager, monitor, peers, log } = o;
  const queue: ldk.Event[] = [];
  let stopped = false;
  let awake = false;
  let armed = false;

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
    if (awake || stopped) return;
    awake = true;
    setImmediate(round);
  }

  function round(): void {
    awake = false;
    if (stopped) return;
    guarded(() => o.round());
    for (const provider of providers) provider.process_pending_events(handler);
    peers.process_events();
    for (const event of queue.splice(0)) {
      if (event instanceof ldk.Event_PendingHTLCsForwardable) forwardSoon();
      else guarded(() => o.event(event));
      wake();
    }
    arm();
  }

  function forwardSoon(): void {
    setTimeout(() => {
      if (stopped) return;
      manager.process_pending_htlc_forwards();
      wake();
    }, FORWARD_DELAY_MS);
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
  arm();
  return {
    wake,
    stop() {
      stopped = true;
      for (const tick of ticks) clearInterval(tick);
    },
  };
}
