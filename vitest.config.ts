import { existsSync, readdirSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

/** One project a workspace folder; tests run from source through the `@danube/source` condition. */
const folders = ['packages', 'apps'].flatMap((group) =>
  existsSync(group) ? readdirSync(group).map((name) => `${group}/${name}`) : [],
);
const interop = process.env['DANUBE_INTEROP'] === '1';

export default defineConfig({
  resolve: { conditions: ['@danube/source', 'node', 'import', 'default'] },
  ssr: {
    resolve: {
      conditions: ['@danube/source', 'node', 'import', 'default'],
      externalConditions: ['@danube/source', 'node', 'import', 'default'],
    },
  },
  test: {
    projects: [
      ...folders.map((root) => ({
        extends: true as const,
        root,
        test: {
          name: root,
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**', ...(interop ? [] : ['**/*.interop.test.ts'])],
        },
      })),
      {
        extends: true as const,
        test: {
          name: 'workspace',
          include: ['test/**/*.test.ts'],
          exclude: interop ? [] : ['**/*.interop.test.ts'],
        },
      },
    ],
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
