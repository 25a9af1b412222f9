// Stories for tests of verdicts: what several devices, honest and lying ones, put into one room.
import { toHex } from '@sealwire/protocol';
import { streamKey } from '../src/frame/envelope.ts';
import { roomIdOf } from '../src/identity/device-keys.ts';
import type { DeviceCut } from '../src/room/cuts.ts';
import { type Event, type Line, type Made, type Story, startLine } from './frames-kit.ts';
import { PAGE, type TestAccount, testAccount } from './room-support.ts';
import type { Seeded, TestDevice } from './support.ts';

interface Stage {
  readonly random: Seeded;
  readonly account: TestAccount;
  readonly stranger: TestAccount;
  /** A new chain of a device: the account's by number, or the other account's. */
  line(device: TestDevice): Line;
  story(...events: readonly (Event | Made)[]): Story;
}

const stageOf = async (random: Seeded): Promise<Stage> => {
  const account = await testAccount(random, 3);
  const stranger = await testAccount(random, 1);
  const logId = account.log.root;
  const key = streamKey(account.epochKey, roomIdOf(account.secret), PAGE, logId);
  return {
    random,
    account,
    stranger,
    line: (device) => startLine({ random, logId, device, key }),
    story: (...events) => ({
      account,
      others: [stranger],
      key,
      events: events.map((event) => ('stream' in event ? { frame: event } : event)),
    }),
  };
};

const idOf = (device: TestDevice): string => toHex(device.logged.id);

/** A cut of a device at where these lines stand. `order` decides between several. */
const cutOf = (device: TestDevice, order: string, lines: readonly Line[]): Event => ({
  device: idOf(device),
  cut: { order, chains: new Map(lines.map((line) => [line.key, line.limit()])) } satisfies DeviceCut,
});

/** Several devices and accounts; deletions of own words, of an own other device's, and of a stranger's. */
const deletions = async (random: Seeded): Promise<Story> => {
  const { account, stranger, line, story } = await stageOf(random);
  const [a, b] = account.devices as [TestDevice, TestDevice];
  const [first, second, third] = [line(a), line(b), line(stranger.devices[0]!)];
  const range = (of: Line, clock: number, length: number) => ({ clientId: of.clientId, clock, length });
  return story(
    first.say(1, { texts: ['a0', 'a1', 'a2'] }),
    second.say(1, { texts: ['b0'], deletions: [range(first, 1, 1)] }),
    third.say(1, { texts: ['c0', 'c1'], deletions: [range(first, 0, 3)] }),
    first.say(2, { texts: ['a3'], deletions: [range(first, 3, 1), range(third, 0, 1)] }),
    second.say(2, { deletions: [range(first, 2, 4), range(third, 0, 9)] }),
    third.say(2, { deletions: [range(third, 1, 1)] }),
    first.say(3, { texts: ['a4', 'a5', 'a6'] }),
    first.say(4, { payload: Uint8Array.of(1, 1, 5, 0, 1, 3, 0) }),
    first.say(5, { texts: ['a7'] }),
    second.say(3, { deletions: [{ clientId: 12345, clock: 0, length: 2 ** 50 }] }),
    second.say(4, { texts: ['b1'] }),
  );
};

/** A device that was logged out goes on, in a chain that the cut names and in one that it does not. */
const cut = async (random: Seeded): Promise<Story> => {
  const { account, line, story } = await stageOf(random);
  const [a, b] = account.devices as [TestDevice, TestDevice];
  const [honest, known, unknown] = [line(a), line(b), line(b)];
  const clientId = honest.clientId;
  const before = [
    honest.say(1, { texts: ['a0', 'a1', 'a2'] }),
    known.say(1, { texts: ['b0'] }),
    known.say(2, { texts: ['b1'], deletions: [{ clientId, clock: 0, length: 1 }] }),
  ];
  const limit = cutOf(b, 'aa', [known]);
  return story(
    ...before,
    limit,
    known.say(4, { texts: ['b2'], deletions: [{ clientId, clock: 1, length: 1 }] }),
    known.say(5, { texts: ['b3'] }),
    unknown.say(3, { texts: ['x0'], deletions: [{ clientId, clock: 2, length: 1 }] }),
    unknown.say(6, { texts: ['x1'] }),
    honest.say(2, { texts: ['a3'], deletions: [{ clientId: known.clientId, clock: 1, length: 3 }] }),
  );
};

/** Two devices cut a third at once: the lesser hash counts, be it the more generous or the less. */
const twoCuts = async (random: Seeded, generousFirst: boolean): Promise<Story> => {
  const { account, line, story } = await stageOf(random);
  const [a, b] = account.devices as [TestDevice, TestDevice];
  const [honest, known] = [line(a), line(b)];
  const early = [honest.say(1, { texts: ['a0'] }), known.say(1, { texts: ['b0'] })];
  const small = cutOf(b, generousFirst ? 'bb' : '11', [known]);
  const middle = [known.say(2, { texts: ['b1'] }), known.say(5, { texts: ['b2', 'b3'] })];
  const other = line(b);
  const more = other.say(3, { texts: ['y0'] });
  const large = cutOf(b, '55', [known, other]);
  return story(...early, small, ...middle, more, large, known.say(6, { texts: ['b4'] }), other.say(7, {}));
};

/** A stranger forges frames in an honest chain: under counters that are taken, and under ones to come. */
const forged = async (random: Seeded): Promise<Story> => {
  const { account, stranger, line, story } = await stageOf(random);
  const [a] = account.devices as [TestDevice];
  const signer = stranger.devices[0]!;
  const honest = line(a);
  const events: Made[] = [honest.fork().say(1, { texts: ['f0'], signer })];
  for (let counter = 1; counter < 6; counter++) {
    events.push(honest.fork().say(counter, { texts: [`f${counter}`], signer }));
    events.push(honest.say(counter, { texts: [`a${counter}`] }));
  }
  return story(...events, honest.fork().say(9, { texts: ['after all'], signer }));
};

/** A device shows two lines of one chain. `cutAt` says which of them a cut names, if any. */
const fork = async (
  random: Seeded,
  options: { readonly at: number; readonly cut?: 'one' | 'other' | 'neither' | 'before' },
): Promise<Story> => {
  const { account, line, story } = await stageOf(random);
  const [a, b] = account.devices as [TestDevice, TestDevice];
  const [honest, liar, fine] = [line(a), line(b), line(b)];
  const events: (Event | Made)[] = [honest.say(1, { texts: ['a0', 'a1'] })];
  for (let counter = 1; counter <= options.at; counter++)
    events.push(liar.say(counter, { texts: [`b${counter}`] }));
  const common = liar.fork();
  const [one, other, third] = [liar.fork(), liar.fork(), liar.fork()];
  const range = { clientId: honest.clientId, clock: 0, length: 1 };
  const next = options.at + 1;
  events.push(
    one.say(next, { texts: ['one'] }),
    other.say(next, { texts: ['other'], deletions: [range] }),
    third.say(next + 1, { texts: ['skipped a number'] }),
    one.say(next + 1, { texts: ['one more'], deletions: [range] }),
    other.say(next + 1, { texts: ['other more'] }),
  );
  const named = { one, other, neither: third, before: common };
  if (options.cut)
    events.push(cutOf(b, 'cc', [fine, named[options.cut]].slice(options.cut === 'neither' ? 1 : 0)));
  if (options.cut === 'neither') third.say(next + 5, {});
  events.push(one.say(next + 3, { texts: ['one last'] }), other.say(next + 4, { texts: ['other last'] }));
  events.push(fine.say(next + 5, { texts: ['another chain'] }));
  return story(...events);
};

/** The cut names a hash that nobody ever sees. */
const bogusCut = async (random: Seeded): Promise<Story> => {
  const { account, line, story } = await stageOf(random);
  const [, b] = account.devices as [TestDevice, TestDevice];
  const known = line(b);
  const events: (Event | Made)[] = [1, 2, 3, 4].map((i) => known.say(i, { texts: [`b${i}`] }));
  const chains = new Map([[known.key, { counter: 3, hash: random.bytes(32) }]]);
  return story(...events, { device: idOf(b), cut: { order: 'dd', chains } });
};

/** Chains of random length, forks, forgeries, deletions and cuts. */
const anything = async (random: Seeded): Promise<Story> => {
  const { account, stranger, line, story } = await stageOf(random);
  const devices = [...account.devices, stranger.devices[0]!];
  const lines = devices.flatMap((device) =>
    [device, device].map((of) => ({ device: of, at: line(of), next: 1 })),
  );
  const events: (Event | Made)[] = [];
  for (let i = 0; i < 24; i++) {
    const one = lines[random.below(lines.length)]!;
    const target = lines[random.below(lines.length)]!.at;
    const deletions =
      random.below(3) === 0
        ? [{ clientId: target.clientId, clock: random.below(4), length: 1 + random.below(3) }]
        : [];
    const chance = random.below(12);
    if (chance === 0 && lines.length < 12) lines.push({ ...one, at: one.at.fork() });
    const signer = chance === 1 ? devices[random.below(devices.length)]! : one.device;
    events.push(one.at.say(one.next, { texts: [`${i}`], deletions, signer }));
    one.next += 1 + (random.below(4) === 0 ? 1 : 0);
    if (chance > 9) {
      const named = lines.filter(({ device, at }) => device === one.device && at.limit().counter > 0);
      const kept = named.filter(() => random.below(4) > 0).map(({ at }) => at);
      events.push(cutOf(one.device, toHex(random.bytes(4)), kept));
    }
  }
  return story(...events);
};

export const STORIES: Readonly<Record<string, (random: Seeded) => Promise<Story>>> = {
  deletions,
  cut,
  'two cuts, the more generous counts': (random) => twoCuts(random, true),
  'two cuts, the less generous counts': (random) => twoCuts(random, false),
  'forged frames': forged,
  'a fork': (random) => fork(random, { at: 2 }),
  'a fork at the opening': (random) => fork(random, { at: 0 }),
  'a fork, and a cut that names one line': (random) => fork(random, { at: 2, cut: 'one' }),
  'a fork, and a cut that names the other': (random) => fork(random, { at: 1, cut: 'other' }),
  'a fork at the opening, and a cut that names a line': (random) => fork(random, { at: 0, cut: 'other' }),
  'a fork, and a cut that names a third line': (random) => fork(random, { at: 2, cut: 'neither' }),
  'a fork behind a cut': (random) => fork(random, { at: 2, cut: 'before' }),
  'a cut that names nothing known': bogusCut,
  anything,
};
