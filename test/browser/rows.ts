/** What test/rows.ts is in Node: there is no file system here, so the bundler brings the vectors along. */
declare global {
  interface ImportMeta {
    /** Vite's: it is replaced by what it finds. */
    glob(pattern: string, options: object): Readonly<Record<string, string>>;
  }
}
const files = import.meta.glob('../vectors/**/*.json', { query: '?raw', import: 'default', eager: true });

export function vectors<Shape>(file: string): Shape {
  return JSON.parse(files[`../vectors/${file}`] ?? '') as Shape;
}
