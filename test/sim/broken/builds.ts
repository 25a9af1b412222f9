// Builds that are broken on purpose, one place each: the simulator must notice every one of them.
// What each place is for: spec/frame.md §5 to §9, spec/epochs.md, spec/relay-protocol.md §7.

/** A source file with one place changed, for hook.mjs. */
export interface Mutation {
  readonly name: string;
  /** `file:` address of the source. */
  readonly url: string;
  /** Stands in the source exactly once. */
  readonly snippet: string;
  readonly broken: string;
}

export interface BrokenBuild extends Omit<Mutation, 'url'> {
  /** From the top of the repository. */
  readonly file: string;
}

const ROOM = 'packages/core/src/room';

export const BUILDS: readonly BrokenBuild[] = [
  {
    name: 'no signature is checked',
    file: `${ROOM}/chains.ts`,
    snippet: `): Promise<boolean> =>
  verifyEd25519(
    chain.device.keys.identity,`,
    broken: `): Promise<boolean> =>
  Boolean(chain) || verifyEd25519(
    chain.device.keys.identity,`,
  },
  {
    name: 'frames are not chained',
    file: 'packages/core/src/frame/chain.ts',
    snippet: 'sha256(before, signed)',
    broken: 'sha256(new Uint8Array(before.length), signed)',
  },
  {
    name: 'anybody may delete anything',
    file: `${ROOM}/deletions.ts`,
    snippet: 'if (!allowed || (target && !sameBytes(target.device.account, by.account))) {',
    broken: 'if (false) {',
  },
  {
    name: "others' work leaves the outbox",
    file: `${ROOM}/sender.ts`,
    snippet: 'const parsed = parseUpdate(update, own.clientId, own.clock);',
    broken: `let parsed: ReturnType<typeof parseUpdate>;
      try {
        parsed = parseUpdate(update, own.clientId, own.clock);
      } catch {
        put({ stream, clientId: own.clientId, nonce: own.nonce, payload: update, clockAfter: 0 }).catch(() => undefined);
        return;
      }`,
  },
  {
    name: 'a rollback goes unnoticed',
    file: 'packages/core/src/sync/session.ts',
    snippet: 'if (head < room.delivered) {',
    broken: 'if (head < 0) {',
  },
  {
    name: 'clientIDs are not bound to devices',
    file: `${ROOM}/chains.ts`,
    snippet:
      'if (deriveClientId(device.keys.identity, logId, stream, opening.nonce) !== clientId) return undefined;',
    broken: '',
  },
  {
    name: 'sent before it is stored',
    file: `${ROOM}/sender.ts`,
    snippet: `      await durable;
      await sendFramed(({ body }) => body === item.body);`,
    broken: `      await sendFramed(({ body }) => body === item.body);
      await durable;`,
  },
  {
    name: 'followed only after reading',
    file: 'packages/core/src/sync/session.ts',
    snippet: "emit({ type: 'deliver', room: toHex(room.id), frames: message.frames });",
    broken: `const read = message.frames.filter(({ position }) => room.state === 'live' || position <= room.head);
        emit({ type: 'deliver', room: toHex(room.id), frames: read });`,
  },
  {
    name: 'an epoch for the wrong people is accepted',
    file: `${ROOM}/group-keys.ts`,
    snippet:
      'if (accounts.length !== listed.size || !accounts.every((account) => listed.has(toHex(account))))',
    broken: 'if (listed.size === 0)',
  },
  {
    name: 'no cut is made for a device that was logged out',
    file: `${ROOM}/duty.ts`,
    snippet: 'const cuts = uncut(log, !speaks).map((ended) => cutOf(ended.device, ended.revocation));',
    broken:
      'const cuts = uncut(log, !speaks).slice(0, 0).map((ended) => cutOf(ended.device, ended.revocation));',
  },
  {
    name: 'a device that was logged out is still written to',
    file: `${ROOM}/group-keys.ts`,
    snippet: `use?.covers === true &&
        sameBytes(use.publicKey, accountKey)`,
    broken: 'use !== undefined',
  },
  {
    name: 'keys are released without digits',
    file: 'packages/core/src/link/proof.ts',
    snippet: 'return difference === 0 ? new Checked(check.device) : undefined;',
    broken: 'return difference >= 0 ? new Checked(check.device) : undefined;',
  },
];
