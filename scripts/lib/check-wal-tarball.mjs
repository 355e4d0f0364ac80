// Packs @danube/wal, installs the tarball into an empty project without a network, and uses it as plain JavaScript does.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const useIt = `
async function useIt(dir) {
  const wal = await openWal({ dir });
  const { offset } = await wal.append({ type: 1, payload: Buffer.from('packed') });
  const texts = [];
  for await (const batch of wal.read({ from: offset }))
    for (const { payload } of batch) texts.push(Buffer.from(payload).toString());
  await wal.close();
  if (texts.join() !== 'packed') throw new Error('read back: ' + texts);
}
useIt(process.argv[2]).catch((error) => { console.error(error); process.exitCode = 1; });
`;
const programs = {
  'esm.mjs': `import { openWal } from '@danube/wal';\n${useIt}`,
  'commonjs.cjs': `const { openWal } = require('@danube/wal');\n${useIt}`,
};

/** @param {string} root the workspace */
export function checkWalTarball(root) {
  const temporary = mkdtempSync(join(tmpdir(), 'danube-wal-pack-'));
  try {
    const run = (cwd, command, ...args) => execFileSync(command, args, { cwd, encoding: 'utf8' });
    run(join(root, 'packages', 'wal'), 'pnpm', 'pack', '--pack-destination', temporary);
    const tarball = readdirSync(temporary).find((name) => name.endsWith('.tgz'));
    const project = join(temporary, 'project');
    mkdirSync(project);
    const manifest = {
      name: 'project',
      private: true,
      dependencies: { '@danube/wal': `file:../${tarball}` },
    };
    writeFileSync(join(project, 'package.json'), JSON.stringify(manifest));
    // The package has no dependencies: nothing but the tarball is needed. Its own store keeps it apart from ours.
    run(
      project,
      'pnpm',
      'install',
      '--offline',
      '--ignore-workspace',
      '--store-dir',
      join(temporary, 'store'),
    );
    for (const [name, text] of Object.entries(programs)) {
      const log = join(temporary, `log-${name}`);
      writeFileSync(join(project, name), text);
      run(project, process.execPath, name, log);
      const verdict = run(project, join(project, 'node_modules', '.bin', 'danube-wal'), 'verify', log);
      if (verdict !== 'sound\n') throw new Error(`danube-wal verify says: ${verdict}`);
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
