// Principals at NATS, which has no transactions: the principal's own record is the one that counts, written in one step;
// the records of keys are claims that count only as far as that record agrees. Rules: spec/relay-protocol.md §13 (RP164).
import { SealwireError, sameBytes } from '@sealwire/protocol';
import { copyOf, keyOf } from '../keys.ts';
import type { PrincipalEdit, PrincipalRecord } from '../store.ts';
import {
  decodeStoredKey,
  decodeStoredPrincipal,
  encodeStoredKey,
  encodeStoredPrincipal,
  type StoredKey,
  type StoredPrincipal,
} from './record-bytes.ts';
import type { Records } from './records.ts';

export interface Principals {
  principal(id: Uint8Array): Promise<PrincipalRecord | undefined>;
  principalOf(relayKey: Uint8Array): Promise<Uint8Array | undefined>;
  farewell(relayKey: Uint8Array): Promise<Uint8Array | undefined>;
  put(edit: PrincipalEdit): Promise<void>;
  /** The principal that claimed the key last, whether it lists it or not. */
  claimant(relayKey: Uint8Array): Promise<Uint8Array | undefined>;
}

/** A record with the number that it has to be replaced by. */
interface Found<T> {
  readonly value: T | undefined;
  readonly seq: number;
}

export const createPrincipals = (records: Records): Principals => {
  const readPrincipal = async (id: Uint8Array): Promise<Found<StoredPrincipal>> => {
    const found = await records.get('principal', id);
    return { value: found && decodeStoredPrincipal(copyOf(id), found.data), seq: found?.seq ?? 0 };
  };
  const readKey = async (relayKey: Uint8Array): Promise<Found<StoredKey>> => {
    const found = await records.get('key', relayKey);
    return { value: found && decodeStoredKey(found.data), seq: found?.seq ?? 0 };
  };

  /** What is known of a key: who lists it, or the note that was left for it. */
  const judge = async (
    relayKey: Uint8Array,
    claim: StoredKey | undefined,
  ): Promise<{ owner?: Uint8Array; note?: Uint8Array | undefined }> => {
    if (claim === undefined) return {};
    const { value } = await readPrincipal(claim.principal);
    if (value && lists(value.record, relayKey)) return { owner: claim.principal };
    const left = value?.left.get(keyOf(relayKey));
    return { note: left ? left.note : claim.note };
  };

  /** Claims the keys that come new, so that no other principal lists them. @returns false if somebody was faster. */
  const claim = async (keys: readonly Uint8Array[], principal: Uint8Array): Promise<boolean> => {
    const claims = await Promise.all(
      keys.map(async (relayKey) => {
        const { value, seq } = await readKey(relayKey);
        const { owner, note } = await judge(relayKey, value);
        if (owner && !sameBytes(owner, principal)) {
          throw new SealwireError('LIMIT_REACHED', 'A relay key belongs to another principal.');
        }
        return { relayKey, seq, note };
      }),
    );
    const written = await Promise.all(
      claims.map(({ relayKey, seq, note }) =>
        records.put('key', relayKey, encodeStoredKey({ principal, note }), seq),
      ),
    );
    return written.every((is) => is);
  };

  /** Moves what the last edit left to the records of the keys, since the next edit replaces it. */
  const settle = async (principal: Uint8Array, left: StoredPrincipal['left']): Promise<boolean> => {
    const settled = await Promise.all(
      [...left.values()].map(async ({ relayKey, note }) => {
        const { value, seq } = await readKey(relayKey);
        // Whoever claimed the key since has taken the note along.
        if (!value || !sameBytes(value.principal, principal)) return true;
        return records.put('key', relayKey, encodeStoredKey({ principal, note }), seq);
      }),
    );
    return settled.every((is) => is);
  };

  /** @returns false if another relay was faster somewhere: then all is looked at anew. */
  const tryPut = async ({ farewells = [], ...record }: PrincipalEdit): Promise<boolean> => {
    const { value: current, seq } = await readPrincipal(record.id);
    if (record.version !== (current?.record.version ?? 0) + 1) {
      throw new SealwireError(
        'VERSION_CONFLICT',
        `Version ${record.version} does not follow ${current?.record.version ?? 0}; read and edit again.`,
      );
    }
    const isNew = (key: Uint8Array): boolean => !current || !lists(current.record, key);
    if (!(await claim(record.relayKeys.filter(isNew), record.id))) return false;
    if (current && !(await settle(record.id, current.left))) return false;
    const gone = current?.record.relayKeys.filter((key) => !lists(record, key)) ?? [];
    const left = new Map(
      gone.map((relayKey) => {
        const note = farewells.find((one) => sameBytes(one.relayKey, relayKey))?.note;
        return [keyOf(relayKey), { relayKey, note }];
      }),
    );
    return records.put('principal', record.id, encodeStoredPrincipal({ record, left }), seq);
  };

  return {
    principal: async (id) => (await readPrincipal(id)).value?.record,
    principalOf: async (relayKey) => (await judge(relayKey, (await readKey(relayKey)).value)).owner,
    farewell: async (relayKey) => (await judge(relayKey, (await readKey(relayKey)).value)).note,
    claimant: async (relayKey) => (await readKey(relayKey)).value?.principal,
    // In turn for all principals, because edits of one tick may be about the same keys.
    put: (edit) =>
      records.inTurn('principals', async () => {
        const kept = {
          ...edit,
          id: copyOf(edit.id),
          manageKey: copyOf(edit.manageKey),
          relayKeys: edit.relayKeys.map(copyOf),
          farewells:
            edit.farewells?.map(({ relayKey, note }) => ({
              relayKey: copyOf(relayKey),
              note: copyOf(note),
            })) ?? [],
        };
        while (!(await tryPut(kept)));
      }),
  };
};

const lists = ({ relayKeys }: Pick<PrincipalRecord, 'relayKeys'>, key: Uint8Array): boolean =>
  relayKeys.some((listed) => sameBytes(listed, key));
