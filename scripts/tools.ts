// Programs of the system that some tests need: a browser, a system call tracer, a false clock, a NATS server. Finds them, or installs
// them where that is possible without asking anybody: as root on Debian and its relatives.
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Tool {
  /** The variable that names the program's path, before anything else is looked at. */
  readonly variable: string;
  /** Names to look for on PATH, best first. */
  readonly programs: readonly string[];
  /** The Debian package. */
  readonly aptPackage: string;
}

export const CHROMIUM: Tool = {
  variable: 'SEALWIRE_CHROMIUM',
  programs: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
  aptPackage: 'chromium',
};

export const STRACE: Tool = { variable: 'SEALWIRE_STRACE', programs: ['strace'], aptPackage: 'strace' };

/** Runs a program under another clock. */
export const FAKETIME: Tool = {
  variable: 'SEALWIRE_FAKETIME',
  programs: ['faketime'],
  aptPackage: 'faketime',
};

export const NATS: Tool = { variable: 'SEALWIRE_NATS', programs: ['nats-server'], aptPackage: 'nats-server' };

/** What the search touches of the system; tests put their own in. */
export interface System {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isExecutable: (path: string) => boolean;
  readonly isRoot: boolean;
  /** Runs a program to its end. @returns its exit code. */
  readonly run: (program: string, args: readonly string[]) => number;
  readonly say: (line: string) => void;
}

export type Had = { readonly path: string } | { readonly path: undefined; readonly missing: string };

/** The path of the program; installs its package if it can. Otherwise says what a person has to do. */
export function ensureTool(tool: Tool, system: System = realSystem): Had {
  const found = findTool(tool, system);
  if (found) return { path: found };
  const named = system.env[tool.variable];
  if (named) return missing(tool, `${tool.variable}=${named} is no program`);
  if (!system.isRoot) return missing(tool, 'and only root can install it here');
  if (!onPath('apt-get', system)) return missing(tool, 'and there is no apt-get to install it with');

  system.say(`${tool.aptPackage} is not installed: running apt-get install ${tool.aptPackage} (once)`);
  const update = system.run('apt-get', ['update']);
  const install = system.run('apt-get', ['install', '-y', '--no-install-recommends', tool.aptPackage]);
  const installed = findTool(tool, system);
  if (installed) return { path: installed };
  return missing(tool, `apt-get update ended with ${update}, apt-get install with ${install}`);
}

/** The path of the program, if it is there. */
export function findTool(tool: Tool, system: System = realSystem): string | undefined {
  const named = system.env[tool.variable];
  if (named) return system.isExecutable(named) ? named : undefined;
  for (const program of tool.programs) {
    const path = onPath(program, system);
    if (path) return path;
  }
  return undefined;
}

function missing(tool: Tool, why: string): Had {
  return {
    path: undefined,
    missing:
      `${tool.aptPackage} is not installed (${why}). Install it, ` +
      `for example with "sudo apt-get install ${tool.aptPackage}", or set ${tool.variable} to its path.`,
  };
}

function onPath(program: string, system: System): string | undefined {
  const folders = [...(system.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin', '/usr/sbin'];
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, program))
    .find((path) => system.isExecutable(path));
}

const realSystem: System = {
  env: process.env,
  isExecutable: (path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  },
  isRoot: process.getuid?.() === 0,
  run: (program, args) => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const result = spawnSync(program, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
    return result.status ?? 1;
  },
  say: (line) => process.stdout.write(`${line}\n`),
};
