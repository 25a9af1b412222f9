// Builds the relay, so that what is measured is what people run. No spec rules here.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Nothing is done if it is built already. @throws Error with what the build said. */
export const buildRelay = (): void => {
  const args = ['run', 'build', '--output-logs=errors-only', '--filter=@sealwire/relay-app...'];
  const built = spawnSync('node_modules/.bin/turbo', args, {
    cwd: ROOT,
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' },
    encoding: 'utf8',
  });
  if (built.status !== 0)
    throw new Error(`the relay was not built: ${built.stdout ?? ''}${built.stderr ?? built.error}`);
};
