// What 03/04/20 means: decided over a whole export, from what is possible and from its messages being in order.
import type { Header } from './header.ts';

export type DateOrder = 'dmy' | 'mdy' | 'ymd';

export interface Decided {
  readonly dateOrder: DateOrder;
  /** `guessed` when another order fits as well. */
  readonly dateOrderDetected: 'certain' | 'guessed';
}

export interface CalendarDay {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
}

type Dated = Pick<Header, 'fields' | 'separator' | 'capitalPeriod'>;

/** @returns undefined for a day that does not exist. */
export function dayOf(fields: Header['fields'], order: DateOrder): CalendarDay | undefined {
  const [a, b, c] = fields;
  const yearFirst = a.length > 2 || (order === 'ymd' && c.length <= 2);
  const [y, m, d] = yearFirst ? [a, b, c] : order === 'mdy' ? [c, a, b] : [c, b, a];
  const month = Number(m);
  const day = Number(d);
  const year = fullYear(y);
  if (year === undefined || month < 1 || month > 12 || day < 1) return undefined;
  return day <= new Date(Date.UTC(year, month, 0)).getUTCDate() ? { year, month, day } : undefined;
}

/** Decides for all heads of one export together. */
export function decideOrder(headers: readonly Dated[]): Decided {
  const open = headers.filter(({ fields }) => fields[0].length <= 2);
  if (open.length === 0) return { dateOrder: 'ymd', dateOrderDetected: 'certain' };
  const [dmy, mdy, ymd] = (['dmy', 'mdy', 'ymd'] as const).map((order) => survey(open, order));
  if (!dmy || !mdy || !ymd) throw new Error('three orders are three surveys');

  const flawless = [dmy, mdy].filter((one) => one.impossible === 0 && one.backwards === 0);
  const [only] = flawless;
  if (only && flawless.length === 1) return certain(only.order);
  // Both fit: nobody writes month.day.year; else the order in which the days lie closer together.
  if (only && open.every(({ separator }) => separator === '.')) return certain('dmy');
  if (!only && ymd.impossible === 0 && ymd.backwards === 0) return certain('ymd');
  if (dmy.impossible !== mdy.impossible) {
    return { dateOrder: dmy.impossible < mdy.impossible ? 'dmy' : 'mdy', dateOrderDetected: 'guessed' };
  }
  if (dmy.jumps !== mdy.jumps) {
    return { dateOrder: dmy.jumps < mdy.jumps ? 'dmy' : 'mdy', dateOrderDetected: 'guessed' };
  }
  return { dateOrder: open.every(looksAmerican) ? 'mdy' : 'dmy', dateOrderDetected: 'guessed' };
}

interface Survey {
  readonly order: DateOrder;
  /** Days that do not exist. */
  readonly impossible: number;
  /** Days that lie before the day of the message before them. */
  readonly backwards: number;
  /** Days between one message and the next, summed. */
  readonly jumps: number;
}

function survey(headers: readonly Dated[], order: DateOrder): Survey {
  let impossible = 0;
  let backwards = 0;
  let jumps = 0;
  let before: number | undefined;
  for (const { fields } of headers) {
    const date = dayOf(fields, order);
    if (!date) {
      impossible++;
      continue;
    }
    const day = Date.UTC(date.year, date.month - 1, date.day) / 86_400_000;
    if (before !== undefined && day < before) backwards++;
    jumps += Math.abs(day - (before ?? day));
    before = day;
  }
  return { order, impossible, backwards, jumps };
}

const certain = (dateOrder: DateOrder): Decided => ({ dateOrder, dateOrderDetected: 'certain' });

const looksAmerican = ({ fields, separator, capitalPeriod }: Dated): boolean =>
  separator === '/' && capitalPeriod && !fields[0].startsWith('0');

// WhatsApp is younger than 2009; two digits mean this century, 25xx is the Buddhist calendar.
function fullYear(text: string): number | undefined {
  const year = Number(text);
  if (text.length <= 2) return 2000 + year;
  if (year >= 2500 && year < 2700) return year - 543;
  return year >= 1970 && year < 2200 ? year : undefined;
}
