// The command line of the demo.
import { parseArgs } from 'node:util';

export const SABOTAGES = ['header', 'log', 'deflate'] as const;
export type Sabotage = (typeof SABOTAGES)[number];

export interface DemoOptions {
  /** A WhatsApp "Export chat" .txt. */
  readonly importFile: string | undefined;
  /** Where the devices' vaults and the relay's store lie; a temporary folder if not given. */
  readonly data: string | undefined;
  /** Where timelines and the relay's store are left. */
  readonly out: string | undefined;
  readonly seed: number;
  readonly edits: number;
  readonly json: boolean;
  readonly sabotage: Sabotage | undefined;
}

export const HELP = `pnpm demo [options]

Two devices and a real relay process: an account, an import, a link, both offline, edits on both, converged. Then
every byte that crossed the relay's sockets or lies in its store is searched for what nobody else may read.

  --import FILE      a WhatsApp "Export chat" .txt (default: the one that the tests use)
  --data DIR         where vaults and store lie (default: a temporary folder)
  --out DIR          leave phone.json, web.json (timelines) and the relay's store there
  --seed N           which random edits are made (default: 1)
  --edits N          edits on each side while offline (default: 500)
  --json             print one object and nothing else
  --sabotage KIND    leak on purpose, to see that the search finds it: ${SABOTAGES.join(', ')}
  --help             this page

Exit code 1 if anything did not converge or anything readable was found.
`;

/** @throws Error naming the option that is wrong. */
export const parseOptions = (args: readonly string[]): DemoOptions | 'help' => {
  const { values } = parseArgs({
    args: args.filter((arg) => arg !== '--'),
    options: {
      import: { type: 'string' },
      data: { type: 'string' },
      out: { type: 'string' },
      seed: { type: 'string', default: '1' },
      edits: { type: 'string', default: '500' },
      json: { type: 'boolean', default: false },
      sabotage: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const sabotage = SABOTAGES.find((kind) => kind === values.sabotage);
  if (values.sabotage !== undefined && !sabotage)
    throw new RangeError(`--sabotage: one of ${SABOTAGES.join(', ')}`);
  return {
    importFile: values.import,
    data: values.data,
    out: values.out,
    seed: wholeNumber(values.seed, '--seed'),
    edits: wholeNumber(values.edits, '--edits'),
    json: values.json,
    sabotage,
  };
};

const wholeNumber = (text: string, name: string): number => {
  if (!/^[0-9]{1,9}$/.test(text)) throw new RangeError(`${name}: not a whole number`);
  return Number(text);
};
