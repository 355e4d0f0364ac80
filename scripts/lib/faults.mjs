// What the fault tier needs: a kernel that lets us make it lie.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Returns a sentence saying why real faults cannot be made here, or undefined. Everything needed is tried, not guessed. */
export function whyNoFaults() {
  if (process.platform !== 'linux') return 'it needs Linux';
  return whyNoStrace() ?? whyNoSmallDisk();
}

/** A command whose one system call must fail because strace says so. */
function whyNoStrace() {
  const folder = mkdtempSync(join(tmpdir(), 'danube-probe-'));
  try {
    const inject = ['-f', '-e', 'trace=unlink,unlinkat,rmdir', '-e', 'inject=rmdir,unlinkat:error=EIO'];
    const { error, status, stderr } = spawnSync('strace', [...inject, 'rmdir', folder], { encoding: 'utf8' });
    if (error) return 'strace was not found (on Debian: apt-get install strace)';
    if (status !== 0 && stderr.includes('(INJECTED)')) return undefined;
    return `strace may not change system calls here (${stderr.trim().split('\n')[0]})`;
  } finally {
    rmdirSync(folder);
  }
}

/** As root a mount namespace, without root a user namespace as well: packages/wal/test/faults/small-disk.ts does the same. */
function whyNoSmallDisk() {
  const folder = mkdtempSync(join(tmpdir(), 'danube-probe-'));
  try {
    const namespace = process.getuid() === 0 ? '-m' : '-rm';
    const mount = ['sh', '-c', 'mount -t tmpfs -o size=65536 tmpfs "$0"', folder];
    const { error, status, stderr } = spawnSync('unshare', [namespace, ...mount], { encoding: 'utf8' });
    if (error) return 'unshare was not found (on Debian: apt-get install util-linux)';
    return status === 0 ? undefined : `a tmpfs cannot be mounted here (${stderr.trim().split('\n')[0]})`;
  } finally {
    rmdirSync(folder);
  }
}
