// The text of an exported chat, whatever the file is: UTF-8, UTF-16, or the zip archive that phones make.
import { SealwireError } from '@sealwire/protocol';
import { unzipSync } from 'fflate';

/** Bytes that the text may have when it is unpacked; about ten times the longest chat that WhatsApp exports. */
const MOST_TEXT_BYTES = 256 * 1024 * 1024;

/**
 * @param bytes - the file's content: text, or a zip archive that holds a .txt file. Not changed.
 * @throws SealwireError IMPORT_NO_MESSAGES for an archive that is damaged or holds no text.
 */
export function decodeExport(bytes: Uint8Array): string {
  const text = startsWith(bytes, [0x50, 0x4b, 0x03, 0x04]) ? textInZip(bytes) : bytes;
  return new TextDecoder(encodingOf(text)).decode(text);
}

function encodingOf(bytes: Uint8Array): string {
  if (startsWith(bytes, [0xff, 0xfe])) return 'utf-16le';
  if (startsWith(bytes, [0xfe, 0xff])) return 'utf-16be';
  // UTF-16 without its mark: an export begins with digits or a bracket, so one byte of the first two is 0.
  if (bytes.length >= 2 && bytes[1] === 0) return 'utf-16le';
  if (bytes.length >= 2 && bytes[0] === 0) return 'utf-16be';
  return 'utf-8';
}

function textInZip(bytes: Uint8Array): Uint8Array {
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(bytes, { filter: (file) => isChat(file.name) && file.originalSize <= MOST_TEXT_BYTES });
  } catch (cause) {
    throw new SealwireError(
      'IMPORT_NO_MESSAGES',
      'This zip archive is damaged. Unpack it, or export the chat again, and choose the .txt file in it.',
      { cause },
    );
  }
  // A shared .txt document may lie beside the chat; the chat is _chat.txt, or else the longest.
  const names = Object.keys(files).sort((a, b) => (files[b]?.length ?? 0) - (files[a]?.length ?? 0));
  const name = names.find((path) => /(^|\/)_chat\.txt$/.test(path)) ?? names[0];
  const text = name === undefined ? undefined : files[name];
  if (!text) {
    throw new SealwireError(
      'IMPORT_NO_MESSAGES',
      'This zip archive holds no chat. Choose the archive that "Export chat" made, or the .txt file in it.',
    );
  }
  return text;
}

// Archives made on a Mac hold a second, hidden file for each.
const isChat = (name: string): boolean => /\.txt$/i.test(name) && !/(^|\/)(__MACOSX\/|\.)/.test(name);

const startsWith = (bytes: Uint8Array, start: readonly number[]): boolean =>
  start.every((byte, i) => bytes[i] === byte);
