// Which entries of a device log count: a pure function of the set of entries. Judges no signature. Rules:
// spec/device-log.md §4.
import { toHex } from '@sealwire/protocol';
import { type CausalNode, compareSeniority, depthBehind, holds } from './causal.ts';
import { deviceIdOf } from './device-keys.ts';
import type { DeviceLogEntry, SignedEntry } from './log-entry.ts';

/** An entry of a device log in its place. */
export interface LogNode extends CausalNode {
  readonly signed: SignedEntry<DeviceLogEntry>;
  /** The author's id, hexadecimal. */
  readonly author: string;
  /** What made the author a device, as the entry's past has it; undefined for the first entry. */
  readonly sponsor: LogNode | undefined;
  /** The device that it adds or revokes, hexadecimal. */
  readonly device: string | undefined;
}

/** What a set of entries comes to. */
export interface Fold {
  /** The entries that count. */
  readonly counting: ReadonlySet<LogNode>;
  /** The revocations among them, that of the most senior author first. */
  readonly revocations: readonly LogNode[];
  /** By device id: what added the device, and what revoked it. */
  readonly devices: ReadonlyMap<string, FoldedDevice>;
}

export interface FoldedDevice {
  readonly add: LogNode;
  readonly revocation: LogNode | undefined;
}

type Revocations = Map<string, LogNode[]>;

/**
 * Decides which entries count. Ends after one pass: revocations are judged by those of more senior authors alone, so
 * each is decided before it is needed, and then everything else by the revocations.
 *
 * @param nodes - a set of entries with all that each of them follows, parents first. Other orders do not exist for it:
 *   two orders of one set give the same.
 */
export const fold = (nodes: readonly LogNode[]): Fold => {
  const byDevice: Revocations = new Map();
  const revocations = nodes
    .filter(isRevocation)
    .sort(bySeniority)
    .filter((node) => {
      if (isOverruled(node, byDevice)) return false;
      const ofDevice = byDevice.get(node.device!);
      if (ofDevice) ofDevice.push(node);
      else byDevice.set(node.device!, [node]);
      return true;
    });
  const counting = new Set<LogNode>();
  for (const node of nodes)
    if (!isRevocation(node) && (!node.sponsor || counting.has(node.sponsor)) && !isVoided(node, byDevice))
      counting.add(node);
  const devices = new Map<string, FoldedDevice>();
  for (const node of counting) {
    if (node.device === undefined) continue;
    const other = devices.get(node.device);
    if (other && compareSeniority(other.add, node) < 0) continue;
    devices.set(node.device, { add: node, revocation: byDevice.get(node.device)?.[0] });
  }
  for (const node of revocations) counting.add(node);
  return { counting, revocations, devices };
};

/** The place of an entry behind those nodes that it follows. */
export const placeNode = (
  signed: SignedEntry<DeviceLogEntry>,
  index: number,
  parents: readonly LogNode[],
  past: Uint32Array,
  sponsor: LogNode | undefined,
): LogNode => {
  const { entry, hash } = signed;
  const keys = entry.type === 'device-genesis' || entry.type === 'device-add' ? entry.device : undefined;
  const added = keys && toHex(deviceIdOf(keys.identity));
  return {
    signed,
    key: toHex(hash),
    index,
    depth: depthBehind(parents),
    past,
    author: entry.type === 'device-genesis' ? added! : toHex(entry.author),
    sponsor,
    device: entry.type === 'device-revoke' ? toHex(entry.device) : added,
  };
};

export const isRevocation = (node: LogNode): boolean => node.signed.entry.type === 'device-revoke';

/** The order in which revocations are judged: of senior authors first; of one author, first those that end itself. */
const bySeniority = (a: LogNode, b: LogNode): number =>
  compareSeniority(a.sponsor!, b.sponsor!) ||
  Number(endsItself(b)) - Number(endsItself(a)) ||
  compareSeniority(a, b);

/** Whether a revocation, or one of the entries that made its author a device, is void by the revocations so far. */
const isOverruled = (revocation: LogNode, soFar: Revocations): boolean => {
  for (let node: LogNode | undefined = revocation; node; node = node.sponsor)
    if (isVoided(node, soFar)) return true;
  return false;
};

/** Whether one of the revocations of an entry's author does not know of the entry. */
const isVoided = (node: LogNode, revocations: Revocations): boolean =>
  revocations
    .get(node.author)
    ?.some((revocation) => !holds(revocation.past, node) && !(endsItself(revocation) && endsItself(node))) ??
  false;

const endsItself = (node: LogNode): boolean => isRevocation(node) && node.author === node.device;
