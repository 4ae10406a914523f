#!/usr/bin/env node
import { connect } from 'node:net';

// A plugin that is elsewhere: passes lightningd's words to the test that listens on a socket, and its answers back.
const socket = connect(process.env.LSPS2_BRIDGE);
process.stdin.pipe(socket).pipe(process.stdout);
socket.on('close', () => process.exit(0));
socket.on('error', () => process.exit(1));
