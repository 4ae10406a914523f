import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A vector file, as `vectors<Shape>('bolt1/bigsize.json')`. */
export function vectors<Shape>(file: string): Shape {
  return JSON.parse(readFileSync(fileURLToPath(new URL(`vectors/${file}`, import.meta.url)), 'utf8')) as Shape;
}
