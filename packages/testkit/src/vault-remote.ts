// A vault in another process or in a page, driven from a test: both ends of the conversation.
// Shapes are structural, so that nothing here depends on core.
import {
  CHURN_KEPT,
  churnRecord,
  churnStep,
  type VaultChange,
  type VaultDriver,
  type VaultOutcome,
} from './vault-contract.ts';

export interface OpenStorageLike {
  readonly doc: {
    getArray(name: string): { push(items: Uint8Array[]): void };
  };
  readonly key: Uint8Array;
  barrier(): Promise<void>;
  close(): Promise<void>;
}

export interface VaultLike {
  load(): { readonly id: number; readonly bytes: Uint8Array }[];
  commit(change: { readonly put?: readonly Uint8Array[]; readonly remove?: readonly number[] }): {
    readonly ids: readonly number[];
    readonly durable: Promise<void>;
  };
  readonly archive: {
    put(value: Uint8Array): Promise<string>;
    get(name: string): Promise<Uint8Array | undefined>;
    keep(names: ReadonlySet<string>): Promise<void>;
  };
  readonly problem: Error | undefined;
  repair(): Promise<void>;
  close(): Promise<void>;
}

/** One call as it travels. Bytes are base64, since not every channel carries more than JSON. */
export interface VaultCall {
  readonly method: string;
  readonly argument?: unknown;
}

export type VaultReply =
  | { readonly result: unknown }
  | { readonly error: { readonly code?: string; readonly message: string } };

export interface VaultHostOptions<S extends OpenStorageLike> {
  readonly storage: (options: { readonly steal: boolean }) => {
    open(): Promise<S>;
    destroy(): Promise<void>;
  };
  readonly openVault: (storage: S) => Promise<VaultLike>;
  /** Tells the test that step `n` of a churn is durable. */
  readonly report: (n: number) => void;
}

interface WireChange {
  readonly put: readonly string[];
  readonly remove: readonly number[];
}

/** The end where the vault is. @returns what answers one call; it never rejects. */
export const serveVault = <S extends OpenStorageLike>(
  options: VaultHostOptions<S>,
): ((call: VaultCall) => Promise<VaultReply>) => {
  let storage: S | undefined;
  let vault: VaultLike | undefined;
  const opened = (): VaultLike => {
    if (!vault) throw new TypeError('the vault is not open');
    return vault;
  };
  const methods: Record<string, (argument: never) => unknown> = {
    async open(argument: { steal: boolean }) {
      storage = await options.storage(argument).open();
      vault = await options.openVault(storage);
    },
    load: () =>
      opened()
        .load()
        .map(({ id, bytes }) => ({ id, bytes: toText(bytes) })),
    commit: (changes: readonly WireChange[]) => commitAll(opened(), changes),
    archive: (value: string) => opened().archive.put(toBytes(value)),
    async archived(name: string) {
      const value = await opened().archive.get(name);
      return value && toText(value);
    },
    keepArchived: (names: readonly string[]) => opened().archive.keep(new Set(names)),
    problem: () => codeOf(opened().problem),
    repair: () => opened().repair(),
    close: () => opened().close(),
    destroy: () => options.storage({ steal: false }).destroy(),
    key: () => toText(storage?.key ?? new Uint8Array(0)),
    async plant(record: string) {
      const target = await options.storage({ steal: false }).open();
      target.doc.getArray('records').push([toBytes(record)]);
      await target.barrier();
      await target.close();
    },
    churn: () => churn(opened(), options.report),
  };
  return async ({ method, argument }) => {
    try {
      return { result: (await methods[method]!(argument as never)) ?? null };
    } catch (error) {
      const { code, message } = error as Error & { code?: string };
      return { error: { message, ...(code !== undefined && { code }) } };
    }
  };
};

/** All changes at once, then all outcomes in the order in which they came. */
const commitAll = async (vault: VaultLike, changes: readonly WireChange[]): Promise<VaultOutcome> => {
  const settled: { step: number; code?: string }[] = [];
  const commits = changes.map(({ put, remove }, step) => {
    const { ids, durable } = vault.commit({ put: put.map(toBytes), remove });
    const done = durable.then(
      () => void settled.push({ step }),
      (error: Error) => void settled.push({ step, code: codeOf(error) ?? error.message }),
    );
    return { ids: [...ids], done };
  });
  await Promise.all(commits.map(({ done }) => done));
  return { ids: commits.map(({ ids }) => ids), settled };
};

/** Commits for ever, some steps at once and some one by one. Goes on from the step that the vault last holds. */
const churn = async (vault: VaultLike, report: (n: number) => void): Promise<never> => {
  const records = vault.load();
  const held = records.map(({ id }) => id);
  let next = records.length > 0 ? churnStep(records.at(-1)!.bytes) + 1 : 0;
  for (;;) {
    const group = Array.from({ length: 1 + (next % 4) }, async () => {
      const step = next++;
      const remove = held.length >= CHURN_KEPT ? [held.shift()!] : [];
      const { ids, durable } = vault.commit({ put: [churnRecord(step)], remove });
      held.push(ids[0]!);
      await durable;
      report(step);
    });
    await Promise.all(group);
  }
};

const codeOf = (error: Error | undefined): string | undefined =>
  (error as { code?: string } | undefined)?.code;

/** The test's end. @param call - carries one call to the host and its reply back. */
export const remoteVault = (call: (call: VaultCall) => Promise<VaultReply>): VaultDriver => {
  const ask = async (method: string, argument?: unknown): Promise<unknown> => {
    const reply = await call({ method, argument });
    if ('result' in reply) return reply.result;
    throw Object.assign(new Error(reply.error.message), { code: reply.error.code });
  };
  return {
    open: async (steal = false) => void (await ask('open', { steal })),
    async load() {
      const records = (await ask('load')) as { id: number; bytes: string }[];
      return records.map(({ id, bytes }) => ({ id, bytes: toBytes(bytes) }));
    },
    commit: async (...changes: readonly VaultChange[]) =>
      (await ask(
        'commit',
        changes.map(({ put = [], remove = [] }) => ({ put: put.map(toText), remove })),
      )) as VaultOutcome,
    archive: async (value) => (await ask('archive', toText(value))) as string,
    async archived(name) {
      const value = (await ask('archived', name)) as string | null;
      return value === null ? undefined : toBytes(value);
    },
    keepArchived: async (names) => void (await ask('keepArchived', names)),
    problem: async () => ((await ask('problem')) as string | null) ?? undefined,
    repair: async () => void (await ask('repair')),
    close: async () => void (await ask('close')),
    destroy: async () => void (await ask('destroy')),
    key: async () => toBytes((await ask('key')) as string),
    plant: async (record) => void (await ask('plant', toText(record))),
    churn: async () => void (await ask('churn')),
  };
};

/** Base64 of bytes; in pages and in Node. */
export const toText = (bytes: Uint8Array): string => {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
};

export const toBytes = (text: string): Uint8Array =>
  Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
