// Reads the text file, or the zip archive, that WhatsApp's "Export chat" makes. Runs in browsers and in Node.
import { SealwireError } from '@sealwire/protocol';
import { parseString } from 'whatsapp-chat-parser';
import type { ImportedMessage } from '../chat-api.ts';
import type { DateOrder } from './date-order.ts';
import { decodeExport } from './decode.ts';
import { GOES_ON, normalise } from './normalise.ts';

export type { DateOrder } from './date-order.ts';

export interface WhatsAppImportOptions {
  /** What the dates mean, when a person knows better than {@link parseWhatsAppExport} can guess. */
  readonly dateOrder?: DateOrder;
}

export interface WhatsAppExport {
  /** In the order of the file. `sentAt` is in milliseconds since 1970; the file's times are read as local. */
  readonly messages: readonly ImportedMessage[];
  readonly dateOrder: DateOrder;
  /** `guessed` when another order fits the file as well: show a date and ask. */
  readonly dateOrderDetected: 'certain' | 'guessed';
  /** Who wrote, each once, in the order of their first messages. */
  readonly names: readonly string[];
  /** Lines that belong to no message, and heads whose date does not exist. Nothing of them is in `messages`. */
  readonly notUnderstood: number;
  /** What WhatsApp itself wrote ("Ada left"). Not in `messages`. */
  readonly systemMessages: number;
}

const ORDERS: readonly unknown[] = ['dmy', 'mdy', 'ymd'] satisfies DateOrder[];

/**
 * Reads an exported chat.
 *
 * Media are not read; the text that stands for them ("<Media omitted>") stays. Text is otherwise unchanged,
 * except for the invisible mark that an iPhone puts before some.
 *
 * @param file - the file as text or as bytes: UTF-8, UTF-16, or the zip archive. Not changed.
 * @throws SealwireError IMPORT_NO_MESSAGES when nothing in it is a message.
 * @throws TypeError if `file` is neither text nor bytes.
 * @throws RangeError if `options.dateOrder` is no order.
 */
export function parseWhatsAppExport(
  file: string | Uint8Array,
  options: WhatsAppImportOptions = {},
): WhatsAppExport {
  if (typeof file !== 'string' && !(file instanceof Uint8Array))
    throw new TypeError('file is neither text nor bytes');
  const { dateOrder: wanted } = options;
  if (wanted !== undefined && !ORDERS.includes(wanted))
    throw new RangeError('dateOrder is not dmy, mdy or ymd');

  const normal = normalise(typeof file === 'string' ? file : decodeExport(file), wanted);
  if (normal.messages === 0) throw noMessages(normal.notUnderstood > 0 && wanted !== undefined);
  const messages = parseString(normal.text, { daysFirst: false }).map(({ author, date, message }) => ({
    name: author ?? '',
    sentAt: date.getTime(),
    text: message.replaceAll(`\n${GOES_ON}`, '\n'),
  }));
  const { dateOrder, dateOrderDetected, notUnderstood, systemMessages } = normal;
  const names = [...new Set(messages.map(({ name }) => name))];
  return { messages, dateOrder, dateOrderDetected, names, notUnderstood, systemMessages };
}

const noMessages = (orderWasGiven: boolean): SealwireError =>
  new SealwireError(
    'IMPORT_NO_MESSAGES',
    orderWasGiven
      ? 'No message of this file has a date that fits the chosen order of day, month and year. Choose another order.'
      : 'This file holds no WhatsApp messages. In WhatsApp open the chat, choose "Export chat", "Without media", ' +
          'and import the .txt or .zip file that it makes.',
  );
