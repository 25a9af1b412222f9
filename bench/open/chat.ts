// The chat that is opened: the same messages for every size, made from a seed; a smaller chat is the beginning of a larger.
import type { ImportedMessage } from '@sealwire/core';
import { CHAT } from '../merge/conversation.ts';
import { scriptOf } from '../merge/workload.ts';

/** As many as fit a large screen. */
export const SCREEN = 50;
export const SOURCE = 'bench';

const NAMES = ['Ada', 'Ben', 'Cleo', 'Dan'];

export const messagesOf = (count: number): ImportedMessage[] =>
  scriptOf(count, CHAT).flatMap((step) =>
    step.type === 'burst'
      ? step.messages.map(({ at, text }) => ({ name: NAMES[step.device]!, sentAt: at, text }))
      : [],
  );

/** What both sides must show: enough to tell any two messages apart. */
export const lineOf = ({ name, sentAt, text }: ImportedMessage): string => `${sentAt} ${name}: ${text}`;
