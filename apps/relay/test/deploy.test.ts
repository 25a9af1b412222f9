// What lies in deploy/ fits the program: settings, files, figures. Rules: spec/relay-protocol.md §10 (RP151, RP154).
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseOptions } from '../src/options.ts';
import { FLAGS, variableOf } from '../src/settings.ts';
import { instructionsOf } from './dockerfile.ts';
import { startRelay, withFolder } from './support.ts';

const test = suite('deploy');

const read = (name: string): string => readFileSync(new URL(`../deploy/${name}`, import.meta.url), 'utf8');
const root = fileURLToPath(new URL('../../../', import.meta.url));
const limits = { stopSeconds: 10 };

test('[RP154] each setting in deploy/ is one of the program, with a value that it takes', () => {
  const texts = ['Dockerfile', 'compose.yaml'].map(read).join('\n');
  const set = [...texts.matchAll(/\b(SEALWIRE_RELAY_[A-Z_]+)[=:] ?(\S+)/g)].map(([, name, value]) => [
    name,
    value,
  ]);
  assert.ok(set.length >= 4);
  const known = new Set(Object.keys(FLAGS).map(variableOf));
  for (const [name] of set) assert.ok(known.has(name!), `${name} is no setting`);
  const options = parseOptions(['--log'], Object.fromEntries(set) as Record<string, string>);
  assert.ok(options !== 'help' && options.trusted?.has('172.17.0.1') && options.metrics?.port === 9090);

  const unit = read('sealwire-relay.service');
  const command = /^ExecStart=\S+ \S+\/apps\/relay\/dist\/main\.js (.*)$/m.exec(unit)?.[1] ?? '';
  const flags = [...command.matchAll(/--([a-z-]+)/g)].map(([, flag]) => flag!);
  assert.ok(flags.includes('config'));
  for (const flag of flags) assert.ok(Object.hasOwn(FLAGS, flag), `--${flag} is no flag`);
  assert.ok(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]) > limits.stopSeconds);
  assert.ok(Number(/stop_grace_period: (\d+)s/.exec(read('compose.yaml'))?.[1]) > limits.stopSeconds);
});

test('the relays of the compose file with NATS find the nodes that are there, with settings of the program', () => {
  const text = read('compose-nats.yaml');
  const set = [...text.matchAll(/\b(SEALWIRE_RELAY_[A-Z_]+): (\S+)/g)].map(([, name, value]) => [
    name,
    value,
  ]);
  const known = new Set(Object.keys(FLAGS).map(variableOf));
  for (const [name] of set) assert.ok(known.has(name!), `${name} is no setting`);
  const environment = Object.fromEntries(set.map(([name, value]) => [name, value === "''" ? '' : value]));
  const options = parseOptions([], environment as Record<string, string>);
  assert.ok(options !== 'help' && options.store);
  const nodes = [...text.matchAll(/^ {2}(nats-\d):\n {4}<<: \*nats$/gm)].map(([, name]) => name!);
  assert.equal(
    options.store.servers,
    nodes.map((name) => `${name}:4222`),
  );
  assert.is(options.store.replicas, nodes.length);
  for (const node of nodes) {
    const command = new RegExp(`-n ${node} .*-routes (\\S+)$`, 'm').exec(text)?.[1] ?? '';
    const others = nodes.filter((name) => name !== node).map((name) => `nats://${name}:6222`);
    assert.is(command, others.join());
  }
  assert.match(text, /depends_on: \[nats-1, nats-2, nats-3\]/);
});

test('the Dockerfile copies what is there, listens where it says, and does not run as root', () => {
  const instructions = instructionsOf(read('Dockerfile'));
  const of = (name: string): string[] =>
    instructions.flatMap(([word, rest]) => (word === name ? [rest] : []));
  for (const copy of of('COPY').filter((rest) => !rest.startsWith('--from')))
    for (const source of copy.split(' ').slice(0, -1)) assert.ok(existsSync(root + source), source);
  const port = parseOptions([]) as { readonly port: number };
  assert.equal(of('EXPOSE'), [String(port.port)]);
  assert.equal(of('USER'), ['node']);
  assert.ok(of('HEALTHCHECK').some((rest) => rest.includes(`:${port.port}/readyz`)));
  assert.equal(new Set(of('FROM').map((rest) => rest.split(' ')[0])).size, 1);
  const compose = read('compose.yaml');
  assert.match(compose, /dockerfile: apps\/relay\/deploy\/Dockerfile/);
  assert.match(compose, new RegExp(`:${port.port}:${port.port}$`, 'm'));
  assert.ok(of('VOLUME').every((path) => compose.includes(`:${path}`)));
  const { bin } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  assert.ok(of('ENTRYPOINT')[0]?.includes(bin['sealwire-relay'].slice(2)));
});

test(
  '[RP151] every figure that the dashboard and the operator’s page name is one that the relay shows',
  withFolder(async (folder) => {
    const relay = await startRelay(['--data', folder, '--metrics', '0']);
    const figures = relay.said().match(/^figures at (\S+)$/m)![1]!;
    const shown = new Map(
      [...(await (await fetch(figures)).text()).matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [
        name!,
        type!,
      ]),
    );
    const names = (text: string): string[] =>
      [...text.matchAll(/\b(?:sealwire_relay|process|nodejs)_[a-z0-9_]+/g)].map(([name]) => name);
    const { panels } = JSON.parse(read('grafana.json')) as {
      readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[];
    };
    const asked = panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => names(expr)));
    assert.ok(asked.length > 20);
    const isShown = (name: string): boolean => {
      const base = name.replace(/_(bucket|sum|count)$/, '');
      return shown.has(name) || (base !== name && shown.get(base) === 'histogram');
    };
    for (const name of asked) assert.ok(isShown(name), `${name} is not shown`);
    const told = names(readFileSync(`${root}docs/operating.md`, 'utf8'));
    for (const name of told.filter((each) => !each.endsWith('_')))
      assert.ok(isShown(name), `${name} is not shown`);
    for (const name of shown.keys())
      if (name.startsWith('sealwire_'))
        assert.ok(
          asked.some((each) => each.startsWith(name)),
          `${name} is in no panel`,
        );
    relay.child.kill('SIGTERM');
    assert.is(await relay.ended, 0);
  }),
);

test.run();
