// What every storage of a vault must pass. The vault runs elsewhere, in a process or a page that can be killed.
// Rules: spec/vault.md; the rule is in each title.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { archiving, archivingInLittle } from './vault-contract-archive.ts';
import { bytesOf, contents, failure, includes, openIn, put } from './vault-contract-steps.ts';

export interface VaultChange {
  readonly put?: readonly Uint8Array[];
  readonly remove?: readonly number[];
}

export interface VaultOutcome {
  /** Ids that each change's records got. */
  readonly ids: readonly (readonly number[])[];
  /** In the order in which the changes settled; `code` says why one was refused. */
  readonly settled: readonly { readonly step: number; readonly code?: string }[];
}

/** A vault in one process or page, which dies with it. What it rejects with has a `code`. */
export interface VaultDriver {
  /** @param steal - take it over, where the storage can. */
  open(steal?: boolean): Promise<void>;
  load(): Promise<readonly { readonly id: number; readonly bytes: Uint8Array }[]>;
  /** Commits all changes in one turn; resolves when all have settled. */
  commit(...changes: readonly VaultChange[]): Promise<VaultOutcome>;
  problem(): Promise<string | undefined>;
  repair(): Promise<void>;
  close(): Promise<void>;
  /** Puts a value aside. @returns its name, when it is durable. */
  archive(value: Uint8Array): Promise<string>;
  /** @returns undefined if there is none. */
  archived(name: string): Promise<Uint8Array | undefined>;
  /** Removes all values but these. */
  keepArchived(names: readonly string[]): Promise<void>;
  /** The opened storage's key. */
  key(): Promise<Uint8Array>;
  /** Puts bytes that no vault sealed among the records, in a storage opened for that and closed again. */
  plant(record: Uint8Array): Promise<void>;
  /** Commits without end: step `n` puts {@link churnRecord} and removes that of step `n` - {@link CHURN_KEPT}. Only rejects. */
  churn(): Promise<void>;
  destroy(): Promise<void>;
}

/** Room for one vault. */
export interface VaultPlace {
  /** A new process or page beside those that run; its vault is not open yet. */
  start(): Promise<VaultDriver>;
  /** Kills all that runs, like a crash. */
  crash(): Promise<void>;
  /** Calls back when a churn's step is durable. */
  onDurable(listener: (step: number) => void): void;
  /** Everything that lies on disk in the open, without what by design holds the key. */
  raw(): Promise<readonly Uint8Array[]>;
  /** Deletes what is stored under an open vault. */
  lose(): Promise<void>;
  /** Ends all that runs and removes everything. */
  dispose(): Promise<void>;
}

/** A place that holds about a megabyte. */
export interface SmallVaultPlace extends VaultPlace {
  /** Makes room for another. */
  free(): Promise<void>;
}

export interface VaultHarness {
  place(): Promise<VaultPlace>;
  /** Undefined where no disk can be filled; then `whyNotSmall` says why. */
  readonly smallPlace: (() => Promise<SmallVaultPlace>) | undefined;
  readonly whyNotSmall?: string;
  /** How often to kill a vault at work, and how often the same one. */
  readonly kills: number;
  readonly killsPerPlace: number;
  /** Runs after all tests. */
  end?(): Promise<void>;
}

/** Records that a churned vault holds. */
export const CHURN_KEPT = 5;

/** The record of a churn's step: its number, and more bytes than fit in a disk sector. */
export const churnRecord = (step: number): Uint8Array => {
  const bytes = new Uint8Array(700);
  new DataView(bytes.buffer).setUint32(0, step);
  return bytes;
};

export const churnStep = (record: Uint8Array): number =>
  new DataView(record.buffer, record.byteOffset).getUint32(0);

/** Registers and runs the suite. */
export const vaultContract = (name: string, harness: VaultHarness): void => {
  const test = suite(`vault contract: ${name}`);
  const inPlace = (title: string, run: (place: VaultPlace) => Promise<void>) =>
    test(title, () => using(harness.place, run));
  const inSmallPlace = (title: string, run: (place: SmallVaultPlace) => Promise<void>) => {
    const { smallPlace } = harness;
    if (smallPlace) test(title, () => using(smallPlace, run));
    else test.skip(`${title} (skipped: ${harness.whyNotSmall})`, () => undefined);
  };
  keeping(inPlace);
  test(`[VT10] [VT11] [VT17] killed ${harness.kills} times at work: a prefix of the steps, with all reported ones`, async () => {
    for (let done = 0; done < harness.kills; done += harness.killsPerPlace)
      await using(harness.place, (place) => killAtWork(place, harness.killsPerPlace, done));
  });
  archiving(inPlace);
  refusing(inPlace);
  losing(inPlace);
  filling(inSmallPlace);
  archivingInLittle(inSmallPlace);
  if (harness.end) test.after(() => harness.end!());
  test.run();
};

type Register<P> = (title: string, run: (place: P) => Promise<void>) => void;

const keeping = (test: Register<VaultPlace>): void => {
  test('[VT5] [VT17] what was durable is there after a crash, in order', async (place) => {
    const vault = await openIn(place);
    const { ids } = await vault.commit(put('one'), put('two', 'three'), put('four'));
    await vault.commit({ remove: [ids[1]![0]!] }, put('five'));
    await place.crash();
    assert.equal(await contents(await openIn(place)), ['one', 'three', 'four', 'five']);
    await place.crash();
    assert.equal(await contents(await openIn(place)), ['one', 'three', 'four', 'five'], 'and once more');
  });

  test('[VT10] a step that puts and removes is one', async (place) => {
    const vault = await openIn(place);
    const { ids } = await vault.commit(put('outbox'));
    await vault.commit({ ...put('frame'), remove: ids[0]! });
    await place.crash();
    assert.equal(await contents(await openIn(place)), ['frame']);
  });

  test('[VT11] steps become durable in the order of the calls', async (place) => {
    const vault = await openIn(place);
    const { settled } = await vault.commit(...Array.from({ length: 200 }, (_, i) => put(`step ${i}`)));
    assert.equal(
      settled,
      Array.from({ length: 200 }, (_, step) => ({ step })),
    );
    await place.crash();
    assert.equal(
      await contents(await openIn(place)),
      Array.from({ length: 200 }, (_, i) => `step ${i}`),
    );
  });

  test('[VT5] [VT17] many records, a third of them removed', async (place) => {
    const vault = await openIn(place);
    const names = Array.from({ length: 2300 }, (_, i) => `record ${i}`);
    const { ids } = await vault.commit(...names.map((name) => put(name)));
    await vault.commit({ remove: ids.flat().filter((_, i) => i % 3 === 0) });
    await place.crash();
    const expected = names.filter((_, i) => i % 3 !== 0);
    assert.equal(await contents(await openIn(place)), expected);
    await place.crash();
    assert.equal(await contents(await openIn(place)), expected, 'and when it was compacted');
  });

  test('[VT19] closing waits for the steps before it', async (place) => {
    const vault = await openIn(place);
    const committed = vault.commit(put('last words'));
    await Promise.all([committed, vault.close()]);
    assert.equal((await committed).settled, [{ step: 0 }]);
    assert.equal((await vault.commit(put('too late'))).settled, [{ step: 0, code: 'CLOSED' }]);
    await vault.open();
    assert.equal(await contents(vault), ['last words']);
  });
};

/** @param offset - lets the kills of several places come at different steps. */
const killAtWork = async (place: VaultPlace, kills: number, offset: number): Promise<void> => {
  let target = 3 + offset;
  let reported = -1;
  let reached: () => void;
  place.onDurable((step) => {
    reported = Math.max(reported, step);
    if (step >= target) reached();
  });
  for (let kill = 0; kill < kills; kill++) {
    const far = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const vault = await openIn(place);
    const work = vault.churn();
    work.catch(() => undefined); // It ends with the crash.
    await Promise.race([far, work]);
    await place.crash();
    const reopened = await openIn(place);
    const steps = (await reopened.load()).map(({ bytes }) => churnStep(bytes));
    const last = steps.at(-1) ?? -1;
    assert.ok(last >= reported, `step ${reported} was reported durable, the vault ends with ${last}`);
    const length = Math.min(CHURN_KEPT, last + 1);
    assert.equal(
      steps,
      Array.from({ length }, (_, i) => last + 1 - length + i),
    );
    await reopened.close();
    target = last + 1 + ((kill * 7) % 23);
  }
  assert.ok(reported >= 3, 'it was at work');
};

const refusing = (test: Register<VaultPlace>): void => {
  test('[VT4] a record that nobody sealed is named as damage, and nothing is handed out', async (place) => {
    const vault = await openIn(place);
    await vault.commit(put('before'));
    await vault.close();
    await vault.plant(bytesOf('planted-canary planted-canary planted-canary planted-canary'));
    const error = await failure(vault.open());
    assert.is(error.code, 'STORAGE_CORRUPT');
    assert.not.match(error.message, /canary|before/);
    assert.is((await failure(vault.open())).code, 'STORAGE_CORRUPT', 'the storage was released');
  });

  test('[VT18] a second opener is refused, until the first closes or dies', async (place) => {
    const first = await openIn(place);
    await first.commit(put('mine'));
    const second = await place.start();
    assert.is((await failure(second.open())).code, 'STORAGE_IN_USE');
    assert.is((await failure(second.destroy())).code, 'STORAGE_IN_USE');
    await first.commit(put('still mine'));
    await first.close();
    await second.open();
    assert.equal(await contents(second), ['mine', 'still mine']);
    await place.crash();
    assert.equal(await contents(await openIn(place)), ['mine', 'still mine']);
  });

  test('[VT7] nothing readable is at rest', async (place) => {
    const vault = await openIn(place);
    const canaries = Array.from({ length: 40 }, (_, i) => `canary-${i}-${'sing'.repeat(20)}`);
    const { ids } = await vault.commit(...canaries.map((canary) => put(canary)));
    await vault.commit({ remove: ids[3]! });
    await vault.archive(bytesOf(canaries.join(' ')));
    const secrets = [bytesOf('canary-'), bytesOf('singsing'), await vault.key()];
    const seen = [...(await place.raw())];
    await vault.close();
    await vault.open();
    seen.push(...(await place.raw()));
    assert.ok(
      seen.some((bytes) => bytes.length > 1000),
      'there is something to search',
    );
    for (const secret of secrets)
      for (const bytes of seen) assert.not.ok(includes(bytes, secret), 'plaintext or key at rest');
  });

  test('[VT8] a destroyed vault is gone', async (place) => {
    const vault = await openIn(place);
    await vault.commit(put('gone soon'));
    const key = await vault.key();
    await vault.close();
    await vault.destroy();
    await vault.destroy();
    await vault.open();
    assert.equal(await contents(vault), []);
    assert.not.equal(await vault.key(), key, 'a new vault has a new key');
  });
};

const losing = (test: Register<VaultPlace>): void => {
  test('[VT15] [VT16] a deleted storage is reported, and repaired from memory', async (place) => {
    const vault = await openIn(place);
    await vault.commit(put('before'));
    await place.lose();
    const { settled } = await vault.commit(put('meanwhile'));
    assert.equal(settled, [{ step: 0, code: 'STORAGE_LOST' }]);
    assert.is(await vault.problem(), 'STORAGE_LOST');
    await vault.repair();
    assert.is(await vault.problem(), undefined);
    assert.equal((await vault.commit(put('after'))).settled, [{ step: 0 }]);
    await place.crash();
    assert.equal(await contents(await openIn(place)), ['before', 'meanwhile', 'after']);
  });

  test('[VT15] a lost vault that is not repaired closes', async (place) => {
    const vault = await openIn(place);
    await vault.commit(put('before'));
    await place.lose();
    await vault.commit(put('meanwhile'));
    await vault.close();
    await vault.open();
    assert.equal(await contents(vault), [], 'a new vault');
  });
};

const BIG = 'x'.repeat(64 * 1024);

/** Commits until the disk is full. @returns the names of what was durable, and of what was not. */
const overfill = async (vault: VaultDriver): Promise<{ durable: string[]; refused: string[] }> => {
  const durable: string[] = [];
  const refused: string[] = [];
  for (let i = 0; refused.length === 0 && i < 40; i++) {
    const names = [`a${i}`, `b${i}`, `c${i}`];
    const { settled } = await vault.commit(...names.map((name) => put(`${name} ${BIG}`)), put(`small ${i}`));
    for (const { step, code } of settled) {
      const name = names[step] ?? `small ${i}`;
      if (code !== undefined) assert.is(code, 'STORAGE_FULL');
      (code === undefined ? durable : refused).push(name);
    }
  }
  assert.ok(refused.length > 0, 'the disk was never full');
  return { durable, refused };
};

const names = async (vault: VaultDriver): Promise<string[]> =>
  (await contents(vault)).map((text) => text.replace(` ${BIG}`, ''));

const filling = (test: Register<SmallVaultPlace>): void => {
  test('[VT14] a full disk is reported; what was shown as durable is there afterwards', async (place) => {
    const vault = await openIn(place);
    await vault.commit(put('first'), put('second'));
    const { durable } = await overfill(vault);
    assert.is(await vault.problem(), 'STORAGE_FULL');
    assert.equal((await vault.commit(put('tiny'))).settled, [{ step: 0, code: 'STORAGE_FULL' }]);
    assert.is((await failure(vault.repair())).code, 'STORAGE_FULL', 'no room, no repair');
    assert.is(await vault.problem(), 'STORAGE_FULL');
    await place.crash();
    const kept = await names(await openIn(place));
    assert.equal(kept.slice(0, 2 + durable.length), ['first', 'second', ...durable]);
    assert.not.ok(kept.includes('tiny'), 'nothing is accepted after the failure');
  });

  test('[VT16] when there is room again, a repair stores all that waited', async (place) => {
    const vault = await openIn(place);
    const { ids } = await vault.commit(put('first'), put('second'));
    const { durable, refused } = await overfill(vault);
    await vault.commit({ ...put('third'), remove: ids[1]! });
    await place.free();
    await vault.repair();
    assert.is(await vault.problem(), undefined);
    assert.equal((await vault.commit(put('fourth'))).settled, [{ step: 0 }]);
    await place.crash();
    assert.equal(await names(await openIn(place)), ['first', ...durable, ...refused, 'third', 'fourth']);
  });
};

const using = async <P extends VaultPlace>(make: () => Promise<P>, run: (place: P) => Promise<void>) => {
  const place = await make();
  try {
    await run(place);
  } finally {
    await place.dispose();
  }
};
