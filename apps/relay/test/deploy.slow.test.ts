// The Dockerfile's own steps, without a container: what it copies is copied, what it runs is run, and what comes out is started
// as it says. The base image and what Docker does with users, volumes and ports is not shown here.
// timeout: 300s
import { spawn, spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { stagesOf } from './dockerfile.ts';

const test = suite('docker build');
const root = fileURLToPath(new URL('../../../', import.meta.url));

/** What .dockerignore leaves out. */
const isLeftOut = (path: string): boolean =>
  ['node_modules', 'dist', '.turbo', '.git'].includes(basename(path));

test('the steps of the Dockerfile give a relay that starts, answers and stops', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sealwire-docker-'));
  try {
    const ignored = await readFile(join(root, '.dockerignore'), 'utf8');
    assert.ok(
      ignored
        .trim()
        .split('\n')
        .every((line) => isLeftOut(line)),
    );
    const stages = stagesOf(await readFile(join(root, 'apps/relay/deploy/Dockerfile'), 'utf8'));
    let place = '';
    const environment: Record<string, string> = {};
    let command: string[] = [];
    for (const { name, instructions } of stages) {
      const disk = join(folder, name || 'last');
      for (const [word, rest] of instructions) {
        if (word === 'WORKDIR') {
          place = join(disk, rest);
          await mkdir(place, { recursive: true });
        } else if (word === 'COPY') {
          const [from = '', ...more] = rest.split(' ');
          const stage = /^--from=(.+)$/.exec(from)?.[1];
          const sources = stage === undefined ? [from, ...more.slice(0, -1)] : more.slice(0, -1);
          const target = more.at(-1) ?? '';
          for (const source of sources) {
            const path = stage === undefined ? join(root, source) : join(folder, stage, source);
            const to = target.endsWith('/') ? join(place, target, basename(source)) : join(place, target);
            await cp(path, to, {
              recursive: true,
              verbatimSymlinks: true,
              filter: (each) => stage !== undefined || !isLeftOut(each),
            });
          }
        } else if (word === 'RUN') {
          const { status, stdout, stderr } = spawnSync('sh', ['-c', rest], { cwd: place, encoding: 'utf8' });
          assert.is(status, 0, `${rest}\n${stdout}${stderr}`);
        } else if (word === 'ENV') {
          const [key = '', value = ''] = rest.split('=');
          environment[key] = value;
        } else if (word === 'ENTRYPOINT' || word === 'CMD') command = [...command, ...JSON.parse(rest)];
      }
    }
    assert.ok((await readdir(place)).includes('node_modules'));
    const [program = '', ...args] = command;
    const relay = spawn(program, [...args, '--port', '0'], {
      cwd: place,
      env: { PATH: process.env.PATH, ...environment, SEALWIRE_RELAY_DATA: join(folder, 'data') },
    });
    let said = '';
    const address = await new Promise<string>((resolve, reject) => {
      relay.stderr.on('data', (text) => {
        said += text;
      });
      relay.stdout.on('data', (text) => {
        said += text;
        const line = /listening on ws:\/\/\S+:(\d+)$/m.exec(said);
        if (line) resolve(`http://127.0.0.1:${line[1]}`);
      });
      relay.once('exit', (code) => reject(new Error(`ended with ${code}: ${said}`)));
    });
    assert.is((await fetch(`${address}/readyz`)).status, 200);
    relay.kill('SIGTERM');
    const code = await new Promise((resolve) => {
      if (relay.exitCode !== null) resolve(relay.exitCode);
      else relay.once('exit', resolve);
    });
    assert.is(code, 0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test.run();
