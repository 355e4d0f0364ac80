import { spawn } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Runs a script on a file system of its own: a tmpfs of `bytes`, mounted in a mount namespace that only the child has.
 * The mount is gone when the child is, however it ends. Without root the namespace belongs to a user namespace.
 */
export async function onSmallDisk(
  bytes: number,
  command: (mountPoint: string) => readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ exitCode: number | null; output: string; complaints: string }> {
  const mountPoint = mkdtempSync(join(tmpdir(), 'wal-small-disk-'));
  const namespace = process.getuid!() === 0 ? '-m' : '-rm';
  const mount = `mount -t tmpfs -o size=${bytes} tmpfs "$0" && exec "$@"`;
  try {
    return await new Promise((resolve, reject) => {
      const child = spawn('unshare', [namespace, 'sh', '-c', mount, mountPoint, ...command(mountPoint)], {
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: 60_000,
        killSignal: 'SIGKILL',
        env,
      });
      let output = '';
      let complaints = '';
      child.stdout.on('data', (data) => {
        output += data;
      });
      child.stderr.on('data', (data) => {
        complaints += data;
      });
      child.on('error', reject);
      child.on('close', (exitCode) => resolve({ exitCode, output, complaints }));
    });
  } finally {
    rmdirSync(mountPoint); // fails if anything were still mounted or left there
  }
}
