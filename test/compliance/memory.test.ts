import { memoryLightning } from 'lsps2/memory';
import { nodesKeepThePorts } from './nodes.ts';

nodesKeepThePorts('memory', async () => ({ ...memoryLightning(), close: async () => undefined }));
