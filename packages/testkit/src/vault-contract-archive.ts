// What every storage must do with values beside a vault's records. Rules: spec/vault.md §3.
import * as assert from 'uvu/assert';
import type { SmallVaultPlace, VaultPlace } from './vault-contract.ts';
import { bytesOf, contents, failure, openIn, put } from './vault-contract-steps.ts';

type Register<P> = (title: string, run: (place: P) => Promise<void>) => void;

export const archiving = (test: Register<VaultPlace>): void => {
  test('[VT50] [VT51] values beside the records last, each under its name, until they are not kept', async (place) => {
    const vault = await openIn(place);
    await vault.commit(put('a record'));
    const values = ['first', 'second', 'x'.repeat(300_000)].map(bytesOf);
    const made: string[] = [];
    for (const value of values) made.push(await vault.archive(value));
    assert.is(new Set(made).size, 3);
    for (const name of made) assert.match(name, /^[0-9a-f]{32}$/);
    await place.crash();
    const again = await openIn(place);
    assert.equal(await contents(again), ['a record']);
    for (const [i, name] of made.entries()) assert.equal(await again.archived(name), values[i]);
    await again.keepArchived([made[1]!]);
    assert.is(await again.archived(made[0]!), undefined);
    assert.equal(await again.archived(made[1]!), values[1]);
    assert.is(await again.archived('0'.repeat(32)), undefined);
    await again.close();
    await again.destroy();
    await again.open();
    assert.is(await again.archived(made[1]!), undefined, 'destroyed with the vault');
  });
};

export const archivingInLittle = (test: Register<SmallVaultPlace>): void => {
  test('[VT51] a value that does not fit is refused, and what was there stays', async (place) => {
    const vault = await openIn(place);
    await vault.commit(put('first'));
    const kept = await vault.archive(bytesOf('kept'));
    assert.is((await failure(vault.archive(new Uint8Array(4_000_000).fill(7)))).code, 'STORAGE_FULL');
    assert.equal(await vault.archived(kept), bytesOf('kept'));
    await place.crash();
    assert.equal(await (await openIn(place)).archived(kept), bytesOf('kept'));
  });
};
