import { cell, type Table } from '../core/table.ts';
import * as channel from './awaitingChannel.ts';
import * as settlement from './awaitingSettlement.ts';
import * as collecting from './collecting.ts';
import type { Effect, Input, State, StateOf, View } from './data.ts';
import * as late from './late.ts';

type Waiting = StateOf<'awaitingChannel'>;
type Settlement = StateOf<'awaitingSettlement'>;
type Broadcasting = StateOf<'broadcasting'>;

const odd = 'odd';

// Each cell says where it may lead; the compiler holds its handler to that.
const collect = cell('collect', ['collecting', 'awaitingChannel', 'awaitingSettlement', 'failed'], collecting.collect);
const goOn = cell('go on', ['collecting', 'awaitingChannel', 'awaitingSettlement', 'failed'], collecting.goOn);
const giveUp = cell('give up', ['failed'], collecting.giveUp);
const expire = cell('expire', ['failed'], collecting.expire);
const wait = cell('wait', ['collecting'], collecting.stay);
const letThrough = cell('let through', ['succeeded'], collecting.letThrough);
const collectingMargin = cell('watch margin', ['collecting', 'failed'], collecting.watchMargin);
const losePart = cell('lose', ['collecting', 'failed'], collecting.lose);

const queue = cell('hold', ['awaitingChannel'], late.hold<Waiting>);
const dropQueue = cell('fail late parts', ['awaitingChannel'], late.drop<Waiting>);
const expireQueue = cell('fail late parts', ['awaitingChannel'], late.expire<Waiting>);
const tooLate = cell('end early', ['failed', 'abandoned'], channel.tooLate);
const disconnect = cell('end if unfunded', ['awaitingChannel', 'failed'], channel.disconnect);
const fund = cell('fund if it fits', ['awaitingChannel', 'failed'], channel.fund);
const OPENED = ['awaitingChannel', 'awaitingSettlement', 'failed', 'abandoned'] as const;
const funded = cell('broadcast or go on', ['awaitingChannel', 'awaitingSettlement', 'failed'], channel.funded);
const isOut = cell('forward if ready', ['awaitingChannel', 'awaitingSettlement', 'abandoned'], channel.broadcast);
const forward = cell('forward if ready', OPENED, channel.goOn);
const refused = cell('give back', ['failed'], channel.refused);
const broke = cell('end early', ['failed', 'abandoned'], channel.broke);
const channelMargin = cell('watch margin', ['awaitingChannel', 'failed', 'abandoned'], channel.watchMargin);
const loseChannelPart = cell('lose', ['awaitingChannel', 'failed', 'abandoned'], channel.lose);

const resumeOpen = cell('forward if ready, end if unfunded', OPENED, channel.resume);

const hold = cell('hold or replace', ['awaitingSettlement'], settlement.replace);
const dropLate = cell('fail late parts', ['awaitingSettlement'], late.drop<Settlement>);
const expireLate = cell('fail late parts', ['awaitingSettlement'], late.expire<Settlement>);
const settleMargin = cell('watch margin', ['awaitingSettlement'], late.watchMargin<Settlement>);
const loseLate = cell('lose', ['awaitingSettlement'], late.lose<Settlement>);
const pend = cell('wait', ['awaitingSettlement'], late.stay<Settlement>);
const settle = cell('settle', ['awaitingSettlement', 'broadcasting', 'succeeded', 'abandoned'], settlement.settle);
const refuse = cell('refuse', ['awaitingSettlement', 'succeeded', 'abandoned'], settlement.refuse);

const resumeSent = cell(
  'send again what is held',
  ['awaitingChannel', 'awaitingSettlement', 'failed', 'abandoned'],
  settlement.resume,
);
const rejoin = cell('send on what waits', ['awaitingSettlement'], settlement.rejoin);

const holdOn = cell('hold', ['broadcasting'], late.hold<Broadcasting>);
const dropHeld = cell('fail late parts', ['broadcasting'], late.drop<Broadcasting>);
const expireHeld = cell('fail late parts', ['broadcasting'], late.expire<Broadcasting>);
const holdMargin = cell('watch margin', ['broadcasting'], late.watchMargin<Broadcasting>);
const loseHeld = cell('lose', ['broadcasting'], late.lose<Broadcasting>);
const keep = cell('wait', ['broadcasting'], late.stay<Broadcasting>);
const noteSettled = cell('note', ['broadcasting'], settlement.note);
const noteFailed = cell('note', ['broadcasting'], settlement.note);
const resumeReleased = cell('hold what is held', ['broadcasting'], settlement.resumeBroadcasting);
const released = cell('end if resolved', ['awaitingSettlement', 'succeeded', 'abandoned'], settlement.released);

/** Terminal states are left as soon as they are reached: the purchase forgets the session, and a later part begins anew. */
// biome-ignore format: a row
const over = {
  partArrived: odd, collectTimedOut: odd, offerExpired: odd, openTimedOut: odd, clientConnected: odd,
  clientDisconnected: odd, channelAccepted: odd, channelFunded: odd, channelReady: odd, channelRefused: odd,
  channelFailed: odd, fundingBroadcast: odd, partSettled: odd, partFailed: odd, partGone: odd, blockConnected: odd,
  resumed: odd,
  purchaseGivenBack: odd, purchasePaid: odd,
} as const;

/** The session's matrix: what each input does in each state. `lib/session/README.md` is drawn from it. */
export const table: Table<View, State, Input, Effect> = {
  collecting: {
    partArrived: collect,
    collectTimedOut: giveUp,
    offerExpired: expire,
    openTimedOut: odd,
    clientConnected: goOn,
    clientDisconnected: wait,
    channelAccepted: odd,
    channelFunded: odd,
    channelReady: odd,
    channelRefused: odd,
    channelFailed: odd,
    fundingBroadcast: odd,
    partSettled: odd,
    partFailed: odd,
    partGone: losePart,
    blockConnected: collectingMargin,
    resumed: goOn,
    purchaseGivenBack: goOn,
    purchasePaid: letThrough,
  },
  awaitingChannel: {
    partArrived: queue,
    collectTimedOut: dropQueue,
    offerExpired: expireQueue,
    openTimedOut: tooLate,
    clientConnected: forward,
    clientDisconnected: disconnect,
    channelAccepted: fund,
    channelFunded: funded,
    channelReady: forward,
    channelRefused: refused,
    channelFailed: broke,
    fundingBroadcast: isOut,
    partSettled: odd,
    partFailed: odd,
    partGone: loseChannelPart,
    blockConnected: channelMargin,
    resumed: resumeOpen,
    purchaseGivenBack: odd,
    purchasePaid: odd,
  },
  awaitingSettlement: {
    partArrived: hold,
    collectTimedOut: dropLate,
    offerExpired: expireLate,
    openTimedOut: odd,
    clientConnected: rejoin,
    clientDisconnected: pend,
    channelAccepted: odd,
    channelFunded: odd,
    channelReady: odd,
    channelRefused: odd,
    channelFailed: dropLate,
    fundingBroadcast: odd,
    partSettled: settle,
    partFailed: refuse,
    partGone: loseLate,
    blockConnected: settleMargin,
    resumed: resumeSent,
    purchaseGivenBack: odd,
    purchasePaid: odd,
  },
  broadcasting: {
    partArrived: holdOn,
    collectTimedOut: dropHeld,
    offerExpired: expireHeld,
    openTimedOut: odd,
    clientConnected: keep,
    clientDisconnected: keep,
    channelAccepted: odd,
    channelFunded: odd,
    channelReady: odd,
    channelRefused: odd,
    channelFailed: dropHeld,
    fundingBroadcast: released,
    partSettled: noteSettled,
    partFailed: noteFailed,
    partGone: loseHeld,
    blockConnected: holdMargin,
    resumed: resumeReleased,
    purchaseGivenBack: odd,
    purchasePaid: odd,
  },
  succeeded: over,
  failed: over,
  abandoned: over,
};
