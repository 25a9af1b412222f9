// A chat that four devices of one person write, as a script on a virtual clock: who writes what, when, and who is
// offline. Both sides of the benchmark play the same script.
import type { Random } from '@sealwire/testkit/random';

export const DEVICES = 4;
/** The one that goes offline now and then. */
export const ROAMING_DEVICE = 3;

/** Virtual milliseconds between a device's send and the relay's acknowledgement. */
export const ROUND_TRIP_MS = 80;

export interface Pace {
  /** Milliseconds from one message of a burst to the next: at most this. */
  readonly burstGapMs: number;
  /** Which part of the time the roaming device is offline: 0 to 1. */
  readonly offlineShare: number;
}

/** Bursts that outrun the network, as when lines are pasted or forwarded, or a program writes. */
export const CHAT: Pace = { burstGapMs: 40, offlineShare: 0.2 };
/** Each message is acknowledged before the next is written, and nobody is ever offline: one frame an update. */
export const ONE_BY_ONE: Pace = { burstGapMs: 0, offlineShare: 0 };

export interface ScriptMessage {
  /** Virtual milliseconds since 1970. */
  readonly at: number;
  readonly text: string;
}

export type Step =
  | { readonly type: 'burst'; readonly device: number; readonly messages: readonly ScriptMessage[] }
  | { readonly type: 'leave'; readonly device: number; readonly at: number }
  | { readonly type: 'return'; readonly device: number; readonly at: number };

const START_MS = 1_700_000_000_000;
/** The roaming device is away for about an hour at a time. */
const AWAY_MS = 60 * 60_000;
/** From the end of a burst to the start of the next: 2 s to 40 s, so bursts of two devices do not overlap. */
const PAUSE_MS = { least: 2_000, most: 40_000 } as const;

/** Steps with `count` messages in all, then the return of whoever is away. */
export const conversation = (random: Random, count: number, pace: Pace): Step[] => {
  const vocabulary = makeVocabulary(random);
  const steps: Step[] = [];
  let at = START_MS;
  let left = count;
  let away = false;
  const stretch = (): number => {
    const mean = away ? AWAY_MS : (AWAY_MS * (1 - pace.offlineShare)) / pace.offlineShare;
    return at + mean * (0.5 + random.next());
  };
  let turn = pace.offlineShare > 0 ? stretch() : Number.POSITIVE_INFINITY;
  while (left > 0) {
    if (at >= turn) {
      steps.push({ type: away ? 'return' : 'leave', device: ROAMING_DEVICE, at });
      away = !away;
      turn = stretch();
    }
    const messages: ScriptMessage[] = [];
    for (let length = Math.min(left, random.between(1, 5)); messages.length < length; left--) {
      messages.push({ at, text: makeText(random, vocabulary) });
      at += pace.burstGapMs > 0 ? random.between(1, pace.burstGapMs) : random.between(2_000, 10_000);
    }
    steps.push({ type: 'burst', device: random.int(DEVICES), messages });
    at += random.between(PAUSE_MS.least, PAUSE_MS.most);
  }
  if (away) steps.push({ type: 'return', device: ROAMING_DEVICE, at });
  return steps;
};

/**
 * The same messages, written by one device after another while it is offline, so that `size` of them come in each frame:
 * shows what a catch-up costs by the message and what by the frame.
 */
export const inFramesOf = (size: number, steps: readonly Step[]): Step[] => {
  const messages = steps.flatMap((step) => (step.type === 'burst' ? step.messages : []));
  const out: Step[] = [];
  for (let from = 0; from < messages.length; from += size) {
    const part = messages.slice(from, from + size);
    const device = (from / size) % DEVICES;
    out.push({ type: 'leave', device, at: part[0]!.at });
    out.push({ type: 'burst', device, messages: part });
    out.push({ type: 'return', device, at: part.at(-1)!.at + 1 });
  }
  return out;
};

const WORDS = 3_000;
const CONSONANTS = 'ttttnnnnsssrrrhhhdddlllcmmwfgpbvkjxqz';
const VOWELS = 'eeeeeeaaaaoooiiiuy';

/** Words of 3 to 11 letters, the letters about as frequent as in English. */
const makeVocabulary = (random: Random): string[] =>
  Array.from({ length: WORDS }, () => {
    const length = 3 + Math.floor((random.next() + random.next()) * 4.4);
    let word = '';
    for (let i = random.int(2); word.length < length; i++) {
      const letters = i % 2 === 0 ? CONSONANTS : VOWELS;
      word += letters[random.int(letters.length)];
    }
    return word;
  });

/** 3 to 20 words; as in a language, few of them make up most of it. */
const makeText = (random: Random, vocabulary: readonly string[]): string =>
  Array.from(
    { length: random.between(3, 20) },
    () => vocabulary[Math.floor(vocabulary.length ** random.next()) - 1],
  ).join(' ');
