// What every store of a relay must do with inboxes; a part of the store contract.
// Rules: spec/relay-protocol.md §11 (RP109 to RP112, RP118).
import { LIMITS } from '@sealwire/protocol';
import * as assert from 'uvu/assert';
import { bytesOf, type ContractStore, type Five, refused, type Test } from './log-store-harness.ts';

const ALL_BYTES = 10_000_000;

export const inboxTests = (test: Test): void => {
  test('[RP109] [RP60] an inbox is made and edited compare-and-set; what waits stays', async ({
    store,
  }, random) => {
    const [principal, first, second] = Array.from({ length: 5 }, () => random.bytes(32)) as Five;
    assert.is(await store.inbox(principal), undefined);
    assert.equal(await store.readInbox(principal, 0, ALL_BYTES), { messages: [], complete: true });
    const put = (version: number, ...tokens: Uint8Array[]) => store.putInbox({ principal, version, tokens });
    await refused(put(2, first), 'VERSION_CONFLICT');
    await put(1, first);
    await refused(put(1, second), 'VERSION_CONFLICT');
    await store.appendToInbox({ principal, token: first, payload: random.bytes(5) });
    const [edited, lost] = await Promise.allSettled([put(2, second), put(2, first, second)]);
    assert.equal([edited.status, lost.status], ['fulfilled', 'rejected']);
    const { version, tokens } = (await store.inbox(principal))!;
    assert.equal([version, tokens.map(bytesOf)], [2, [bytesOf(second)]]);
    assert.equal(await numbersIn(store, principal), [1]);
    await refused(
      store.appendToInbox({ principal, token: first, payload: random.bytes(1) }),
      'INBOX_REFUSED',
    );
    assert.is(await store.appendToInbox({ principal, token: second, payload: random.bytes(1) }), 2);
  });

  test('[RP110] [RP112] messages are numbered in their order, kept as they were, and apart from other inboxes', async ({
    store,
  }, random) => {
    const [a, b, token, other] = Array.from({ length: 5 }, () => random.bytes(32)) as Five;
    await refused(store.appendToInbox({ principal: a, token, payload: random.bytes(3) }), 'INBOX_REFUSED');
    for (const principal of [a, b]) await store.putInbox({ principal, version: 1, tokens: [token] });
    await refused(
      store.appendToInbox({ principal: a, token: other, payload: random.bytes(3) }),
      'INBOX_REFUSED',
    );
    const payloads = Array.from({ length: 9 }, (_, i) => random.bytes(1 + 2_000 * i));
    const numbers = await Promise.all(
      payloads.map((payload, i) => store.appendToInbox({ principal: i % 3 ? a : b, token, payload })),
    );
    assert.equal(numbers, [1, 1, 2, 2, 3, 4, 3, 5, 6]);
    const { messages, complete } = await store.readInbox(a, 0, ALL_BYTES);
    assert.ok(complete);
    assert.equal(
      messages.map((one) => [one.number, bytesOf(one.token), bytesOf(one.payload)]),
      payloads.filter((_, i) => i % 3).map((payload, i) => [i + 1, bytesOf(token), bytesOf(payload)]),
    );
    messages[0]!.payload.fill(0);
    assert.equal(bytesOf((await store.readInbox(a, 0, 1)).messages[0]!.payload), bytesOf(payloads[1]!));
    const pages: number[][] = [];
    for (let after = 0, done = false; !done; after = pages.at(-1)!.at(-1)!) {
      const page = await store.readInbox(a, after, 9_000);
      pages.push(page.messages.map(({ number }) => number));
      done = page.complete;
    }
    assert.equal(pages, [[1, 2], [3], [4], [5], [6]]);
    assert.equal(await store.readInbox(a, 6, 1), { messages: [], complete: true });
  });

  test('[RP111] [RP114] a token has its share, the inbox its size; room comes back with removals, numbers do not', async ({
    store,
  }, random) => {
    const [principal, one, two, three] = Array.from({ length: 5 }, () => random.bytes(32)) as Five;
    await store.putInbox({ principal, version: 1, tokens: [one, two, three] });
    const append = (token: Uint8Array) => store.appendToInbox({ principal, token, payload: token });
    const share = LIMITS.inboxTokenMessages;
    const flood = (token: Uint8Array) =>
      Promise.allSettled(Array.from({ length: share + 3 }, () => append(token)));
    for (const token of [one, two]) {
      const kept = (await flood(token)).filter(({ status }) => status === 'fulfilled');
      assert.is(kept.length, share);
    }
    assert.is(2 * share, LIMITS.inboxMessages);
    await refused(append(three), 'INBOX_FULL');
    await store.removeFromInbox(principal, [1, 2, 2_000]);
    await store.removeFromInbox(random.bytes(32), [1]);
    assert.is(await append(three), LIMITS.inboxMessages + 1);
    assert.is(await append(one), LIMITS.inboxMessages + 2);
    const numbers = await numbersIn(store, principal);
    assert.equal(numbers.slice(0, 2), [3, 4]);
    await store.removeFromInbox(principal, numbers);
    assert.equal(await numbersIn(store, principal), []);
    assert.is(await append(two), LIMITS.inboxMessages + 3, 'a number is never used again');
    await Promise.all([
      append(two),
      store.removeFromInbox(principal, [LIMITS.inboxMessages + 4]),
      append(one),
    ]);
    assert.equal(
      (await numbersIn(store, principal)).map((number) => number - LIMITS.inboxMessages),
      [3, 5],
    );
  });

  test(
    '[RP118] [RP112] inboxes are there after closing and opening again, removed messages and used numbers are not',
    async (harness, random) => {
      const [principal, token] = Array.from({ length: 5 }, () => random.bytes(32)) as Five;
      const payload = random.bytes(LIMITS.inboxPayloadBytes);
      await harness.store.putInbox({ principal, version: 1, tokens: [token] });
      for (let i = 0; i < 3; i++) await harness.store.appendToInbox({ principal, token, payload });
      const removal = harness.store.removeFromInbox(principal, [1, 3]);
      await harness.store.close();
      await removal;
      const store = await harness.reopen!();
      assert.equal((await store.inbox(principal))!.tokens.map(bytesOf), [bytesOf(token)]);
      const { messages } = await store.readInbox(principal, 0, ALL_BYTES);
      assert.equal(
        messages.map((one) => [one.number, bytesOf(one.payload)]),
        [[2, bytesOf(payload)]],
      );
      assert.is(await store.appendToInbox({ principal, token, payload }), 4);
    },
    'reopen',
  );

  test(
    '[RP118] [RP67] what a failed commit would have put, added or removed is as before',
    async (harness, random) => {
      const { store } = harness;
      const [principal, token, other] = Array.from({ length: 5 }, () => random.bytes(32)) as Five;
      await store.putInbox({ principal, version: 1, tokens: [token] });
      await store.appendToInbox({ principal, token, payload: random.bytes(9) });
      const repair = harness.breakDisk!();
      const failed = await Promise.allSettled([
        store.putInbox({ principal, version: 2, tokens: [other] }),
        store.appendToInbox({ principal, token: other, payload: random.bytes(9) }),
        store.removeFromInbox(principal, [1]),
      ]);
      assert.ok(failed.every(({ status }) => status === 'rejected'));
      repair();
      assert.equal(await numbersIn(store, principal), [1]);
      assert.is((await store.inbox(principal))!.version, 1);
      assert.is(await store.appendToInbox({ principal, token, payload: random.bytes(9) }), 2);
    },
    'breakDisk',
  );
};

const numbersIn = async (store: ContractStore, principal: Uint8Array): Promise<number[]> =>
  (await store.readInbox(principal, 0, ALL_BYTES)).messages.map(({ number }) => number);
