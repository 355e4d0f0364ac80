import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { compile } from './compile.ts';
import type { Driver } from './driver.ts';

const exec = promisify(execFile);
// Sources of the drivers, read from src also when the bench runs from dist.
const sources = fileURLToPath(new URL('../src/peers/', import.meta.url));
const ours = (name: string) => fileURLToPath(new URL(`./${name}.js`, import.meta.url));

/** In the order of the tables. */
export const contenderNames = [
  'c-loop',
  'c-loop-over',
  'go-group-commit',
  'etcd-wal',
  'nats-always',
  'nats-default',
  'lmdb',
  'danube',
  'danube-periodic',
] as const;
export type ContenderName = (typeof contenderNames)[number];

const goContenders: readonly ContenderName[] = ['go-group-commit', 'etcd-wal', 'nats-always', 'nats-default'];

export interface Contenders {
  readonly drivers: Readonly<Partial<Record<ContenderName, Driver>>>;
  readonly versions: Readonly<Record<string, string>>;
}

/** What we install lives outside the checkout, beside the judges of the interop tier. */
function cacheDir(): string {
  const { DANUBE_CACHE, XDG_CACHE_HOME } = process.env;
  return DANUBE_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'danube-iceberg');
}

/** Names the folder for what is in it: the sources and pinned versions in `from`, and the compilers. */
async function fingerprint(from: string, ...more: string[]): Promise<string> {
  const hash = createHash('sha256').update(more.join('\n'));
  const entries = await readdir(from, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.sort()) hash.update(file.slice(from.length)).update(await readFile(file));
  return hash.digest('hex').slice(0, 12);
}

/** Returns the folder that `fill` filled once; one that was interrupted is filled anew. */
async function cached(name: string, what: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(cacheDir(), name);
  const complete = join(folder, 'complete');
  if (existsSync(complete)) return folder;
  console.error(`Installing ${what} into ${folder} (kept for later runs)`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await fill(folder);
  await mkdir(complete);
  return folder;
}

async function firstLine(command: string, args: string[], orElse: string): Promise<string> {
  try {
    return (await exec(command, args)).stdout.split('\n', 1)[0] ?? '';
  } catch (cause) {
    throw new Error(orElse, { cause });
  }
}

/** Builds our Go drivers and the NATS server with the versions that go.mod and go.sum pin. */
async function buildGoPeers(goVersion: string): Promise<string> {
  const source = join(sources, 'go');
  const name = `bench-go-${await fingerprint(source, goVersion)}`;
  return cached(name, 'the Go peers: etcd wal and NATS', async (folder) => {
    // Modules are shared between builds: Go keys them by version and checksum itself.
    const modules = join(cacheDir(), 'bench-go-modules');
    const env = { ...process.env, GOMODCACHE: modules, GOFLAGS: '-modcacherw -mod=readonly -buildvcs=false' };
    const packages = ['./...', 'github.com/nats-io/nats-server/v2'];
    await exec('go', ['build', '-o', `${folder}/`, ...packages], { cwd: source, env, maxBuffer: 64 << 20 });
  });
}

async function installNpmPeers(): Promise<string> {
  const source = join(sources, 'npm');
  return cached(`bench-npm-${await fingerprint(source)}`, 'lmdb', async (folder) => {
    await cp(source, folder, { recursive: true });
    // lmdb ships its binary as a platform package: no install script is needed.
    await exec('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder });
  });
}

async function pinnedVersions(): Promise<Record<string, string>> {
  const modules = await readFile(join(sources, 'go', 'go.mod'), 'utf8');
  const pins = [
    'go.etcd.io/etcd/server/v3',
    'github.com/nats-io/nats-server/v2',
    'github.com/nats-io/nats.go',
  ];
  const go = pins.map((pin) => [pin, new RegExp(`${pin} (v\\S+)`).exec(modules)?.[1] ?? 'unknown'] as const);
  const manifest = JSON.parse(await readFile(join(sources, 'npm', 'package.json'), 'utf8'));
  return { ...Object.fromEntries(go), ...manifest.dependencies };
}

/**
 * Makes the contenders of `names` ready to run: what has to be compiled or fetched for them is, once, into the cache
 * folder; the C loop, compiled in a moment, goes to `workDir`.
 */
export async function prepareContenders(
  names: readonly ContenderName[],
  workDir: string,
): Promise<Contenders> {
  if (process.platform !== 'linux')
    throw new Error('This scenario needs Linux: fdatasync from Go, /proc, /dev/shm.');
  const node = process.execPath;
  const versions: Record<string, string> = { node: process.version, ...(await pinnedVersions()) };
  const drivers: Partial<Record<ContenderName, Driver>> = {
    danube: { command: node, args: [ours('danube-driver'), 'always'] },
    'danube-periodic': { command: node, args: [ours('danube-driver'), 'periodic'] },
  };
  if (names.includes('c-loop') || names.includes('c-loop-over')) {
    const command = await compile('fdatasync-loop', workDir);
    drivers['c-loop'] = { command };
    drivers['c-loop-over'] = { command, args: ['over'] };
    versions.cc = await firstLine('cc', ['--version'], 'cc does not say its version.');
  }
  if (names.includes('lmdb'))
    drivers.lmdb = { command: node, args: [ours('lmdb-driver')], cwd: await installNpmPeers() };
  if (names.some((name) => goContenders.includes(name))) {
    versions.go = await firstLine(
      'go',
      ['version'],
      `${goContenders.join(', ')} are Go programs: Go 1.26 or later (go) is needed on PATH.`,
    );
    const folder = await buildGoPeers(versions.go);
    const server = join(folder, 'nats-server');
    drivers['go-group-commit'] = { command: join(folder, 'go-group-commit') };
    drivers['etcd-wal'] = { command: join(folder, 'etcd-wal') };
    drivers['nats-always'] = { command: join(folder, 'nats'), args: [server, 'always'] };
    drivers['nats-default'] = { command: join(folder, 'nats'), args: [server, 'default'] };
  }
  return { drivers, versions };
}
