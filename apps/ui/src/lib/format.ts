// How times, days and counts read on screen, in the person's own locale.
// No spec rules here; pure functions of their arguments.

const DAY_MS = 86_400_000;

const clock = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'long' });
const shortDate = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const monthAndYear = new Intl.DateTimeFormat(undefined, { month: 'short', year: 'numeric' });
const longDate = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });
const number = new Intl.NumberFormat();

/** @returns hours and minutes. @param at - milliseconds since 1970. */
export const formatTime = (at: number): string => clock.format(at);

/** @returns a number with the locale's separators. */
export const formatCount = (count: number): string => number.format(count);

/** @returns "1 message", "1,204 messages". */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${formatCount(count)} ${count === 1 ? one : many}`;

/** Calendar days from `at` to `now`, in local time: 0 is today, 1 yesterday. */
export function daysAgo(at: number, now: number): number {
  return Math.round((startOfDay(now) - startOfDay(at)) / DAY_MS);
}

/** @returns "Today", "Yesterday", a weekday within the last week, or a full date. */
export function formatDay(at: number, now: number): string {
  const days = daysAgo(at, now);
  if (days === 0) return 'Today';
  if (days === 1) return 'Yesterday';
  if (days > 1 && days < 7) return weekday.format(at);
  return longDate.format(at);
}

/** @returns the short stamp of a chat list row: a time today, "Yesterday", a weekday, a date, or month and year. */
export function formatListTime(at: number, now: number): string {
  const days = daysAgo(at, now);
  if (days === 0) return formatTime(at);
  if (days === 1) return 'Yesterday';
  if (days > 1 && days < 7) return weekday.format(at).slice(0, 3);
  return (new Date(at).getFullYear() === new Date(now).getFullYear() ? shortDate : monthAndYear).format(at);
}

/** @returns "just now", "5 minutes ago", "yesterday". */
export function formatAgo(at: number, now: number): string {
  const seconds = Math.round((now - at) / 1000);
  if (seconds < 45) return 'just now';
  if (seconds < 3_570) return relative.format(-Math.max(1, Math.round(seconds / 60)), 'minute');
  if (seconds < 84_600) return relative.format(-Math.max(1, Math.round(seconds / 3600)), 'hour');
  return relative.format(-daysAgo(at, now), 'day');
}

/** @returns a full date with time, for details and screen readers. */
export const formatFull = (at: number): string => `${longDate.format(at)}, ${clock.format(at)}`;

/** @returns "0:42". @param ms - milliseconds; negative counts as 0. */
export function formatCountdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/** True when both instants fall on one local calendar day. */
export const sameDay = (a: number, b: number): boolean => startOfDay(a) === startOfDay(b);

function startOfDay(at: number): number {
  const day = new Date(at);
  return day.setHours(0, 0, 0, 0);
}

/** @returns the local day as an ISO 8601 date, as a date field has it. */
export function dayText(at: number): string {
  const day = new Date(at);
  const [month, date] = [day.getMonth() + 1, day.getDate()].map((part) => String(part).padStart(2, '0'));
  return `${String(day.getFullYear()).padStart(4, '0')}-${month}-${date}`;
}

/** @returns when the local day begins. @param text - an ISO 8601 date, as a date field has it. */
export const dayStart = (text: string): number => new Date(`${text}T00:00`).getTime();
