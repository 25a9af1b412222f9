// Where a setting comes from: the command line, else the environment, else a file. No spec rules here but RP108.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

/** The flags of the program. Each is also an environment variable and a key of the file. */
export const FLAGS = {
  host: { type: 'string' },
  port: { type: 'string' },
  data: { type: 'string' },
  store: { type: 'string' },
  app: { type: 'string', multiple: true },
  static: { type: 'string' },
  address: { type: 'string' },
  successor: { type: 'string' },
  metrics: { type: 'string' },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
  blobs: { type: 'boolean' },
  log: { type: 'boolean' },
  proxy: { type: 'boolean' },
  origin: { type: 'string', multiple: true },
  'trusted-proxy': { type: 'string', multiple: true },
  limit: { type: 'string', multiple: true },
  config: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Name = keyof typeof FLAGS;

export type Values = {
  readonly [N in Name]?: (typeof FLAGS)[N] extends { multiple: true }
    ? string[]
    : (typeof FLAGS)[N]['type'] extends 'boolean'
      ? boolean
      : string;
};

export type Environment = Readonly<Record<string, string | undefined>>;

/** `tls-cert` is SEALWIRE_RELAY_TLS_CERT. */
export const variableOf = (name: string): string =>
  `SEALWIRE_RELAY_${name.toUpperCase().replaceAll('-', '_')}`;

/** Names in messages stand for where a value was written, so that a person finds it. @throws RangeError naming it. */
export const readSettings = (args: readonly string[], environment: Environment): Values => {
  const given: Values = parseArgs({ args: [...args], options: FLAGS, allowNegative: true }).values;
  const around = fromEnvironment(environment);
  const file = given.config ?? around.config;
  return { ...(file !== undefined && fromFile(file)), ...around, ...given };
};

const fromEnvironment = (environment: Environment): Values => {
  const values: Record<string, string | boolean | string[]> = {};
  for (const [name, flag] of Object.entries(FLAGS)) {
    const text = environment[variableOf(name)];
    if (text === undefined || text === '') continue;
    if (flag.type === 'boolean') values[name] = truth(text, variableOf(name));
    else values[name] = 'multiple' in flag ? text.split(',').map((part) => part.trim()) : text;
  }
  return values;
};

const truth = (text: string, where: string): boolean => {
  if (text !== 'true' && text !== 'false') throw new RangeError(`${where}: neither true nor false`);
  return text === 'true';
};

const fromFile = (path: string): Values => {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new RangeError(`${path}: ${(error as Error).message}`);
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw new RangeError(`${path}: not a JSON object of settings`);
  const values: Record<string, string | boolean | string[]> = {};
  for (const [name, value] of Object.entries(content)) {
    const flag = Object.entries(FLAGS).find(([known]) => known === name)?.[1];
    if (!flag || name === 'config' || name === 'help') throw new RangeError(`${path}: no setting "${name}"`);
    values[name] = settingOf(flag, value, `${path}: "${name}"`);
  }
  return values;
};

const settingOf = (
  flag: { readonly type: string; readonly multiple?: boolean },
  value: unknown,
  where: string,
): string | boolean | string[] => {
  if (flag.type === 'boolean') {
    if (typeof value !== 'boolean') throw new RangeError(`${where} is neither true nor false`);
    return value;
  }
  const isText = (part: unknown): boolean => typeof part === 'string' || typeof part === 'number';
  if (flag.multiple) {
    if (!Array.isArray(value) || !value.every(isText)) throw new RangeError(`${where} is no list of texts`);
    return value.map(String);
  }
  if (!isText(value)) throw new RangeError(`${where} is no text`);
  return String(value);
};
