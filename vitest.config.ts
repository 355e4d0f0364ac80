import { existsSync, readdirSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

/**
 * One project a workspace folder, and one for `test/`. Tests run from source through the
 * `@danube/source` condition. `DANUBE_INTEROP=1` runs the interop tier (other software as judge)
 * instead of everything else.
 */
const interop = process.env['DANUBE_INTEROP'] === '1';
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
        include: folders(root).map((folder) => `${folder}**/*${interop ? '.interop' : ''}.test.ts`),
        exclude: ['**/node_modules/**', '**/dist/**', ...(interop ? [] : ['**/*.interop.test.ts'])],
      },
    })),
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
