export { memoryStore } from '../../stores/memory.ts';
export { type MemoryLightning, type MemoryOutcome, memoryLightning } from './lightning.ts';
