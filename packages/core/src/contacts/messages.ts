// Inbox messages: sealed to an account, signed by a device of another, padded to one of three sizes; and what a
// recipient checks. Rules: spec/contacts.md §2.
import { SealwireError, sameBytes, toHex } from '@sealwire/protocol';
import { sha256, verifyEd25519 } from '#native';
import { concat, utf8 } from '../bytes.ts';
import { type HpkeKeyPair, hpkeRecipient, hpkeSender } from '../crypto/hpke.ts';
import { SUITE } from '../crypto/kdf.ts';
import { SUITE_BYTES } from '../crypto/suites.ts';
import {
  addToDeviceLog,
  type DeviceLog,
  isActive,
  isDeviceLogEntry,
  startDeviceLog,
} from '../identity/device-log.ts';
import { type DeviceGenesis, decodeEntryBytes, type SignedEntry } from '../identity/log-entry.ts';
import { type Content, decodeContent, encodeContent, type ReadContent } from './content.ts';

/** Bytes of a sealed message; a relay sees one of these and nothing else. */
export const SEALED_BYTES = [4096, 8192, 16_384] as const;
/** A message that says to be older than this is dropped. */
export const MESSAGE_AGE_MS = 90 * 24 * 3_600_000;

/** A message that was opened, and whose sender is who they say: an account root, proven by its log. */
export interface VerifiedMessage {
  readonly content: ReadContent;
  /** The sender's device log, as far as the message has it. */
  readonly log: DeviceLog;
}

/**
 * Signs a content for one recipient.
 *
 * @param recipient - the account root whose owner alone may take it, 32 bytes.
 * @param sign - the author's device.
 * @throws RangeError as {@link encodeContent}.
 */
export const signContent = (
  content: Content,
  recipient: Uint8Array,
  sign: (statement: Uint8Array) => Uint8Array,
): Uint8Array => encodeContent(content, (signed) => sign(contentStatement(recipient, signed)));

/** What the signature of a content says. */
export const contentStatement = (recipient: Uint8Array, signed: Uint8Array): Uint8Array =>
  concat(utf8('sealwire/v1/contact-message'), recipient, sha256(signed));

/**
 * Seals a signed content to an account key.
 *
 * @returns new bytes, one of {@link SEALED_BYTES}.
 * @throws RangeError if the content is too long; SealwireError MALFORMED if the key is of low order.
 */
export const sealMessage = async (content: Uint8Array, accountKey: Uint8Array): Promise<Uint8Array> => {
  const size = sizeFor(content.length);
  if (size === undefined) throw new RangeError(`content: ${content.length} bytes`);
  const padded = new Uint8Array(size - OVERHEAD_BYTES);
  padded.set(content);
  padded[content.length] = 0x80;
  const sender = await hpkeSender(accountKey, INFO);
  return concat(HEADER, sender.enc, await sender.seal(padded, HEADER));
};

/**
 * Opens a sealed message.
 *
 * @param keys - account keys of the recipient, the one in use first.
 * @returns the content's bytes, unverified; undefined if none of the keys opens it: it may be for one that this device
 *   does not hold yet.
 * @throws SealwireError INBOX_MESSAGE_REFUSED for what no device of this version could open; UNSUPPORTED_VERSION.
 */
export const openMessage = async (
  sealed: Uint8Array,
  keys: readonly HpkeKeyPair[],
): Promise<Uint8Array | undefined> => {
  if (!(SEALED_BYTES as readonly number[]).includes(sealed.length)) throw refused('it has a wrong size');
  if (sealed[0] !== VERSION || sealed[1] !== SUITE)
    throw new SealwireError(
      'UNSUPPORTED_VERSION',
      'An inbox message is of a later version: update this app.',
    );
  const enc = sealed.subarray(2, 2 + ENC_BYTES);
  for (const key of keys) {
    const recipient = await hpkeRecipient(key, enc, INFO);
    const padded = await recipient?.open(sealed.subarray(2 + ENC_BYTES), HEADER);
    if (padded) return unpadded(padded);
  }
  return undefined;
};

/**
 * Verifies a content for its recipient: form, log, author, signature, age. Whether it is wanted, and new, is for
 * judge.ts.
 *
 * @param recipient - the own account root, 32 bytes.
 * @param now - milliseconds since 1970; undefined to verify again what was taken before, whatever its age.
 * @throws SealwireError INBOX_MESSAGE_REFUSED, UNSUPPORTED_VERSION
 */
export const verifyContent = async (
  bytes: Uint8Array,
  recipient: Uint8Array,
  now: number | undefined,
): Promise<VerifiedMessage> => {
  try {
    const content = decodeContent(bytes);
    const log = await readLog(content.log);
    if (sameBytes(log.root, recipient)) throw refused('it comes from this account itself');
    const author = log.devices.get(toHex(content.author));
    if (!author || !isActive(log, toHex(content.author)))
      throw refused('its author is no device of its account');
    const statement = contentStatement(recipient, content.signed);
    if (!(await verifyEd25519(author.keys.identity, statement, content.signature)))
      throw refused('its signature is wrong, or it was meant for somebody else');
    if (now !== undefined && content.at < now - MESSAGE_AGE_MS) throw refused('it is too old');
    if (content.type === 'invite') requireGenesis(content.entries, content.chat);
    return { content, log };
  } catch (error) {
    if (!(error instanceof SealwireError) || KEPT.has(error.code)) throw error;
    throw refused('it does not decode, or its log does not verify');
  }
};

/**
 * The device log that a list of entries makes.
 *
 * @throws SealwireError MALFORMED, LOG_ENTRY_REFUSED, UNSUPPORTED_VERSION
 */
export const readLog = async (entries: readonly Uint8Array[]): Promise<DeviceLog> => {
  const [first, ...rest] = entries.map(decodeEntryBytes);
  if (first?.entry.type !== 'device-genesis') throw refused('its log has no beginning');
  let log = await startDeviceLog(first as SignedEntry<DeviceGenesis>);
  for (const entry of rest) {
    if (!isDeviceLogEntry(entry) || entry.entry.type === 'device-genesis')
      throw refused('its log holds an entry of another log');
    const longer = await addToDeviceLog(log, entry);
    if (longer === log) throw refused('its log holds an entry twice');
    log = longer;
  }
  return log;
};

const VERSION = 1;
const ENC_BYTES = SUITE_BYTES[SUITE].enc;
const HEADER = Uint8Array.of(VERSION, SUITE);
const INFO = utf8('sealwire/v1/contact-seal');
const OVERHEAD_BYTES = HEADER.length + ENC_BYTES + 16;
const KEPT: ReadonlySet<string> = new Set(['INBOX_MESSAGE_REFUSED', 'UNSUPPORTED_VERSION']);

/** The least size that holds a content and the byte that ends it. */
const sizeFor = (contentBytes: number): number | undefined =>
  SEALED_BYTES.find((size) => contentBytes + 1 <= size - OVERHEAD_BYTES);

const unpadded = (padded: Uint8Array): Uint8Array => {
  let end = padded.length - 1;
  while (end >= 0 && padded[end] === 0) end--;
  if (end < 0 || padded[end] !== 0x80 || sizeFor(end) !== padded.length + OVERHEAD_BYTES)
    throw refused('its padding is wrong');
  return padded.subarray(0, end);
};

/** An invite's chat is the one that its first entry opens. */
const requireGenesis = (entries: readonly Uint8Array[], chat: Uint8Array): void => {
  const [first] = entries.map(decodeEntryBytes);
  if (first?.entry.type !== 'chat-genesis' || !sameBytes(first.hash, chat))
    throw refused('it invites to another chat than its log opens');
};

const refused = (why: string): SealwireError =>
  new SealwireError('INBOX_MESSAGE_REFUSED', `An inbox message was refused: ${why}.`);
