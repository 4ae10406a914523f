// npm run bench: all figures are ratios against something in the same run, or counts; no test looks at them.
import { benchLightning } from './lightningTime.mjs';
import { benchMachine } from './machine.mjs';
import { benchRoundTrips } from './roundTrips.mjs';
import { benchRuntime } from './runtime.mjs';
import { benchWallet } from './wallet.mjs';

benchMachine();
await benchWallet();
await benchRuntime();
await benchRoundTrips();
await benchLightning();
process.exit();
