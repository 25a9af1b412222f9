// Names that others chose and that are shown to people: of devices, persons and chats. Rules: spec/link.md (LK12),
// spec/contacts.md (CT2).
import { LIMITS, type Reader, SealwireError } from '@sealwire/protocol';

/** True for a name to show: 1 to 100 UTF-16 units, not blank, nothing that hides text or turns it around. */
export const isName = (name: string): boolean =>
  name.length <= LIMITS.nameChars && name.trim() !== '' && !UNPRINTABLE.test(name);

/** The name without what {@link isName} refuses in it, so that it can be sent; `otherwise` if nothing is left. */
export const printableName = (name: string, otherwise: string): string => {
  const printable = name
    .replace(UNPRINTABLE_ALL, '')
    .slice(0, LIMITS.nameChars)
    .replace(/\p{Cs}$/u, '');
  return printable.trim() === '' ? otherwise : printable;
};

/** UTF-8 takes at most three bytes a UTF-16 unit. */
const NAME_BYTES = 3 * LIMITS.nameChars;

/** A name behind its length. @param what - for the error: "a device name". @throws SealwireError MALFORMED, TOO_LARGE */
export const readName = (from: Reader, what: string): string => {
  const bytes = from.sized(NAME_BYTES);
  let name: string;
  try {
    name = decoder.decode(bytes);
  } catch {
    throw malformed(`${what} is not UTF-8`);
  }
  if (!isName(name)) throw malformed(`${what} is empty, too long, or not printable`);
  return name;
};

/** Control characters, lone surrogates, line and paragraph separators, and the bidirectional controls. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;
const UNPRINTABLE_ALL = new RegExp(UNPRINTABLE.source, 'gu');
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const malformed = (why: string): SealwireError =>
  new SealwireError('MALFORMED', `Malformed message: ${why}.`);
