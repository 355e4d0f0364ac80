// The one launcher behind `npm start`, `npm test`, `npm run soak|bench|verify:cloud|x`: finds the toolchain, installs
// and builds what is not there yet, starts the command under Node.js 24 and then stays out of the way.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CACHE,
  findToolchain,
  passSignalsOn,
  ROOT,
  run,
  runQuietly,
  toolEnvironment,
} from './lib/toolchain.mjs';

const say = (line) => process.stderr.write(`${line}\n`);

/** Changes whenever an installation is due: the lock file and every manifest. */
function installFingerprint() {
  const hash = createHash('sha256');
  const manifests = ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(ROOT, group)).map((name) => join(group, name, 'package.json')),
  );
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', ...manifests]) {
    if (existsSync(join(ROOT, file))) hash.update(file).update(readFileSync(join(ROOT, file)));
  }
  return hash.digest('hex');
}

async function install(tools, env) {
  const stamp = join(CACHE, 'installed');
  const fingerprint = installFingerprint();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint) return 0;
  say('Installing dependencies');
  const code = await runQuietly(
    tools.node,
    [tools.pnpm, 'install', '--frozen-lockfile', '--prefer-offline'],
    { env },
  );
  if (code === 0) {
    mkdirSync(CACHE, { recursive: true });
    writeFileSync(stamp, fingerprint);
  }
  return code;
}

/** What runs needs no type declarations, which take most of a build's time. */
async function build(env, filter) {
  say('Building (only what changed)');
  return runQuietly('turbo', ['run', 'build:js', '--output-logs=errors-only', ...filter], { env });
}

const broker = '--filter=@danube/broker...';
const commands = {
  start: { filter: [broker], argv: (args) => ['apps/broker/dist/main.js', ...args] },
  test: { argv: (args) => ['scripts/test.mjs', ...args] },
  // From source, like the tests: nothing to build.
  soak: { argv: (args) => ['scripts/soak.mjs', ...args] },
  bench: {
    filter: [broker, '--filter=@danube/bench...'],
    argv: (args) => ['apps/bench/dist/main.js', ...args],
  },
  'verify:cloud': {
    argv: (args) => [
      '--conditions=@danube/source',
      'packages/objectstore/test/cloud/verify-cloud.ts',
      ...args,
    ],
  },
};

async function main([name, ...args]) {
  const interrupted = passSignalsOn();
  const tools = findToolchain();
  const env = toolEnvironment(tools);
  const installed = await install(tools, env);
  if (installed !== 0 || interrupted()) return installed || 130;
  if (name === 'x') {
    if (args.length === 0)
      throw new Error(
        'Usage: npm run x -- COMMAND [ARGUMENTS], for example: npm run x -- vitest run packages/wal',
      );
    return run(args[0], args.slice(1), { env });
  }
  const command = commands[name];
  if (command === undefined)
    throw new Error(`Unknown command ${name}. Known: ${[...Object.keys(commands), 'x'].join(', ')}.`);
  if (command.filter) {
    const built = await build(env, command.filter);
    if (built !== 0 || interrupted()) return built || 130;
  }
  // The program's own hints then say `npm start --`, which is what the person typed.
  const stdio = name === 'start' ? ['inherit', 'inherit', 'inherit', 'ipc'] : 'inherit';
  return run(tools.node, command.argv(args), { env: { ...env, DANUBE_LAUNCHED: name }, stdio });
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error) => {
    say(error.message);
    process.exit(1);
  },
);
