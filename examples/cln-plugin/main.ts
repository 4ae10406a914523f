#!/usr/bin/env node
import { runPlugin } from './host.ts';
import { startPlugin } from './plugin.ts';

// A plugin of Core Lightning: `lightningd --plugin=.../lsps2-cln-plugin`.

const HELP = `lsps2-cln-plugin is a plugin of Core Lightning, and lightningd starts it: plugin=PATH in its config, or
  lightning-cli plugin start PATH
It lets in the JIT channels (LSPS2) that your wallet's program has bought, and verifies what they cost. The guide is docs/cln.md of the package lsps2.
`;

const isAsked = process.argv.includes('--help') || process.argv.includes('-h');
if (isAsked || process.stdin.isTTY) {
  process.stdout.write(HELP);
  process.exit(isAsked ? 0 : 2);
}
runPlugin({ input: process.stdin, output: process.stdout, start: startPlugin, exit: (code) => process.exit(code) });
