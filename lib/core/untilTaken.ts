type Stop = () => void;
type Listener<Item> = (item: Item) => Promise<void>;

/** News that must not be lost. */
export interface UntilTaken<Item> {
  add(f: Listener<Item>): Stop;
  /** Tells every listener. It is kept until all have taken it (their promises resolve), and told to later listeners if need be. */
  tell(item: Item): void;
  /** Tells once more what was not taken. */
  again(): void;
  /** What was not taken yet. */
  kept(): readonly Item[];
}

/** `taken` is called when an item need not be kept any more. */
export function untilTaken<Item>(taken: (item: Item) => void): UntilTaken<Item> {
  const listeners = new Set<Listener<Item>>();
  const kept = new Set<Item>();
  const underWay = new Set<Item>();

  async function offer(item: Item): Promise<void> {
    if (listeners.size === 0 || underWay.has(item)) return;
    underWay.add(item);
    try {
      await Promise.all([...listeners].map(async (f) => f(item)));
      kept.delete(item);
      taken(item);
    } catch {
      // Kept, for the next time.
    } finally {
      underWay.delete(item);
    }
  }

  return {
    add(f) {
      listeners.add(f);
      return () => void listeners.delete(f);
    },
    tell(item) {
      kept.add(item);
      void offer(item);
    },
    again() {
      for (const item of kept) void offer(item);
    },
    kept: () => [...kept],
  };
}
