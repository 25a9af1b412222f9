// Runs a link's machine over a rendezvous cell: seals and opens in order, tells listeners, cleans up at the end. All
// decisions are the machine's. Rules: spec/link.md §3 and §7.
import { type ErrorCode, SealwireError } from '@sealwire/protocol';
import type { Readable } from '../api.ts';
import type { LinkChannel } from './channel.ts';
import { type LinkEffect, type LinkEvent, type LinkTools, type Next, transcriptsOf } from './machine.ts';
import type { Rendezvous } from './rendezvous.ts';

/** A machine and the world around it. */
export interface LinkRun<State extends object, Event, Effect, View extends object> {
  readonly id: Uint8Array;
  readonly rendezvous: Rendezvous;
  readonly start: Next<State, Effect>;
  /** What it means that somebody joined; nothing, on the side that joined itself. */
  readonly joined?: Event;
  step(state: State, event: Event | LinkEvent): Next<State, Effect>;
  view(state: State): View;
  isOver(state: State): boolean;
  /** Does what is no {@link LinkEffect}. */
  perform(effect: Exclude<Effect, LinkEffect>): void;
  /** The channel from the first bytes that came, on the side that does not open it first. */
  answerChannel?(state: State, first: Uint8Array): Promise<LinkChannel | undefined>;
}

export interface LinkDriver<State, Event, View> {
  readonly view: Readable<View>;
  current(): State;
  /** Feeds an event at once. @throws what the machine throws for a caller's mistake; the state is then unchanged. */
  dispatch(event: Event | LinkEvent): void;
  /** Feeds what a promise gives, in the order of what comes from the cell. */
  inTurn(run: () => Promise<Event | LinkEvent>): void;
  /** Feeds what a callback gives; its error ends the link. */
  later(run: () => Promise<Event | LinkEvent>): void;
  useChannel(channel: LinkChannel): void;
  /** Runs once, when the link is over; at once if it is. */
  whenOver(run: () => void): void;
  /** Settles when the link is over and the last word is handed to the rendezvous: the connection may be closed. */
  readonly silent: Promise<void>;
}

/** Starts the run. `begin` is called when `driver` may be used, and performs the machine's first effects. */
export const createLinkDriver = <State extends object, Event, Effect extends object, View extends object>(
  run: LinkRun<State, Event, Effect | LinkEffect, View>,
): { readonly driver: LinkDriver<State, Event, View>; begin(): void } => {
  const { id, rendezvous } = run;
  let state = run.start.state;
  let channel: LinkChannel | undefined;
  const ending = createEnding();
  const inbox = createQueue((error) => fail(error));
  const outbox = createQueue((error) => fail(error));
  const shown = createShown(run.view(state));

  const stopListening = rendezvous.listen(id, {
    joined: () => inbox.add(async () => run.joined !== undefined && driver.dispatch(run.joined)),
    message: (payload) => inbox.add(() => receive(payload)),
    closed: (code) => inbox.add(async () => driver.dispatch({ type: 'closed', code })),
  });

  const receive = async (payload: Uint8Array): Promise<void> => {
    if (run.isOver(state)) return;
    if (!channel) {
      channel = await run.answerChannel?.(state, payload);
      if (channel) driver.dispatch({ type: 'channel', macKey: channel.macKey });
    }
    const opened = await channel?.open(payload, transcriptsOf(state));
    driver.dispatch(opened ? { type: 'message', ...opened } : { type: 'unreadable' });
  };

  const perform = (effects: readonly (Effect | LinkEffect)[]): void => {
    for (const effect of effects) {
      if (isSend(effect)) {
        outbox.add(async () => {
          if (!channel) throw new Error('a message before the channel'); // Machines open it first.
          rendezvous.send(id, await channel.seal(effect.plaintext, effect.aad));
        });
      } else if (isClose(effect)) outbox.add(async () => rendezvous.close(id));
      else run.perform(effect as Exclude<Effect, LinkEffect>);
    }
    if (run.isOver(state)) end();
  };

  const end = (): void => {
    outbox.add(async () => {
      stopListening();
      channel = undefined;
      ending.fallSilent();
    });
    ending.over();
  };

  const driver: LinkDriver<State, Event, View> = {
    view: shown.readable,
    current: () => state,
    dispatch: (event) => {
      if (run.isOver(state)) return;
      const next = run.step(state, event);
      state = next.state;
      perform(next.effects);
      shown.set(run.view(state));
    },
    inTurn: (task) => inbox.add(async () => driver.dispatch(await task())),
    later: (task) => void task().then(driver.dispatch).catch(fail),
    useChannel: (opened) => {
      channel = run.isOver(state) ? undefined : opened;
    },
    whenOver: ending.listen,
    silent: ending.silent,
  };

  const fail = (error: unknown): void => driver.dispatch({ type: 'failed', error: ofFault(error) });
  return { driver, begin: () => perform(run.start.effects) };
};

/** The machine's tools from what a driver was given. */
export const toolsOf = (options: {
  readonly identity: { sign(message: Uint8Array): Uint8Array };
  verify: LinkTools['verify'];
}): LinkTools => ({
  sign: (message) => options.identity.sign(message),
  verify: (publicKey, message, signature) => options.verify(publicKey, message, signature),
});

/** The code of what a rendezvous refused with. */
export const codeOfRefusal = (error: unknown): ErrorCode => {
  if (error instanceof SealwireError) return error.code;
  throw error;
};

/** A fault as an error that a state may carry: what is no SealwireError is a bug of this app, kept as its cause. */
const ofFault = (error: unknown): SealwireError =>
  error instanceof SealwireError
    ? error
    : new SealwireError('CLOSED', 'Linking ended by a fault of this app; start again with a new code.', {
        cause: error,
      });

/** Runs tasks one after the other. */
const createQueue = (onError: (error: unknown) => void): { add(task: () => Promise<unknown>): void } => {
  let last: Promise<unknown> = Promise.resolve();
  return {
    add: (task) => {
      last = last.then(task).catch(onError);
    },
  };
};

/** What is done once, when the link is over. */
const createEnding = () => {
  let isOver = false;
  let listeners: (() => void)[] = [];
  let fallSilent: () => void = () => undefined;
  const silent = new Promise<void>((resolve) => {
    fallSilent = resolve;
  });
  return {
    silent,
    fallSilent: () => fallSilent(),
    listen: (listener: () => void): void => {
      if (isOver) tell(listener);
      else listeners.push(listener);
    },
    over: (): void => {
      isOver = true;
      const all = listeners;
      listeners = [];
      for (const listener of all) tell(listener);
    },
  };
};

/** What the screen follows: a new object only when a field differs. */
const createShown = <T extends object>(first: T): { readonly readable: Readable<T>; set(value: T): void } => {
  let value = first;
  const listeners = new Set<{ readonly run: () => void }>();
  return {
    readable: {
      get: () => value,
      subscribe: (run) => {
        const listener = { run };
        listeners.add(listener);
        return () => {
          listeners.delete(listener);
        };
      },
    },
    set: (next) => {
      if (sameFields(value, next)) return;
      value = next;
      for (const listener of [...listeners]) tell(listener.run);
    },
  };
};

/** A listener's error is the app's: reported as uncaught, it cannot stop the link from ending properly. */
const tell = (run: () => void): void => {
  try {
    run();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
};

const sameFields = (a: object, b: object): boolean => {
  const left = Object.entries(a);
  const right = new Map(Object.entries(b));
  return left.length === right.size && left.every(([name, value]) => right.get(name) === value);
};

const isSend = (effect: object): effect is Extract<LinkEffect, { readonly type: 'send' }> =>
  'type' in effect && effect.type === 'send';

const isClose = (effect: object): effect is Extract<LinkEffect, { readonly type: 'close' }> =>
  'type' in effect && effect.type === 'close';
