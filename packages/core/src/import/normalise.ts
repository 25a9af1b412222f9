// Rewrites an exported chat into the one form that whatsapp-chat-parser reads without a doubt. By itself it
// loses the first message to a byte order mark, knows ASCII digits and Latin A.M. only, keeps invisible marks
// and `~` in names, gives system lines an author, and takes ambiguous dates for day first.
import { type DateOrder, type Decided, dayOf, decideOrder } from './date-order.ts';
import { type Header, parseHeader } from './header.ts';
import { takeApart } from './system-lines.ts';

export interface Normalised extends Decided {
  /** `M/D/YYYY, HH:MM:SS - Name: text`; a line that goes on begins with {@link GOES_ON}. */
  readonly text: string;
  /** Messages that people wrote, in `text`. */
  readonly messages: number;
  readonly systemMessages: number;
  /** Lines, not empty, that belong to no message. */
  readonly notUnderstood: number;
}

/** Before each further line of a message, so that none is taken for a head. Private use; never in an export's head. */
export const GOES_ON = '\ue000';

/** A style that is rarer than this share of the most frequent one is quoted text, not heads. */
const STYLE_SHARE = 0.2;

/** @param order - undefined: find it out. */
export function normalise(text: string, order?: DateOrder): Normalised {
  const lines = text.split(/\r\n|\n|\r/);
  const headers = lines.map(parseHeader);
  const styles = stylesOf(headers);
  const heads = headers.map((header) => (header && styles.has(header.style) ? header : undefined));
  const decided: Decided = order
    ? { dateOrder: order, dateOrderDetected: 'certain' }
    : decideOrder(heads.filter((header) => header !== undefined));
  return { ...decided, ...rewrite(lines, heads, decided.dateOrder) };
}

function rewrite(
  lines: readonly string[],
  heads: readonly (Header | undefined)[],
  order: DateOrder,
): Pick<Normalised, 'text' | 'messages' | 'systemMessages' | 'notUnderstood'> {
  const out: string[] = [];
  let messages = 0;
  let systemMessages = 0;
  let notUnderstood = 0;
  let within: 'nothing' | 'message' | 'system' = 'nothing';
  lines.forEach((line, i) => {
    const head = heads[i];
    if (!head) {
      if (within === 'message') out.push(GOES_ON + line);
      else if (within === 'nothing' && line.trim() !== '') notUnderstood++;
      return;
    }
    const stamp = stampOf(head, order);
    if (stamp === undefined) {
      within = 'nothing';
      notUnderstood++;
      return;
    }
    const said = takeApart(head.rest);
    if (said === 'system') {
      within = 'system';
      systemMessages++;
      return;
    }
    within = 'message';
    messages++;
    out.push(`${stamp} - ${said.name}: ${said.text}`);
  });
  return { text: trimEnd(out).join('\n'), messages, systemMessages, notUnderstood };
}

// An export ends with a line break; the last message does not.
function trimEnd(lines: string[]): string[] {
  while (lines.at(-1) === GOES_ON) lines.pop();
  return lines;
}

function stylesOf(headers: readonly (Header | undefined)[]): Set<string> {
  const counts = new Map<string, number>();
  for (const header of headers) if (header) counts.set(header.style, (counts.get(header.style) ?? 0) + 1);
  const most = [...counts.values()].reduce((a, b) => Math.max(a, b), 0);
  return new Set([...counts].filter(([, count]) => count >= most * STYLE_SHARE).map(([style]) => style));
}

function stampOf(head: Header, order: DateOrder): string | undefined {
  const date = dayOf(head.fields, order);
  if (!date) return undefined;
  const time = [head.hour, head.minute, head.second].map((part) => String(part).padStart(2, '0')).join(':');
  return `${date.month}/${date.day}/${date.year}, ${time}`;
}
