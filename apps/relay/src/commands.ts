// What the program does beside serving: copies of a store, and whether it is whole. Rules: spec/relay-protocol.md §10.
import { backupStore, checkStore, restoreStore, type StoreReport } from '@sealwire/relay';
import { type Environment, readSettings } from './settings.ts';

export type Command =
  | { readonly name: 'backup' | 'restore'; readonly data: string; readonly place: string }
  | { readonly name: 'check'; readonly data: string };

/** The folder of the store where none is named. */
export const USUAL_DATA = './sealwire-data';

/**
 * The command that the arguments begin with; undefined if they begin with a flag or are none.
 *
 * @throws Error naming what is wrong.
 */
export const parseCommand = (args: readonly string[], environment: Environment): Command | undefined => {
  const [name, ...rest] = args;
  if (name !== 'backup' && name !== 'restore' && name !== 'check') return undefined;
  if (name === 'check') return { name, data: readSettings(rest, environment).data ?? USUAL_DATA };
  const [place = '', ...flags] = rest;
  if (place === '' || place.startsWith('-')) throw new RangeError(`${name}: no folder named`);
  return { name, place, data: readSettings(flags, environment).data ?? USUAL_DATA };
};

/** @returns what to tell, and whether all is well. @throws SealwireError (rejects) of the store. */
export const runCommand = async (
  command: Command,
  nowMs: number,
): Promise<{ readonly text: string; readonly isWell: boolean }> => {
  switch (command.name) {
    case 'backup':
      return say(`copied to ${command.place}`, await backupStore(command.data, command.place));
    case 'restore':
      return say(`restored to ${command.data}`, await restoreStore(command.place, command.data, nowMs));
    case 'check':
      return say('checked', await checkStore(command.data));
  }
};

const say = (
  done: string,
  { rooms, principals, frames, bytes, problems }: StoreReport,
): { readonly text: string; readonly isWell: boolean } => ({
  text: [
    `${done}: ${rooms} rooms, ${principals} principals, ${frames} frames, ${bytes} bytes`,
    ...problems.map((problem) => `damaged: ${problem}`),
  ].join('\n'),
  isWell: problems.length === 0,
});
