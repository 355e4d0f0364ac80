// Runs the package's tests with one planted bug (environment variable MUTANT) put in while files are loaded.
import { fileURLToPath } from 'node:url';
import mutants from './mutants.mjs';

const name = process.env.MUTANT;
const mutant = mutants[name];
if (mutant === undefined) throw new Error(`no mutant ${name}`);
const conditions = ['@danube/source', 'node', 'import', 'default'];

export default {
  root: fileURLToPath(new URL('../..', import.meta.url)),
  plugins: [
    {
      name: 'mutant',
      enforce: 'pre',
      transform(code, id) {
        let text = code;
        for (const [file, from, to] of mutant.edits) {
          if (!id.split('?')[0].endsWith(`/storage/src/${file}`)) continue;
          if (!text.includes(from)) throw new Error(`mutant ${name} does not apply to ${file}: ${from}`);
          text = text.replace(from, to);
        }
        return text;
      },
    },
  ],
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 10_000,
    hookTimeout: 30_000,
    // Transformed files are cached by their source: a mutant must neither find nor leave any there.
    fsModuleCache: false,
  },
};
