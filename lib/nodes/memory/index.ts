export { memoryStore } from '../../stores/memory.ts';
