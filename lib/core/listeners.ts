/** Whoever wants to hear of something, and the way to tell them all. A listener that throws stops the telling. */
export function listeners<Args extends readonly unknown[]>() {
  const all = new Set<(...args: Args) => void>();
  return {
    add(f: (...args: Args) => void): () => void {
      all.add(f);
      return () => void all.delete(f);
    },
    tell(...args: Args): void {
      for (const f of all) f(...args);
    },
  };
}
