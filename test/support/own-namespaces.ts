import { mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startGuarded } from '../../packages/objectstore/test/support/guarded-process.ts';

const LOOPBACK_UP = fileURLToPath(new URL('./loopback_up.py', import.meta.url));

/** What was in /var/lib stays reachable by its path; what is made there is in memory. */
const SET_UP = `
set -e
python=$1 loopback_up=$2 former=$3
shift 3
"$python" "$loopback_up"
mount --rbind /var/lib "$former"
mount -t tmpfs tmpfs /var/lib
for entry in "$former"/*; do ln -s "$entry" /var/lib/; done
rm -f /var/lib/danube
mkdir /var/lib/danube
"$@"
`;

/**
 * Runs a Node.js program where it can have any port and write to `/var/lib/danube`: its loopback is one that nobody else
 * has, that directory is in memory and empty, and what it starts ends with it. The machine is left as it was. Resolves with
 * what the program printed, and rejects with it when it did not end with 0.
 *
 * Needs Linux, util-linux, DANUBE_PYTHON, and root or a kernel that lets anybody make user namespaces.
 */
export async function runInOwnNamespaces(program: string, args: readonly string[]): Promise<string> {
  const python = process.env['DANUBE_PYTHON'];
  if (!python) throw new Error('DANUBE_PYTHON is not set: run npm test, which installs the judges');
  const former = await mkdtemp(join(tmpdir(), 'danube-var-lib-'));
  try {
    const spaces = ['--mount', '--net', '--pid', '--fork', '--kill-child'];
    const child = await startGuarded('unshare', [
      ...(process.getuid?.() === 0 ? spaces : ['--map-root-user', ...spaces]),
      ...['sh', '-c', SET_UP, 'namespaces', python, LOOPBACK_UP, former],
      ...['sh', '-c', '"$@" && echo IT ENDED WELL', 'program'],
      ...[process.execPath, '--conditions=@danube/source', program, ...args],
    ]);
    await child.whenEnded;
    if (!child.output().endsWith('IT ENDED WELL\n'))
      throw new Error(
        `${program} failed in namespaces of its own (which need root, or user namespaces):\n${child.output()}`,
      );
    return child.output();
  } finally {
    await rmdir(former); // fails if anything were mounted or left there
  }
}
