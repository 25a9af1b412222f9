// Tabs that fight over a vault, and what else a browser does to one. Rules: spec/vault.md §5.
// needs: chromium
// timeout: 300s

import type { VaultDriver } from '@sealwire/testkit/vault-contract';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type BrowserPlace, browserPlaces } from './browser-place.ts';

const places = await browserPlaces();
const test = suite<{ place: BrowserPlace }>('vault in tabs');

test.before.each(async (context) => {
  context.place = await places.place();
});
test.after.each(({ place }) => place.dispose());
test.after(() => places.end());

const put = (text: string) => ({ put: [new TextEncoder().encode(text)] });

const texts = async (vault: VaultDriver): Promise<string[]> =>
  (await vault.load()).map(({ bytes }) => new TextDecoder().decode(bytes));

const failure = async (promise: Promise<unknown>): Promise<string | undefined> =>
  promise.then(
    () => 'none',
    (error: { code?: string }) => error.code,
  );

/** Opens a vault with two steps in it and closes it. */
const filled = async (place: BrowserPlace): Promise<VaultDriver> => {
  const vault = await place.start();
  await vault.open();
  await vault.commit(put('one'));
  await vault.commit(put('two'));
  await vault.close();
  return vault;
};

test('[VT46] "use here" takes the vault over; the old tab is told, and neither writes nor repairs', async ({
  place,
}) => {
  const first = await place.start();
  await first.open();
  await first.commit(put('first'));
  const second = await place.start();
  assert.is(await failure(second.open()), 'STORAGE_IN_USE');
  await second.open(true);
  assert.equal((await first.commit(put('too late'))).settled, [{ step: 0, code: 'STORAGE_IN_USE' }]);
  assert.is(await first.problem(), 'STORAGE_IN_USE');
  assert.is(await failure(first.repair()), 'STORAGE_IN_USE');
  assert.equal((await second.commit(put('second'))).settled, [{ step: 0 }]);
  await first.close();
  await second.close();
  await first.open();
  assert.equal(await texts(first), ['first', 'second']);
});

test('[VT43] a tab that never hears of the takeover writes nothing either', async ({ place }) => {
  const { vault: deaf } = await place.startPage(() => {
    const request = navigator.locks.request.bind(navigator.locks) as (...args: unknown[]) => Promise<unknown>;
    Object.defineProperty(navigator.locks, 'request', {
      value: (...args: unknown[]) => request(...args).catch(() => new Promise(() => {})),
    });
  });
  await deaf.open();
  await deaf.commit(put('first'));
  const second = await place.start();
  await second.open(true);
  const { settled } = await deaf.commit(put('unheard'), put('and again'));
  assert.equal(
    settled.map(({ code }) => code),
    ['STORAGE_IN_USE', 'STORAGE_IN_USE'],
  );
  assert.equal((await second.commit(put('second'))).settled, [{ step: 0 }]);
  await place.crash();
  const vault = await place.start();
  await vault.open();
  assert.equal(await texts(vault), ['first', 'second']);
});

test('[VT42] rows that are no document, or have a gap, are damage', async ({ place }) => {
  const vault = await filled(place);
  const page = await place.bare();
  const planted = await page.evaluate(() =>
    window.change('sealwire/test/vault', 'updates', (store) => store.add(new Uint8Array([9, 9, 9]))),
  );
  assert.is(await failure(vault.open()), 'STORAGE_CORRUPT');
  await page.evaluate(
    (key) => window.change('sealwire/test/vault', 'updates', (store) => store.put('text', key)),
    planted as number,
  );
  assert.is(await failure(vault.open()), 'STORAGE_CORRUPT');
  await page.evaluate(
    (key) => window.change('sealwire/test/vault', 'updates', (store) => store.delete(key)),
    planted as number,
  );
  await vault.open();
  assert.equal(await texts(vault), ['one', 'two']);
  await vault.close();
  await page.evaluate(() => window.change('sealwire/test/vault', 'updates', (store) => store.delete(2)));
  assert.is(await failure(vault.open()), 'STORAGE_CORRUPT', 'the row of the first step is gone');
});

test('[VT42] a database of a newer version is not touched', async ({ place }) => {
  const vault = await filled(place);
  const page = await place.bare();
  await page.evaluate(
    () =>
      new Promise<void>((resolve) => {
        const request = indexedDB.open('sealwire/test/vault', 2);
        request.onsuccess = () => {
          request.result.close();
          resolve();
        };
      }),
  );
  assert.is(await failure(vault.open()), 'STORAGE_NEWER');
});

test('[VT40] [VT41] the key is wrapped by one that no script can export; altered or gone, nothing is read', async ({
  place,
}) => {
  const vault = await filled(place);
  const page = await place.bare();
  const seen = await page.evaluate(async () => {
    const entry = (await window.change('sealwire/test/key', 'keys', (store) => store.get('vault'))) as {
      wrapping: CryptoKey;
      wrapped: ArrayBuffer;
    };
    const exported = await crypto.subtle.exportKey('raw', entry.wrapping).then(
      () => 'exported',
      (error: DOMException) => error.name,
    );
    return {
      exported,
      extractable: entry.wrapping.extractable,
      algorithm: entry.wrapping.algorithm,
      bytes: entry.wrapped.byteLength,
    };
  });
  assert.equal(seen, {
    exported: 'InvalidAccessError',
    extractable: false,
    algorithm: { name: 'AES-GCM', length: 256 },
    bytes: 48,
  });
  await page.evaluate(async () => {
    const entry = (await window.change('sealwire/test/key', 'keys', (store) => store.get('vault'))) as {
      wrapped: ArrayBuffer;
    };
    new Uint8Array(entry.wrapped)[0]! ^= 1;
    await window.change('sealwire/test/key', 'keys', (store) => store.put(entry, 'vault'));
  });
  assert.is(await failure(vault.open()), 'STORAGE_CORRUPT');
  await page.evaluate(() =>
    window.change('sealwire/test/key', 'keys', (store) => store.clear() as IDBRequest),
  );
  assert.is(await failure(vault.open()), 'STORAGE_CORRUPT');
});

test('[VT45] [VT47] a deleted key database is put back by a repair', async ({ place }) => {
  const vault = await place.start();
  await vault.open();
  await vault.commit(put('one'));
  const key = await vault.key();
  const page = await place.bare();
  await page.evaluate(() => window.deleteDatabases());
  await vault.repair();
  await vault.close();
  await vault.open();
  assert.equal(await texts(vault), ['one']);
  assert.equal(await vault.key(), key);
});

test('[VT44] a barrier holds while y-indexeddb replaces the rows it waits for', async ({ place }) => {
  const { page, vault } = await place.startPage(() => {
    const timeout = window.setTimeout.bind(window);
    const clear = window.clearTimeout.bind(window);
    let trim: (() => void) | undefined;
    // y-indexeddb trims 1,000 ms after the last of many edits: here, when the test says so.
    Object.assign(window, {
      setTimeout: (run: () => void, delay?: number) => {
        if (delay !== 1000) return timeout(run, delay);
        trim = run;
        return -1;
      },
      clearTimeout: (id: number) => (id === -1 ? undefined : clear(id)),
      fireTrim: () => {
        if (!trim) throw new Error('y-indexeddb does not want to trim');
        trim();
      },
    });
  });
  await vault.open();
  await vault.commit(...Array.from({ length: 600 }, (_, i) => put(`${i}`)));
  const replies = await page.evaluate(async () => {
    const commit = (text: string) =>
      window.vaultCall({ method: 'commit', argument: [{ put: [btoa(text)], remove: [] }] });
    const before = commit('before');
    (window as unknown as { fireTrim(): void }).fireTrim();
    const during = commit('during');
    return Promise.all([before, during]);
  });
  for (const reply of replies) {
    assert.ok('result' in reply);
    assert.equal((reply.result as { settled: unknown }).settled, [{ step: 0 }]);
  }
  const bare = await place.bare();
  const rows = await bare.evaluate(() =>
    window.change('sealwire/test/vault', 'updates', (store) => store.count()),
  );
  assert.ok((rows as number) < 10, `${rows} rows: it was trimmed`);
  await vault.commit(put('after'));
  await place.crash();
  const reopened = await place.start();
  await reopened.open();
  assert.equal((await texts(reopened)).slice(598), ['598', '599', 'before', 'during', 'after']);
});

test('[VT48] many rows become one when the vault is opened', async ({ place }) => {
  const vault = await place.start();
  await vault.open();
  const { ids } = await vault.commit(...Array.from({ length: 501 }, (_, i) => put(`${i}`)));
  await vault.commit({ remove: ids.flat().slice(1) });
  await vault.close();
  await vault.open();
  await vault.close();
  const page = await place.bare();
  const rows = (await page.evaluate(() =>
    window.change('sealwire/test/vault', 'updates', (store) => store.getAll()),
  )) as Record<string, number>[];
  // The state, and the row that y-indexeddb adds at each opening; one more where it has trimmed by itself before the vault was
  // closed, which it does a second after the 500th row.
  assert.ok(rows.length === 2 || rows.length === 3, `${rows.length} rows`);
  const bytes = rows.reduce((sum, row) => sum + Object.keys(row).length, 0);
  assert.ok(bytes < 500, `${bytes} bytes`);
  await vault.open();
  assert.equal(await texts(vault), ['0']);
});

test('[VT42] without storage the answer is STORAGE_UNAVAILABLE, not silence', async ({ place }) => {
  const lacks: (() => void)[] = [
    () => Object.defineProperty(window, 'indexedDB', { value: undefined }),
    () => Object.defineProperty(navigator, 'locks', { value: undefined }),
    () =>
      Object.defineProperty(IDBFactory.prototype, 'open', {
        value: () => {
          throw new DOMException('no', 'SecurityError');
        },
      }),
    () =>
      Object.defineProperty(IDBFactory.prototype, 'open', {
        value: () => {
          const request = new EventTarget() as IDBOpenDBRequest;
          Object.defineProperty(request, 'error', { value: new DOMException('no', 'UnknownError') });
          queueMicrotask(() => request.onerror?.(new Event('error')));
          return request;
        },
      }),
  ];
  for (const lack of lacks) {
    const { vault, page } = await place.startPage(lack);
    assert.is(await failure(vault.open()), 'STORAGE_UNAVAILABLE', String(lack));
    await page.close();
  }
});

test('[VT49] nobody waits for the answer to the question whether storage may persist', async ({ place }) => {
  const { vault, page } = await place.startPage(() => {
    Object.defineProperty(navigator.storage, 'persist', {
      value: () => {
        Object.assign(window, { asked: true });
        return new Promise(() => {});
      },
    });
  });
  await vault.open();
  assert.ok(await page.evaluate(() => 'asked' in window));
});

test.run();
