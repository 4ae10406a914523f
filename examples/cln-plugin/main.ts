#!/usr/bin/env node
import { runPlugin } from './host.ts';
import { startPlugin } from './plugin.ts';

// A plugin of Core Lightning: `lightningd --plugin=.../lsps2-cln-plugin`.

runPlugin({ input: process.stdin, output: process.stdout, start: startPlugin, exit: (code) => process.exit(code) });
