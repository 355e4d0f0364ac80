import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Tiers that need more than Node.js. The files of one end in `.TIER.test.ts`; all others are unit tests. */
const special = ['faults', 'interop', 'jvm', 's3'];

/**
 * One project a workspace folder, and one for `test/`. Tests run from source through the
 * `@danube/source` condition. `DANUBE_TIER` names the one tier to run (default `unit`).
 */
const tier = process.env['DANUBE_TIER'] ?? 'unit';
if (tier !== 'unit' && !special.includes(tier)) throw new Error(`DANUBE_TIER=${tier} is not a tier.`);
const endings = special.map((name) => `**/*.${name}.test.ts`);
const roots = [
  ...['packages', 'apps'].flatMap((group) => readdirSync(group).map((name) => `${group}/${name}`)),
  'test',
].filter((root) => existsSync(root));

const conditions = ['@danube/source', 'node', 'import', 'default'];
const folders = (root: string) => (root === 'test' ? [''] : ['src/', 'test/']);

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    projects: roots.map((root) => ({
      extends: true as const,
      root,
      test: {
        name: root,
        include: folders(root).map((folder) => `${folder}**/*${tier === 'unit' ? '' : `.${tier}`}.test.ts`),
        exclude: ['**/node_modules/**', '**/dist/**', ...(tier === 'unit' ? endings : [])],
      },
    })),
    // On two cores the default is one worker, and workers wait for disks, sockets and clocks a third of their time. The
    // faults tier makes system calls fail: nothing else may run beside it.
    maxWorkers: tier === 'faults' ? 1 : Math.max(3, availableParallelism() - 1),
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
