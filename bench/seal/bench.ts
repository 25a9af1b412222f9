// The seal suite: what sealing and opening cost by the back end of the cipher and by how many updates are in a frame.
// What is measured and what is not: README.md.
import { randomBytes } from 'node:crypto';
import { type Absent, type Result, ResultsDiffer, toResult } from '../lib/result.ts';
import { type RoundOptions, takeRounds } from '../lib/rounds.ts';
import type { Suite, SuiteResult, SuiteRun } from '../lib/suite.ts';
import { ONE_BY_ONE } from '../merge/conversation.ts';
import { versionOf } from '../merge/peers/peer.ts';
import { playPlain } from '../merge/plain.ts';
import { scriptOf } from '../merge/workload.ts';
import { type Cipher, loadCiphers, requireSameBytes } from './ciphers.ts';
import { type Envelope, loadNative, loadPortable, makeKey } from './frames.ts';
import { type Signed, signOurs, signSecsync } from './signed.ts';

export interface SealSizes {
  /** Updates in a frame. */
  readonly batches: readonly number[];
  /** Updates of one sample, at least; of signed ones a quarter. */
  readonly updates: number;
  readonly rounds: number;
  /** After this only what every case needs at least. */
  readonly timeMs: number;
}

/** Rounds of each case, whatever the machine does meanwhile. */
const LEAST_ROUNDS = 3;

export const sealSuite: Suite = {
  name: 'seal',
  about: 'sealing and opening, by cipher back end and updates in a frame, beside ciphers alone and secsync',
  run: (options) =>
    runSeal(options, {
      batches: [1, 10, 50, 200],
      updates: options.quick ? 1_024 : 8_192,
      rounds: options.quick ? 7 : 21,
      timeMs: options.quick ? 30_000 : 240_000,
    }),
};

const MIB = 1024 * 1024;
/** From so many frames on core opens them together; a backlog has thousands. */
const BACKLOG_FRAMES = 512;
/** A sample of less would be all noise. */
const LEAST_FRAMES = 16;

export const runSeal = async ({ say }: SuiteRun, sizes: SealSizes): Promise<SuiteResult> => {
  const updates = playPlain(scriptOf(Math.max(256, ...sizes.batches), ONE_BY_ONE));
  const ciphers = await loadCiphers();
  const ours: OurEnd[] = [
    { suffix: '', envelope: await loadNative() },
    { suffix: '/noble', envelope: await loadPortable() },
  ];
  const rounds = {
    least: Math.min(LEAST_ROUNDS, sizes.rounds),
    most: sizes.rounds,
    until: performance.now() + sizes.timeMs,
  };
  const results: Result[] = [];
  for (const batch of sizes.batches) {
    say(`${batch} updates in a frame`);
    const frames = Math.max(LEAST_FRAMES, Math.ceil(sizes.updates / batch));
    const body = Buffer.concat(updates.slice(0, batch));
    requireSameBytes(ciphers, body);
    const each = { name: String(batch), body, frames, unit: 'µs/update', per: batch } as const;
    results.push(...(await measure(each, ours, ciphers, rounds)));
  }
  say('1 MiB at once');
  const large = randomBytes(MIB);
  requireSameBytes(ciphers, large);
  const frames = Math.max(1, Math.ceil(sizes.updates / 1_024));
  results.push(
    ...(await measure({ name: '1m', body: large, frames, unit: 'MB/s', per: 1 }, ours, ciphers, rounds)),
  );
  const beside = await besideSecsync(updates, sizes, rounds, say);
  return { results: [...results, ...beside.results], notes: NOTES, absent: beside.absent };
};

const NOTES = [
  'ours is a whole frame: header, padding, room and stream authenticated; the peers are ciphers alone on the same bytes',
  `backlog: ${BACKLOG_FRAMES} frames that came together, of which core under Node opens small ones by libsodium in WebAssembly`,
];

interface OurEnd {
  readonly suffix: string;
  readonly envelope: Envelope;
}

interface Load {
  readonly name: string;
  readonly body: Uint8Array;
  /** Frames of one sample. */
  readonly frames: number;
  readonly unit: 'µs/update' | 'MB/s';
  /** Updates in the body. */
  readonly per: number;
}

const measure = async (
  load: Load,
  ours: readonly OurEnd[],
  ciphers: readonly Cipher[],
  rounds: RoundOptions,
): Promise<Result[]> => {
  const { name, unit } = load;
  const sides = [
    ...ours.map((end) => ourSide(end, load)),
    ...ciphers.map((cipher) => cipherSide(cipher, load)),
  ];
  for (const side of sides) await side.check();
  const better = unit === 'MB/s' ? 'higher' : 'lower';
  const results: Result[] = [];
  for (const kind of ['seal', 'open', 'backlog'] as const) {
    // Opening many at once is something of its own only where core does it by another way.
    const shown = sides.filter((side) => kind !== 'backlog' || side.version !== undefined || side.backlog);
    if (kind === 'backlog' && !sides.some((side) => side.backlog)) continue;
    const times = await takeRounds(
      shown.map((side) => ({ name: side.name, prepare: () => side[kind] ?? side.open })),
      rounds,
    );
    const figures = (side: Side): number[] => {
      const frames = kind === 'backlog' && side.backlog ? BACKLOG_FRAMES : load.frames;
      return times.get(side.name)!.map((ms) => figureOf(load, frames, ms));
    };
    const peers = shown.flatMap((side) =>
      side.version === undefined ? [] : [{ name: side.name, version: side.version, samples: figures(side) }],
    );
    for (const side of shown.filter(({ version }) => version === undefined)) {
      const row = { suite: 'seal', case: `${kind}/${name}${side.suffix}`, unit, better } as const;
      results.push(toResult(row, figures(side), peers));
    }
  }
  return results;
};

const figureOf = ({ unit, per, body }: Load, frames: number, ms: number): number =>
  unit === 'MB/s' ? (frames * body.length) / 1_000 / ms : (ms * 1_000) / (frames * per);

interface Side {
  readonly name: string;
  readonly suffix: string;
  /** Undefined for ours. */
  readonly version: string | undefined;
  readonly seal: () => Promise<unknown>;
  readonly open: () => Promise<unknown>;
  /** Where opening many at once is something else than opening each. */
  readonly backlog?: () => Promise<unknown>;
  readonly check: () => Promise<void>;
}

const ourSide = ({ suffix, envelope }: OurEnd, { name, body, frames }: Load): Side => {
  const { openFrame, openFrames, sealFrame } = envelope;
  const key = makeKey(envelope);
  const kept = name === '1m' ? frames : BACKLOG_FRAMES;
  const sealed = Array.from({ length: kept }, () => sealFrame(key, body, randomBytes));
  return {
    name: `ours${suffix}`,
    suffix,
    version: undefined,
    async seal() {
      for (let i = 0; i < frames; i++) sealFrame(key, body, randomBytes);
    },
    async open() {
      for (let i = 0; i < frames; i++) openFrame(key, sealed[i % kept]!);
    },
    ...(suffix === '' && name !== '1m' && { backlog: () => openFrames(key, sealed) }),
    async check() {
      const opened = [openFrame(key, sealed[0]!), ...(await openFrames(key, sealed))];
      for (const each of opened) requireEqual(`ours${suffix}`, each, body);
    },
  };
};

const cipherSide = (cipher: Cipher, { body, frames }: Load): Side => {
  const [key, aad] = [randomBytes(32), randomBytes(AAD_BYTES)];
  const { name, version, nonceBytes } = cipher;
  const nonce = randomBytes(nonceBytes);
  const sealed = cipher.seal(key, nonce, body, aad);
  return {
    name,
    suffix: '',
    version,
    async seal() {
      for (let i = 0; i < frames; i++) cipher.seal(key, randomBytes(nonceBytes), body, aad);
    },
    async open() {
      for (let i = 0; i < frames; i++) cipher.open(key, nonce, sealed, aad);
    },
    check: async () => requireEqual(name, cipher.open(key, nonce, sealed, aad), body),
  };
};

/** About as much as a frame of ours authenticates besides. */
const AAD_BYTES = 64;

const requireEqual = (name: string, opened: Uint8Array | Error, body: Uint8Array): void => {
  if (opened instanceof Error || Buffer.compare(opened, body) !== 0)
    throw new ResultsDiffer(`${name}: what was opened is not what was sealed`);
};

const besideSecsync = async (
  updates: readonly Uint8Array[],
  { batches, updates: count }: SealSizes,
  rounds: RoundOptions,
  say: SuiteRun['say'],
): Promise<{ results: Result[]; absent: Absent[] }> => {
  const version = versionOf('secsync');
  const results: Result[] = [];
  let peer: Signed<string>;
  try {
    peer = await signSecsync();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { results, absent: [{ suite: 'seal', case: 'signed', name: 'secsync', version, why }] };
  }
  const key = makeKey(await loadNative());
  for (const batch of [batches[0]!, batches.at(-1)!]) {
    say(`signed, ${batch} updates in a frame, beside secsync`);
    const content = updates.slice(0, batch);
    const frames = Math.max(LEAST_FRAMES, Math.ceil(count / 4 / batch));
    const sides = [
      await sign('ours', signOurs(key), content, frames),
      await sign('secsync', peer, content, frames),
    ];
    for (const kind of ['seal', 'open'] as const) {
      const times = await takeRounds(
        sides.map((side) => ({ name: side.name, prepare: () => side[kind] })),
        rounds,
      );
      const figures = (name: string): number[] =>
        times.get(name)!.map((ms) => (ms * 1_000) / (frames * batch));
      results.push(
        toResult(
          { suite: 'seal', case: `signed-${kind}/${batch}`, unit: 'µs/update', better: 'lower' },
          figures('ours'),
          [{ name: 'secsync', version, samples: figures('secsync') }],
        ),
      );
    }
  }
  return { results, absent: [] };
};

/** @throws ResultsDiffer unless each frame opens to the updates that were sealed. */
const sign = async <Sealed>(
  name: string,
  signed: Signed<Sealed>,
  content: readonly Uint8Array[],
  frames: number,
): Promise<{ name: string; seal: () => Promise<unknown>; open: () => Promise<unknown> }> => {
  const sealed = Array.from({ length: frames }, (_, at) => signed.seal(content, at));
  for (const payload of await signed.open(sealed)) requireEqual(name, payload, Buffer.concat(content));
  let at = frames;
  return {
    name,
    async seal() {
      for (let i = 0; i < frames; i++) signed.seal(content, at++);
    },
    open: () => signed.open(sealed),
  };
};
