// The head of an exported message: date and time, as phones write them in many languages. Facts about the
// formats are from exports of both systems; what whatsapp-chat-parser reads of them is stated in normalise.ts.

/** A head as it is written; what its date means is decided over the whole file (date-order.ts). */
export interface Header {
  /** The three numbers of the date in the order in which they stand. */
  readonly fields: readonly [string, string, string];
  readonly separator: string;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** A.M. or P.M. in Latin capitals: a habit of those who write the month first. */
  readonly capitalPeriod: boolean;
  /** All that is the same in every head that one phone writes. */
  readonly style: string;
  /** What follows: name and text, or a system message. */
  readonly rest: string;
}

/** Marks of direction, invisible: exports are full of them. */
export const MARKS = /[\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c\ufeff]/g;

const HEAD_CHARS = 72;
const DATE =
  '(\\d{1,4})(?:([-/.]) ?(\\d{1,2})\\3 ?(\\d{1,4})\\.?|(년) ?(\\d{1,2})월 ?(\\d{1,2})일|(年) ?(\\d{1,2})月 ?(\\d{1,2})日)';
const BEFORE_TIME = '(,)?(?: |(?=\\D))(?:([^\\d\\s\\],:-]{1,12}) ?)?';
const TIME = '(\\d{1,2})(?:[:.]| ?h ?)(\\d{2})(?:[:.](\\d{2}))?';
const AFTER_TIME = '(?: ?([^\\d\\s\\],:-][^\\d\\],:-]{0,11}?))?';
const END = '(\\]| [-–—]|,|:)(?: |$)';
const HEAD = new RegExp(`^(\\[?)${DATE}${BEFORE_TIME}${TIME}${AFTER_TIME}${END}`);

const NEUTRAL = 'uhr h hs hrs';
const MORNING =
  'am 오전 上午 午前 凌晨 清晨 早上 ص صباحا قظ πμ öö de sa dop ap fm vm pg дп पूर्वाह्न मपू পূর্বাহ্ণ முற்பகல்';
const AFTERNOON =
  'pm 오후 下午 午後 中午 晚上 م مساء بظ μμ ös du ch odp ip em nm ptg пп अपराह्न मउ অপরাহ্ণ பிற்பகல்';

type Period = 'am' | 'pm' | 'none';
const PERIODS: ReadonlyMap<string, Period> = new Map([
  ...words(NEUTRAL, 'none'),
  ...words(MORNING, 'am'),
  ...words(AFTERNOON, 'pm'),
]);

/** @returns undefined for a line that does not begin like a message. */
export function parseHeader(line: string): Header | undefined {
  const clean = cleanHead(line);
  const match = HEAD.exec(clean);
  if (!match) return undefined;
  const [whole, open = '', first = '', separator, second, third, ko, koMonth, koDay, zh, zhMonth, zhDay] =
    match;
  const [comma = '', before, hour = '', minute = '', seconds, after, end = ''] = match.slice(12);
  if ((open === '[') !== (end === ']')) return undefined;

  const periodBefore = before === undefined ? undefined : PERIODS.get(plain(before));
  const periodAfter = after === undefined ? undefined : PERIODS.get(plain(after));
  if (after !== undefined && periodAfter === undefined) return undefined;
  const clock = hourOf(Number(hour), periodAfter ?? periodBefore, before ?? '');
  if (clock === undefined || Number(minute) > 59 || Number(seconds ?? 0) > 59) return undefined;

  const sign = separator ?? ko ?? zh ?? '';
  const fields = [first, second ?? koMonth ?? zhMonth ?? '', third ?? koDay ?? zhDay ?? ''] as const;
  const styleParts = [open, sign, ...yearPlace(fields), comma, before && (periodBefore ? 'p' : before)];
  return {
    fields,
    separator: sign,
    hour: clock,
    minute: Number(minute),
    second: Number(seconds ?? 0),
    capitalPeriod: /^[AP]\.?M/.test(after ?? ''),
    style: [...styleParts, seconds && 's', after && 'p', end.trim()].join('|'),
    rest: line.slice(lengthBefore(line, whole.length)).trimStart(),
  };
}

/** The number that a run of digits of any script stands for, in ASCII digits. */
export const asciiDigits = (text: string): string =>
  text.replace(/(?![0-9])\p{Nd}/gu, (digit) => String(valueOfDigit(digit.codePointAt(0) as number)));

// Unicode keeps the ten digits of a script together, the zero first.
function valueOfDigit(code: number): number {
  let zero = code;
  while (code - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--;
  return code - zero;
}

function cleanHead(line: string): string {
  const head = line.slice(0, HEAD_CHARS);
  if (/^[ -~]*$/.test(head)) return head;
  return asciiDigits(head.replace(MARKS, ''))
    .replace(/\s/g, ' ')
    .replace(/[،、，]/g, ',')
    .replace(/：/g, ':');
}

/** How much of the line its first `cleanLength` characters without marks take up. */
function lengthBefore(line: string, cleanLength: number): number {
  let position = 0;
  for (let kept = 0; kept < cleanLength; position++) {
    if (line[position]?.search(MARKS) !== 0) kept++;
  }
  return position;
}

function hourOf(hour: number, period: Period | undefined, word: string): number | undefined {
  if (hour > 23) return undefined;
  if (period === undefined || period === 'none' || hour > 12) return hour;
  // Noon, as Chinese phones name the hour before it too.
  if (word === '中午' && hour === 11) return 11;
  return (hour % 12) + (period === 'pm' ? 12 : 0);
}

const yearPlace = (fields: readonly [string, string, string]): string[] => [
  fields[0].length > 2 ? 'y' : '',
  fields[2].length > 2 ? 'y' : '',
];

function plain(word: string): string {
  return word.toLowerCase().replace(/[.\s]/g, '').normalize('NFC');
}

function words(list: string, period: Period): [string, Period][] {
  return list.split(' ').map((word) => [plain(word), period]);
}
